//! The tree tier: the only room that names the crate `scraper`.
//!
//! A tree costs several times a streaming pass, so it is built only where text is asked for, or
//! where the streaming tier can't tell how the markup nests. It is bounded in depth and in time:
//! some steps of the HTML algorithm look at every open element, which hostile pages make thousands.

mod facts;
mod layout;
mod microdata;
mod names;
mod needs;
mod outline;
mod query;
mod rdfa;
mod text;
mod walk;
mod xpath;

pub use microdata::may_have_microdata;
pub use outline::{Entry, Outline};
pub use query::{Match, Place, Query};
pub use rdfa::may_have_rdfa;

use crate::settings::Settings;
use html5ever::{
    QualName,
    driver::{self, ParseOpts},
    tendril::{StrTendril, TendrilSink},
    tree_builder::TreeBuilderOpts,
};
use scraper::{Html, HtmlTreeSink, node::Element};
use serde_json::Value;
use std::{
    cell::OnceCell,
    time::{Duration, Instant},
};

/// A page as a tree.
#[derive(Debug)]
pub struct Dom {
    html: Html,
    /// The places of all nodes, where an XPath expression has asked for them.
    order: OnceCell<xpath::Order>,
    /// Its elements by name, where a selector has asked for them.
    names: OnceCell<names::Names>,
    /// Whether reading stopped at a bound before the end of the page.
    pub cut: bool,
}

/// Structured data found in a tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The items or subjects.
    pub values: Vec<Value>,
    /// Whether something was left out, past a bound.
    pub cut: bool,
}

/// Whether a page says one of these words anywhere.
fn mentions(html: &str, words: &[&str]) -> bool {
    words.iter().any(|word| memchr::memmem::find(html.as_bytes(), word.as_bytes()).is_some())
}

/// Bytes between two looks at the bounds.
const STEP: usize = 16 * 1024;

/// Longest time that building a tree may take. A tree of 20 MB takes a fraction of a second; only
/// pages made to be slow come near, and builds without optimisation.
const MAX_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 3 });

/// Most nodes of a tree, at some 130 bytes each. Real pages have a few thousand.
const MAX_NODES: usize = 750_000;

impl Dom {
    /// Builds the tree as a browser without scripting does, so that `<noscript>` is markup.
    #[must_use]
    pub fn build(text: &str, settings: &Settings) -> Self {
        let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
        let options = ParseOpts { tree_builder, ..ParseOpts::default() };
        let mut parser = driver::parse_document(HtmlTreeSink::new(Html::new_document()), options);
        let deadline = Instant::now() + MAX_TIME;
        let mut rest = text;
        let mut cut = false;
        while !rest.is_empty() && !cut {
            let (step, after) = rest.split_at(rest.floor_char_boundary(STEP.min(rest.len())));
            parser.process(StrTendril::from_slice(step));
            rest = after;
            let html = parser.tokenizer.sink.sink.0.borrow();
            cut = depth(&html) > settings.max_depth
                || html.tree.nodes().len() > MAX_NODES
                || Instant::now() > deadline;
        }
        Self {
            html: parser.finish(),
            order: OnceCell::new(),
            names: OnceCell::new(),
            cut: cut && !rest.is_empty(),
        }
    }
}

/// An attribute's value. An element has few: a look at each costs less than making an atom of the name.
fn attribute<'d>(element: &'d Element, name: &str) -> Option<&'d str> {
    let is_it = |(key, _): &&(QualName, StrTendril)| key.ns == html5ever::ns!() && &*key.local == name;
    element.attrs.iter().find(is_it).map(|(_, value)| &**value)
}

/// How deep the tree is where the parser stands: along the last child of each node.
fn depth(html: &Html) -> usize {
    let mut node = html.tree.root();
    let mut depth = 0;
    while let Some(child) = node.last_child() {
        node = child;
        depth += 1;
    }
    depth
}
