//! The triples of a page, and their form as expanded JSON-LD.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// What a triple says of its subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// Another subject, by its IRI or blank node.
    Resource(String),
    /// A text.
    Literal {
        /// The text.
        value: String,
        /// The IRI of its datatype.
        datatype: Option<String>,
        /// Its language.
        language: Option<String>,
    },
    /// A list of such.
    List(Vec<Object>),
}

impl Object {
    fn bytes(&self) -> usize {
        match self {
            Self::Resource(iri) => iri.len(),
            Self::Literal { value, datatype, .. } => value.len() + datatype.as_ref().map_or(0, String::len),
            Self::List(objects) => objects.iter().map(Self::bytes).sum(),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Resource(iri) => json!({ "@id": iri }),
            Self::Literal { value, datatype, language } => {
                let mut literal = Map::new();
                if let Some(datatype) = datatype {
                    literal.insert("@type".to_owned(), datatype.into());
                }
                if let Some(language) = language {
                    literal.insert("@language".to_owned(), language.into());
                }
                literal.insert("@value".to_owned(), value.into());
                literal.into()
            }
            Self::List(objects) => {
                json!({ "@list": objects.into_iter().map(Self::into_value).collect::<Vec<_>>() })
            }
        }
    }
}

/// Collects triples, up to a bound in bytes.
#[derive(Debug)]
pub struct Graph {
    /// The subjects, by the order in which they were first met.
    places: HashMap<String, usize>,
    subjects: Vec<(String, BTreeMap<String, Vec<Object>>)>,
    blank_nodes: usize,
    bytes: usize,
    /// Whether triples were left out, past the bound.
    pub cut: bool,
}

impl Graph {
    /// An empty graph that takes up to `max_bytes`.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { places: HashMap::new(), subjects: Vec::new(), blank_nodes: 0, bytes: max_bytes, cut: false }
    }

    /// A blank node of its own.
    pub fn blank_node(&mut self) -> String {
        self.blank_nodes += 1;
        format!("_:b{}", self.blank_nodes - 1)
    }

    /// Takes in a triple.
    pub fn add(&mut self, subject: &str, predicate: &str, object: Object) {
        let Some(left) = self.bytes.checked_sub(subject.len() + predicate.len() + object.bytes()) else {
            self.cut = true;
            return;
        };
        let place = match self.places.get(subject) {
            Some(place) => *place,
            None => {
                self.subjects.push((subject.to_owned(), BTreeMap::new()));
                self.places.insert(subject.to_owned(), self.subjects.len() - 1);
                self.subjects.len() - 1
            }
        };
        let objects = self.subjects[place].1.entry(predicate.to_owned()).or_default();
        // A graph is a set. Most predicates have one object; a page can't make this expensive, because
        // each object counts towards the bound.
        if objects.len() > 64 || !objects.contains(&object) {
            objects.push(object);
            self.bytes = left;
        }
    }

    /// The graph as expanded JSON-LD: an object for each subject.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        let subject = |(id, properties): (String, BTreeMap<String, Vec<Object>>)| {
            let mut node = Map::new();
            node.insert("@id".to_owned(), id.into());
            for (predicate, objects) in properties {
                if predicate == TYPE {
                    let types = objects.into_iter().map(|object| match object {
                        Object::Resource(iri) => Value::String(iri),
                        other => other.into_value(),
                    });
                    node.insert("@type".to_owned(), types.collect());
                } else {
                    node.insert(predicate, objects.into_iter().map(Object::into_value).collect());
                }
            }
            Value::Object(node)
        };
        self.subjects.into_iter().map(subject).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_become_json_ld() {
        let mut graph = Graph::new(200);
        let literal =
            |value: &str| Object::Literal { value: value.to_owned(), datatype: None, language: None };
        graph.add("s", "p", literal("x"));
        graph.add("s", "p", literal("x"));
        graph.add("s", TYPE, Object::Resource("T".to_owned()));
        graph.add("o", "q", Object::List(vec![literal("y"), Object::Resource("s".to_owned())]));
        graph.add("s", "p", literal(&"long".repeat(100)));
        assert!(graph.cut);
        let expected = json!([
            {"@id": "s", "@type": ["T"], "p": [{"@value": "x"}]},
            {"@id": "o", "q": [{"@list": [{"@value": "y"}, {"@id": "s"}]}]}
        ]);
        assert_eq!(Value::Array(graph.into_values()), expected);
    }
}
