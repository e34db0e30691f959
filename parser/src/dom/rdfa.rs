//! RDFa 1.1 Core, section 7.5 (sequence), over the tree; the numbers in comments are its steps.
//!
//! Of HTML+RDFa it has what pages use: `@datetime` and `@value` are content, `<head>` and `<body>` speak
//! of the page, and `@property` turns `@rel` tokens without a colon into mere links. Literals carry a
//! language only where `xml:lang` gives one: the page's own language is in `lang`.

use super::{Dom, Found, facts::is_template};
use crate::rdfa::{Context, Graph, Object};
use ego_tree::{NodeRef, iter::Edge};
use scraper::{Node, node::Element};
use std::{cell::RefCell, rc::Rc};
use url::Url;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const USES_VOCABULARY: &str = "http://www.w3.org/ns/rdfa#usesVocabulary";

/// Longest literal, in bytes.
const MAX_LITERAL: usize = 64 * 1024;

/// Most incomplete triples that wait at one element.
const MAX_INCOMPLETE: usize = 100;

/// Whether a page can have RDFa.
#[must_use]
pub fn may_have_rdfa(html: &str) -> bool {
    super::mentions(html, &["property=", "typeof=", "vocab=", "rel=\"license", "PROPERTY=", "rev=", "about="])
}

impl Dom {
    /// The graph of the page as expanded JSON-LD, up to `max_bytes`.
    #[must_use]
    pub fn rdfa(&self, base: &Url, max_bytes: usize) -> Found {
        let mut graph = Graph::new(max_bytes);
        let context = Context::new(base);
        let page = context.page();
        let mut stack = vec![Scope {
            context,
            parent_subject: page.clone(),
            parent_object: page,
            incomplete: Rc::default(),
            lists: Rc::default(),
            language: None,
        }];
        let mut templates = 0_usize;
        let mut is_root = true;
        for edge in self.html.tree.root().traverse() {
            let (Edge::Open(node) | Edge::Close(node)) = edge;
            let Node::Element(element) = node.value() else { continue };
            match edge {
                Edge::Open(_) if is_template(element) => templates += 1,
                Edge::Close(_) if is_template(element) => templates -= 1,
                _ if templates > 0 => {}
                Edge::Open(_) => {
                    let Some(scope) = stack.last() else { break };
                    let inner = Step { graph: &mut graph, node, element, outer: scope, is_root }.take();
                    stack.push(inner);
                    is_root = false;
                }
                Edge::Close(_) => {
                    let Some(inner) = stack.pop() else { break };
                    if let Some(outer) = stack.last()
                        && !Rc::ptr_eq(&inner.lists, &outer.lists)
                    {
                        write_lists(&inner, &mut graph);
                    }
                }
            }
            if graph.cut {
                break;
            }
        }
        if let Some(outermost) = stack.first() {
            write_lists(outermost, &mut graph);
        }
        Found { cut: graph.cut, values: graph.into_values() }
    }
}

/// Lists under way, by predicate.
type Lists = Rc<RefCell<Vec<(String, Vec<Object>)>>>;

/// The evaluation context (7.5) for the elements in an element.
struct Scope<'d> {
    context: Context<'d>,
    parent_subject: String,
    parent_object: String,
    /// Triples that lack their other end.
    incomplete: Rc<Vec<Incomplete>>,
    lists: Lists,
    language: Option<Rc<str>>,
}

enum Incomplete {
    Forward(String),
    Reverse(String),
    List(String),
}

/// 14. What was listed of the subject.
fn write_lists(scope: &Scope<'_>, graph: &mut Graph) {
    for (predicate, objects) in scope.lists.take() {
        graph.add(&scope.parent_subject, &predicate, Object::List(objects));
    }
}

fn list(lists: &Lists, predicate: &str, objects: impl IntoIterator<Item = Object>) {
    let mut lists = lists.borrow_mut();
    match lists.iter_mut().find(|(known, _)| known == predicate) {
        Some((_, listed)) => listed.extend(objects),
        None => lists.push((predicate.to_owned(), objects.into_iter().collect())),
    }
}

/// The processing of one element.
struct Step<'s, 'd> {
    graph: &'s mut Graph,
    node: NodeRef<'d, Node>,
    element: &'d Element,
    outer: &'s Scope<'d>,
    is_root: bool,
}

/// What an element speaks of.
struct Subjects {
    new_subject: Option<String>,
    typed: Option<String>,
    object: Option<String>,
    skip: bool,
}

impl<'d> Step<'_, 'd> {
    fn attribute(&self, name: &str) -> Option<&'d str> {
        super::attribute(self.element, name)
    }

    fn take(mut self) -> Scope<'d> {
        // 2 to 4: what is in scope.
        let mut context = self.outer.context.clone();
        if let Some(vocabulary) = self.attribute("vocab") {
            context.set_vocabulary(vocabulary);
            if let Some(vocabulary) = context.vocabulary() {
                let object = Object::Resource(vocabulary.to_owned());
                self.graph.add(&context.page(), USES_VOCABULARY, object);
            }
        }
        for (name, value) in self.element.attrs() {
            if let Some(prefix) = name.strip_prefix("xmlns:") {
                context.declare(prefix, value);
            }
        }
        if let Some(prefixes) = self.attribute("prefix") {
            context.declare_all(prefixes);
        }
        let language = match self.attribute("xml:lang") {
            Some(language) => Some(Rc::from(language)).filter(|language: &Rc<str>| !language.is_empty()),
            None => self.outer.language.clone(),
        };
        let rel = self.relation("rel");
        let rev = self.relation("rev");
        let subjects = if rel.is_none() && rev.is_none() {
            self.subjects_alone(&context)
        } else {
            self.subjects_related(&context)
        };
        self.write(&context, language, rel, rev, subjects)
    }

    /// `@rel` or `@rev`. Beside `@property`, tokens without a colon are HTML's own.
    fn relation(&self, name: &str) -> Option<String> {
        let value = self.attribute(name)?;
        if self.attribute("property").is_none() {
            return Some(value.to_owned());
        }
        let kept: Vec<&str> = value.split_ascii_whitespace().filter(|token| token.contains(':')).collect();
        (!kept.is_empty()).then(|| kept.join(" "))
    }

    fn about(&self, context: &Context<'d>) -> Option<String> {
        self.attribute("about").and_then(|about| context.resource(about))
    }

    /// What `@resource`, `@href` or `@src` names.
    fn target(&self, context: &Context<'d>) -> Option<String> {
        let resource = self.attribute("resource").and_then(|resource| context.resource(resource));
        resource
            .or_else(|| self.attribute("href").map(|href| context.absolute(href)))
            .or_else(|| self.attribute("src").map(|src| context.absolute(src)))
    }

    /// The page, at elements that speak of it unless told otherwise.
    fn page(&self, context: &Context<'d>) -> Option<String> {
        let is_page = self.is_root || matches!(self.element.name(), "head" | "body");
        is_page.then(|| if self.is_root { context.page() } else { self.outer.parent_object.clone() })
    }

    /// 5. Without `@rel` and `@rev`.
    fn subjects_alone(&mut self, context: &Context<'d>) -> Subjects {
        let is_typed = self.attribute("typeof").is_some();
        let has_property = self.attribute("property").is_some();
        let about = self.about(context);
        let page = self.page(context);
        let bare = self.attribute("content").is_none() && self.attribute("datatype").is_none();
        if has_property && bare {
            let new_subject =
                about.clone().or_else(|| page.clone()).or_else(|| Some(self.outer.parent_object.clone()));
            let typed = is_typed.then(|| {
                about.or(page).or_else(|| self.target(context)).unwrap_or_else(|| self.graph.blank_node())
            });
            return Subjects { new_subject, object: typed.clone(), typed, skip: false };
        }
        let named = about.or_else(|| self.target(context)).or(page);
        let skip = named.is_none() && !is_typed && !has_property;
        let new_subject = match named {
            Some(named) => named,
            None if is_typed => self.graph.blank_node(),
            None => self.outer.parent_object.clone(),
        };
        let typed = is_typed.then(|| new_subject.clone());
        Subjects { new_subject: Some(new_subject), typed, object: None, skip }
    }

    /// 6. With `@rel` or `@rev`.
    fn subjects_related(&mut self, context: &Context<'d>) -> Subjects {
        let is_typed = self.attribute("typeof").is_some();
        let about = self.about(context);
        let mut object = self.target(context);
        if object.is_none() && is_typed && about.is_none() {
            object = Some(self.graph.blank_node());
        }
        let typed = if is_typed { about.clone().or_else(|| object.clone()) } else { None };
        let new_subject =
            about.or_else(|| self.page(context)).or_else(|| Some(self.outer.parent_object.clone()));
        Subjects { new_subject, typed, object, skip: false }
    }

    /// 7 to 13. The triples, and what is in scope further in.
    fn write(
        self,
        context: &Context<'d>,
        language: Option<Rc<str>>,
        rel: Option<String>,
        rev: Option<String>,
        subjects: Subjects,
    ) -> Scope<'d> {
        let Subjects { new_subject, typed, mut object, skip } = subjects;
        let subject = new_subject.unwrap_or_else(|| self.outer.parent_object.clone());
        if let Some(typed) = &typed {
            for name in context.terms(self.attribute("typeof").unwrap_or_default()) {
                self.graph.add(typed, &format!("{RDF}type"), Object::Resource(name));
            }
        }
        // 8. Lists belong to a subject.
        let lists =
            if subject == self.outer.parent_object { Rc::clone(&self.outer.lists) } else { Lists::default() };
        let forward = rel.as_deref().map(|rel| context.terms(rel)).unwrap_or_default();
        let reverse = rev.as_deref().map(|rev| context.terms(rev)).unwrap_or_default();
        let is_listed = self.attribute("inlist").is_some();
        let mut incomplete = Vec::new();
        if let Some(object) = &object
            && (rel.is_some() || rev.is_some())
        {
            // 9. Both ends are here.
            for predicate in &forward {
                let object = Object::Resource(object.clone());
                if is_listed {
                    list(&lists, predicate, [object]);
                } else {
                    self.graph.add(&subject, predicate, object);
                }
            }
            for predicate in &reverse {
                self.graph.add(object, predicate, Object::Resource(subject.clone()));
            }
        } else if rel.is_some() || rev.is_some() {
            // 10. The other end stands further in.
            let forward = forward.into_iter().map(|predicate| {
                if is_listed {
                    list(&lists, &predicate, []);
                    Incomplete::List(predicate)
                } else {
                    Incomplete::Forward(predicate)
                }
            });
            let reverse = reverse.into_iter().map(Incomplete::Reverse);
            incomplete = forward.chain(reverse).take(MAX_INCOMPLETE).collect();
            object = Some(self.graph.blank_node());
        }
        // 11. The property.
        let predicates = context.terms(self.attribute("property").unwrap_or_default());
        if !predicates.is_empty() {
            let has_relation = rel.is_some() || rev.is_some();
            let value = self.value(context, language.as_deref(), typed, has_relation);
            for predicate in &predicates {
                if is_listed {
                    list(&lists, predicate, [value.clone()]);
                } else {
                    self.graph.add(&subject, predicate, value.clone());
                }
            }
        }
        // 12. What waited for this subject.
        if !skip {
            for waiting in &*self.outer.incomplete {
                let outer = &self.outer.parent_subject;
                match waiting {
                    Incomplete::Forward(predicate) => {
                        self.graph.add(outer, predicate, Object::Resource(subject.clone()));
                    }
                    Incomplete::Reverse(predicate) => {
                        self.graph.add(&subject, predicate, Object::Resource(outer.clone()));
                    }
                    Incomplete::List(predicate) => {
                        list(&self.outer.lists, predicate, [Object::Resource(subject.clone())]);
                    }
                }
            }
        }
        // 13. Further in.
        if skip {
            return Scope {
                context: context.clone(),
                parent_subject: self.outer.parent_subject.clone(),
                parent_object: self.outer.parent_object.clone(),
                incomplete: Rc::clone(&self.outer.incomplete),
                lists: Rc::clone(&self.outer.lists),
                language,
            };
        }
        Scope {
            context: context.clone(),
            parent_object: object.unwrap_or_else(|| subject.clone()),
            parent_subject: subject,
            incomplete: Rc::new(incomplete),
            lists,
            language,
        }
    }

    /// The value of the property.
    fn value(
        &self,
        context: &Context<'d>,
        language: Option<&str>,
        typed: Option<String>,
        has_relation: bool,
    ) -> Object {
        let datatype = self.attribute("datatype").map(|name| context.term(name.trim()));
        let content = self.attribute("content").or_else(|| match self.element.name() {
            "data" => self.attribute("value"),
            _ => self.attribute("datetime"),
        });
        let text = || content.map_or_else(|| self.text(), str::to_owned);
        match datatype {
            Some(Some(datatype)) => {
                return Object::Literal { value: text(), datatype: Some(datatype), language: None };
            }
            Some(None) => {}
            None if content.is_none() => {
                let target = if has_relation { None } else { self.target(context) };
                let typed = typed.filter(|_| self.attribute("about").is_none());
                if let Some(iri) = target.or(typed) {
                    return Object::Resource(iri);
                }
            }
            None => {}
        }
        Object::Literal { value: text(), datatype: None, language: language.map(str::to_owned) }
    }

    fn text(&self) -> String {
        let mut value = String::new();
        for node in self.node.descendants() {
            if let Node::Text(text) = node.value() {
                value.push_str(text);
                if value.len() > MAX_LITERAL {
                    value.truncate(value.floor_char_boundary(MAX_LITERAL));
                    break;
                }
            }
        }
        value
    }
}
