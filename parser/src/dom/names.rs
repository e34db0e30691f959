//! The elements of a page by name: what a selector with a name in it has to look at.

use super::walk;
use ego_tree::{NodeId, NodeRef};
use html5ever::LocalName;
use scraper::{Html, Node};
use std::collections::HashMap;

/// Made at the first question about the whole page, which costs one walk; each further one is spared its
/// own.
#[derive(Debug)]
pub(super) struct Names(HashMap<LocalName, Vec<Entry>>);

/// An element, behind how many others it stands.
type Entry = (u32, NodeId);

impl Names {
    pub(super) fn of(html: &Html) -> Self {
        let mut names: HashMap<LocalName, Vec<Entry>> = HashMap::new();
        let root = html.tree.root();
        let mut at = walk::next(root, root, true);
        let mut position = 0;
        while let Some(node) = at {
            if let Node::Element(element) = node.value() {
                names.entry(lower(&element.name.local)).or_default().push((position, node.id()));
                position += 1;
            }
            at = walk::next(node, root, true);
        }
        Self(names)
    }

    /// The elements that have one of these names, which are in lower case, in document order.
    pub(super) fn among<'d>(
        &self,
        names: &[LocalName],
        html: &'d Html,
    ) -> impl Iterator<Item = NodeRef<'d, Node>> + use<'d> {
        let mut entries: Vec<Entry> =
            names.iter().filter_map(|name| self.0.get(name)).flatten().copied().collect();
        if names.len() > 1 {
            entries.sort_unstable_by_key(|(position, _)| *position);
            entries.dedup();
        }
        entries.into_iter().filter_map(|(_, node)| html.tree.get(node))
    }
}

/// A name as HTML compares it: `linearGradient` in SVG is found by `lineargradient`, too.
pub(super) fn lower(name: &LocalName) -> LocalName {
    match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => LocalName::from(name.to_ascii_lowercase()),
        false => name.clone(),
    }
}
