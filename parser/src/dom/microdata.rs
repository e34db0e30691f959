//! Microdata (WHATWG, "Microdata"): items as objects `{"type", "id", "properties"}`.
//!
//! A property with one value has it bare, one with several a list, which is how most people want to
//! read them. An item without properties has its text as `value`.

use super::{Dom, Found, layout::laid_out, walk};
use crate::resolve::scheme;
use ego_tree::{NodeId, NodeRef};
use scraper::{Node, node::Element};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use url::Url;

/// Deepest nesting of items in items: each is up to three levels of JSON, of which readers take 128.
const MAX_DEPTH: usize = 32;

/// Longest text of a property, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Most nodes looked at, some of them several times where properties nest.
const MAX_STEPS: usize = 2_000_000;

/// Whether a page can have microdata: whether it says `itemscope` at all.
#[must_use]
pub fn may_have_microdata(html: &str) -> bool {
    super::mentions(html, &["itemscope", "itemScope", "ITEMSCOPE"])
}

impl Dom {
    /// The top-level items in document order, as many as take `max_bytes`.
    #[must_use]
    pub fn microdata(&self, base: &Url, max_bytes: usize) -> Found {
        let root = self.html.tree.root();
        let mut reader = Reader {
            root,
            base,
            ids: HashMap::new(),
            seen: HashSet::new(),
            bytes: max_bytes,
            steps: MAX_STEPS,
            cut: false,
        };
        if walk::elements(root).any(|(_, element)| super::attribute(element, "itemref").is_some()) {
            reader.ids = ids(root);
        }
        let mut values = Vec::new();
        for (node, element) in walk::elements(root) {
            if reader.cut {
                break;
            }
            if super::attribute(element, "itemscope").is_some() {
                values.extend(reader.item(node, element, 0));
            }
        }
        Found { values, cut: reader.cut }
    }
}

/// The first element of each id.
fn ids(root: NodeRef<'_, Node>) -> HashMap<&str, NodeId> {
    let mut ids = HashMap::new();
    for (node, element) in walk::elements(root) {
        if let Some(id) = super::attribute(element, "id") {
            ids.entry(id).or_insert_with(|| node.id());
        }
    }
    ids
}

struct Reader<'d> {
    root: NodeRef<'d, Node>,
    base: &'d Url,
    ids: HashMap<&'d str, NodeId>,
    /// Items that stand somewhere already.
    seen: HashSet<NodeId>,
    bytes: usize,
    steps: usize,
    cut: bool,
}

impl<'d> Reader<'d> {
    /// The item of an element with `itemscope`; `None` where it stands elsewhere already.
    fn item(&mut self, node: NodeRef<'d, Node>, element: &'d Element, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            self.cut = true;
            return None;
        }
        if !self.seen.insert(node.id()) {
            return None;
        }
        let mut item = Map::new();
        let types: Vec<&str> =
            super::attribute(element, "itemtype").unwrap_or_default().split_ascii_whitespace().collect();
        if !types.is_empty() {
            item.insert("type".to_owned(), one_or_list(types.iter().map(|name| self.text(name)).collect()));
            if let Some(id) = super::attribute(element, "itemid") {
                item.insert("id".to_owned(), self.text(id.trim()));
            }
        }
        let mut properties = Properties::default();
        self.properties(node, depth, &mut properties);
        for id in super::attribute(element, "itemref").unwrap_or_default().split_ascii_whitespace() {
            self.referenced(id, depth, &mut properties);
        }
        if properties.0.is_empty() {
            let text = laid_out(node, MAX_TEXT.min(self.bytes));
            let value = super::attribute(element, "content").filter(|content| !content.is_empty());
            item.insert("value".to_owned(), self.text(value.unwrap_or(&text)));
        } else {
            item.insert("properties".to_owned(), properties.into_value());
        }
        Some(Value::Object(item))
    }

    /// The properties below `root`, not those of items in it.
    fn properties(&mut self, root: NodeRef<'d, Node>, depth: usize, properties: &mut Properties) {
        let mut at = walk::next(root, root, true);
        while let Some(node) = at {
            if self.is_done() {
                return;
            }
            let mut descend = true;
            if let Node::Element(element) = node.value() {
                descend =
                    super::attribute(element, "itemscope").is_none() && !super::facts::is_template(element);
                self.property(node, element, depth, properties);
            }
            at = walk::next(node, root, descend);
        }
    }

    /// The properties of an element that the item names, wherever it stands.
    fn referenced(&mut self, id: &str, depth: usize, properties: &mut Properties) {
        let Some(node) = self.ids.get(id).and_then(|id| self.root.tree().get(*id)) else { return };
        let Node::Element(element) = node.value() else { return };
        self.property(node, element, depth, properties);
        // An item that is no property lends its own.
        if super::attribute(element, "itemscope").is_none() || super::attribute(element, "itemprop").is_none()
        {
            self.properties(node, depth, properties);
        }
    }

    fn property(
        &mut self,
        node: NodeRef<'d, Node>,
        element: &'d Element,
        depth: usize,
        properties: &mut Properties,
    ) {
        let Some(names) = super::attribute(element, "itemprop") else { return };
        let mut names = names.split_ascii_whitespace().peekable();
        if names.peek().is_none() {
            return;
        }
        let value = if super::attribute(element, "itemscope").is_some() {
            self.item(node, element, depth + 1)
        } else {
            Some(self.value(node, element))
        };
        let Some(value) = value else { return };
        for name in names {
            self.take(name.len());
            properties.push(name, value.clone());
        }
    }

    /// The value of a property that is no item.
    fn value(&mut self, node: NodeRef<'d, Node>, element: &'d Element) -> Value {
        let attribute = |name| super::attribute(element, name).unwrap_or_default();
        match element.name() {
            "meta" => self.text(attribute("content")),
            "audio" | "embed" | "iframe" | "img" | "source" | "track" | "video" => self.url(attribute("src")),
            "a" | "area" | "link" => self.url(attribute("href")),
            "object" => self.url(attribute("data")),
            "data" | "meter" => self.text(attribute("value")),
            "time" if super::attribute(element, "datetime").is_some() => self.text(attribute("datetime")),
            // Not in the standard, but schema.org's own examples have it on any element.
            _ if !attribute("content").is_empty() => self.text(attribute("content")),
            _ => {
                let text = laid_out(node, MAX_TEXT.min(self.bytes));
                self.steps = self.steps.saturating_sub(text.len() / 16);
                self.text(&text)
            }
        }
    }

    fn url(&mut self, reference: &str) -> Value {
        let reference = reference.trim_matches(|c: char| c.is_ascii_whitespace());
        // What is absolute stays as it is written: some are templates, `{search_term}` and all.
        match self.base.join(reference) {
            Ok(url) if scheme(reference).is_none() => self.text(url.as_str()),
            _ => self.text(reference),
        }
    }

    fn text(&mut self, text: &str) -> Value {
        self.take(text.len());
        Value::String(text.to_owned())
    }

    fn take(&mut self, bytes: usize) {
        match self.bytes.checked_sub(bytes) {
            Some(left) => self.bytes = left,
            None => self.cut = true,
        }
    }

    fn is_done(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.cut |= self.steps == 0;
        self.cut
    }
}

/// Values by name, in the order in which the names are first met.
#[derive(Default)]
struct Properties(Vec<(String, Vec<Value>)>);

impl Properties {
    fn push(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }

    fn into_value(self) -> Value {
        self.0.into_iter().map(|(name, values)| (name, one_or_list(values))).collect::<Map<_, _>>().into()
    }
}

fn one_or_list(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}
