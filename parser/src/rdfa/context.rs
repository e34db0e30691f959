//! Terms, prefixes and vocabularies in scope at an element, and how they make IRIs.

use std::{collections::HashMap, rc::Rc};
use url::Url;

/// The prefixes that every page may use: the RDFa 1.1 initial context, and those of the Open Graph
/// protocol's own vocabularies, which pages use without declaring them.
const PREFIXES: [(&str, &str); 55] = [
    ("article", "http://ogp.me/ns/article#"),
    ("as", "https://www.w3.org/ns/activitystreams#"),
    ("book", "http://ogp.me/ns/book#"),
    ("cat", "http://www.w3.org/ns/dcat#"),
    ("cc", "http://creativecommons.org/ns#"),
    ("cnt", "http://www.w3.org/2008/content#"),
    ("csvw", "http://www.w3.org/ns/csvw#"),
    ("ctag", "http://commontag.org/ns#"),
    ("dc", "http://purl.org/dc/terms/"),
    ("dc11", "http://purl.org/dc/elements/1.1/"),
    ("dcat", "http://www.w3.org/ns/dcat#"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("dctypes", "http://purl.org/dc/dcmitype/"),
    ("dqv", "http://www.w3.org/ns/dqv#"),
    ("duv", "https://www.w3.org/ns/duv#"),
    ("earl", "http://www.w3.org/ns/earl#"),
    ("fb", "http://ogp.me/ns/fb#"),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("gr", "http://purl.org/goodrelations/v1#"),
    ("grddl", "http://www.w3.org/2003/g/data-view#"),
    ("ical", "http://www.w3.org/2002/12/cal/icaltzd#"),
    ("ldp", "http://www.w3.org/ns/ldp#"),
    ("ma", "http://www.w3.org/ns/ma-ont#"),
    ("music", "http://ogp.me/ns/music#"),
    ("oa", "http://www.w3.org/ns/oa#"),
    ("odrl", "http://www.w3.org/ns/odrl/2/"),
    ("og", "http://ogp.me/ns#"),
    ("org", "http://www.w3.org/ns/org#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("profile", "http://ogp.me/ns/profile#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("ptr", "http://www.w3.org/2009/pointers#"),
    ("qb", "http://purl.org/linked-data/cube#"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfa", "http://www.w3.org/ns/rdfa#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("rev", "http://purl.org/stuff/rev#"),
    ("rif", "http://www.w3.org/2007/rif#"),
    ("rr", "http://www.w3.org/ns/r2rml#"),
    ("schema", "http://schema.org/"),
    ("sd", "http://www.w3.org/ns/sparql-service-description#"),
    ("sioc", "http://rdfs.org/sioc/ns#"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("skosxl", "http://www.w3.org/2008/05/skos-xl#"),
    ("sosa", "http://www.w3.org/ns/sosa/"),
    ("ssn", "http://www.w3.org/ns/ssn/"),
    ("time", "http://www.w3.org/2006/time#"),
    ("twitter", "https://dev.twitter.com/cards#"),
    ("v", "http://rdf.data-vocabulary.org/#"),
    ("vcard", "http://www.w3.org/2006/vcard/ns#"),
    ("video", "http://ogp.me/ns/video#"),
    ("void", "http://rdfs.org/ns/void#"),
    ("wdr", "http://www.w3.org/2007/05/powder#"),
    ("xhv", "http://www.w3.org/1999/xhtml/vocab#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// The namespace of the terms that need no vocabulary, and of the empty prefix.
const XHV: &str = "http://www.w3.org/1999/xhtml/vocab#";

/// The terms that need no vocabulary, with their IRIs.
const TERMS: [(&str, &str); 3] = [
    ("describedby", "http://www.w3.org/2007/05/powder-s#describedby"),
    ("license", "http://www.w3.org/1999/xhtml/vocab#license"),
    ("role", "http://www.w3.org/1999/xhtml/vocab#role"),
];

/// Most prefixes that a page may declare.
const MAX_PREFIXES: usize = 200;

/// What is in scope at an element. Copies share what they have in common.
#[derive(Clone, Debug)]
pub struct Context<'d> {
    base: &'d Url,
    declared: Rc<HashMap<String, String>>,
    vocabulary: Option<Rc<str>>,
}

impl<'d> Context<'d> {
    /// The context of a page.
    #[must_use]
    pub fn new(base: &'d Url) -> Self {
        Self { base, declared: Rc::default(), vocabulary: None }
    }

    /// The page itself.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = self.base.clone();
        page.set_fragment(None);
        page.into()
    }

    /// Takes in `@vocab`; an empty one takes the vocabulary away.
    pub fn set_vocabulary(&mut self, vocabulary: &str) {
        let vocabulary = vocabulary.trim();
        self.vocabulary = (!vocabulary.is_empty()).then(|| Rc::from(self.absolute(vocabulary)));
    }

    /// The vocabulary in scope.
    #[must_use]
    pub fn vocabulary(&self) -> Option<&str> {
        self.vocabulary.as_deref()
    }

    /// Declares a prefix.
    pub fn declare(&mut self, prefix: &str, namespace: &str) {
        let prefix = prefix.to_ascii_lowercase();
        if prefix != "_" && self.declared.len() < MAX_PREFIXES {
            Rc::make_mut(&mut self.declared).insert(prefix, namespace.to_owned());
        }
    }

    /// Takes in `@prefix`: `a: http://a.example/ns# b: http://b.example/ns#`.
    pub fn declare_all(&mut self, prefixes: &str) {
        let mut words = prefixes.split_ascii_whitespace();
        while let Some(prefix) = words.next() {
            let Some(prefix) = prefix.strip_suffix(':') else { continue };
            let Some(namespace) = words.next() else { return };
            self.declare(prefix, namespace);
        }
    }

    fn namespace(&self, prefix: &str) -> Option<&str> {
        if prefix.is_empty() {
            return Some(XHV);
        }
        let prefix = prefix.to_ascii_lowercase();
        let initial = || PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, namespace)| *namespace);
        self.declared.get(&prefix).map(String::as_str).or_else(initial)
    }

    /// The IRI of a CURIE whose prefix is in scope; blank nodes stay as they are.
    fn curie(&self, text: &str) -> Option<String> {
        let (prefix, reference) = text.split_once(':')?;
        if prefix == "_" {
            return Some(format!("_:p{reference}"));
        }
        if reference.starts_with("//") {
            return None;
        }
        Some(self.namespace(prefix)?.to_owned() + reference)
    }

    /// The IRI of a term, a CURIE or an absolute IRI (`property`, `typeof`, `rel`, `datatype`).
    #[must_use]
    pub fn term(&self, text: &str) -> Option<String> {
        if text.contains(':') {
            return self.curie(text).or_else(|| is_absolute(text).then(|| text.to_owned()));
        }
        if let Some(vocabulary) = &self.vocabulary {
            return Some(vocabulary.to_string() + text);
        }
        let known = TERMS.iter().find(|(term, _)| term.eq_ignore_ascii_case(text));
        known.map(|(_, iri)| (*iri).to_owned())
    }

    /// The IRIs of a list of such, those that are none left out.
    #[must_use]
    pub fn terms(&self, list: &str) -> Vec<String> {
        list.split_ascii_whitespace().filter_map(|text| self.term(text)).collect()
    }

    /// The IRI of a resource: a CURIE, in brackets or not, or an address (`about`, `resource`).
    #[must_use]
    pub fn resource(&self, text: &str) -> Option<String> {
        let text = text.trim();
        if let Some(curie) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            return self.curie(curie);
        }
        Some(self.curie(text).unwrap_or_else(|| self.absolute(text)))
    }

    /// The absolute form of an address (`href`, `src`).
    #[must_use]
    pub fn absolute(&self, reference: &str) -> String {
        let reference = reference.trim();
        match self.base.join(reference) {
            // IRIs are compared by their letters: what is absolute stays as it is written.
            Ok(_) if is_absolute(reference) => reference.to_owned(),
            Ok(url) => url.into(),
            Err(_) => reference.to_owned(),
        }
    }
}

fn is_absolute(text: &str) -> bool {
    crate::resolve::scheme(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_iris() {
        let base = Url::parse("http://a.example/b/?q#f").unwrap();
        let mut context = Context::new(&base);
        assert_eq!(context.page(), "http://a.example/b/?q");
        assert_eq!(context.term("og:title").as_deref(), Some("http://ogp.me/ns#title"));
        assert_eq!(context.term("License").as_deref(), Some("http://www.w3.org/1999/xhtml/vocab#license"));
        assert_eq!(context.term("name"), None);
        assert_eq!(context.term("al:ios:url").as_deref(), Some("al:ios:url"));
        assert_eq!(context.term("http://b.example/x").as_deref(), Some("http://b.example/x"));
        context.set_vocabulary("http://schema.org/");
        context.declare_all("Ex: http://ex.example/ns# broken og:  https://ogp.me/ns#");
        assert_eq!(context.terms("name ex:a"), ["http://schema.org/name", "http://ex.example/ns#a"]);
        assert_eq!(context.term("og:title").as_deref(), Some("https://ogp.me/ns#title"));
        assert_eq!(context.resource("[ex:b]").as_deref(), Some("http://ex.example/ns#b"));
        assert_eq!(context.resource("[none:b]"), None);
        assert_eq!(context.resource("c").as_deref(), Some("http://a.example/b/c"));
        assert_eq!(context.resource("").as_deref(), Some("http://a.example/b/?q"));
        assert_eq!(context.resource("_:x").as_deref(), Some("_:px"));
        assert_eq!(context.absolute("mailto:a@b"), "mailto:a@b");
        context.set_vocabulary("");
        assert_eq!(context.vocabulary(), None);
    }
}
