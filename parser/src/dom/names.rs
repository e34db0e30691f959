//! The elements of a page by name, and those with attributes: what a selector has to look at.

use super::{needs::Need, walk};
use ego_tree::NodeId;
use html5ever::{LocalName, ns};
use rustc_hash::FxHashMap;
use scraper::{Html, Node};

/// Made at the first question about the whole page, which costs one walk; each further one is spared its
/// own.
#[derive(Debug, Default)]
pub(super) struct Names {
    named: FxHashMap<LocalName, Vec<Entry>>,
    /// Those that have attributes.
    attributed: Vec<Entry>,
}

/// An element, behind how many others it stands.
type Entry = (u32, NodeId);

impl Names {
    pub(super) fn of(html: &Html) -> Self {
        let mut names = Self::default();
        let root = html.tree.root();
        let mut at = walk::next(root, root, true);
        let mut position = 0;
        while let Some(node) = at {
            if let Node::Element(element) = node.value() {
                let entry = (position, node.id());
                // Only names of SVG and MathML have capitals.
                let name = &element.name;
                let name = if name.ns == ns!(html) { name.local.clone() } else { lower(&name.local) };
                names.named.entry(name).or_default().push(entry);
                if element.attrs().next().is_some() {
                    names.attributed.push(entry);
                }
                position += 1;
            }
            at = walk::next(node, root, true);
        }
        names
    }

    /// The elements that have one of these, in document order.
    pub(super) fn among(&self, needs: &[Need], html: &Html) -> Vec<NodeId> {
        let mut entries: Vec<Entry> = Vec::new();
        for need in needs {
            match need {
                Need::Name(name) => entries.extend(self.named.get(name).into_iter().flatten()),
                Need::Class(_) | Need::Attribute(_) => {
                    let has = |(_, node): &&Entry| {
                        let element = html.tree.get(*node).and_then(|node| node.value().as_element());
                        element.is_some_and(|element| need.is_met(element))
                    };
                    entries.extend(self.attributed.iter().filter(has));
                }
            }
        }
        if needs.len() > 1 {
            entries.sort_unstable_by_key(|(position, _)| *position);
            entries.dedup();
        }
        entries.into_iter().map(|(_, node)| node).collect()
    }
}

/// A name as HTML compares it: `linearGradient` in SVG is found by `lineargradient`, too.
pub(super) fn lower(name: &LocalName) -> LocalName {
    match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => LocalName::from(name.to_ascii_lowercase()),
        false => name.clone(),
    }
}
