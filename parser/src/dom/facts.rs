//! Links and metadata from the tree: what the streaming tier gathers, by the same rules.

use super::Dom;
use crate::{
    elements::{Speaking, Wanted},
    facts::{Attributes, Facts, is_json_ld},
    links::MAX_ANCHOR_TEXT,
    settings::Settings,
    text::{self, Line},
};
use ego_tree::{NodeRef, iter::Edge};
use scraper::{Node, node::Element};
use std::borrow::Cow;
use trawl_shared::model::LinkKind;

impl Dom {
    /// Gathers the facts of the page.
    #[must_use]
    pub fn facts<'d>(&'d self, wanted: Wanted, settings: &'d Settings) -> Facts<'d> {
        let mut facts = Facts::new(wanted, settings);
        let wants_data = wanted.kinds.contains(LinkKind::Data);
        let mut templates = 0_usize;
        for edge in self.html.tree.root().traverse() {
            let (Edge::Open(node) | Edge::Close(node)) = edge;
            let Node::Element(element) = node.value() else { continue };
            match edge {
                Edge::Open(_) if is_template(element) => templates += 1,
                Edge::Close(_) if is_template(element) => templates -= 1,
                Edge::Open(_) if templates == 0 => {
                    take(&mut facts, node, element);
                    if wants_data {
                        facts.data(&element);
                    }
                }
                _ => {}
            }
        }
        facts
    }
}

fn take<'d>(facts: &mut Facts<'d>, node: NodeRef<'d, Node>, element: &'d Element) {
    let Some(speaking) = Speaking::of(element.name()) else { return };
    if !speaking.is_wanted(facts.wanted) {
        return;
    }
    let attributes = &element;
    match speaking {
        Speaking::A => {
            if let Some(href) = attributes.get("href") {
                facts.anchor(LinkKind::A, href, attributes.get("rel"), anchor_text(node));
            }
        }
        Speaking::Title => {
            if facts.title.is_none() && is_html(element) {
                facts.title(&own_text(node));
            }
        }
        Speaking::Script => {
            facts.element(speaking, attributes);
            if facts.wanted.metadata
                && attributes.get("type").is_some_and(|kind| is_json_ld(&kind))
                && is_html(element)
            {
                facts.json_ld(Cow::Owned(own_text(node)));
            }
        }
        // The tree has an HTML <image> as <img>; this is a shape in SVG.
        Speaking::Image => {}
        _ => facts.element(speaking, attributes),
    }
}

/// The text that stands directly in an element.
fn own_text(node: NodeRef<'_, Node>) -> String {
    node.children().filter_map(|child| Some(&**child.value().as_text()?)).collect()
}

/// An attribute's value from the tree.
impl<'d> Attributes<'d> for &'d Element {
    fn get(&self, name: &str) -> Option<Cow<'d, str>> {
        super::attribute(self, name).map(Cow::Borrowed)
    }
}

fn anchor_text(anchor: NodeRef<'_, Node>) -> String {
    let mut line = Line::new(MAX_ANCHOR_TEXT);
    let mut hidden = 0_usize;
    for edge in anchor.traverse() {
        let (Edge::Open(node) | Edge::Close(node)) = edge;
        match (node.value(), edge) {
            (Node::Text(text), Edge::Open(_)) if hidden == 0 => line.push(text),
            (Node::Element(element), edge) => {
                if text::is_hidden(element.name()) {
                    match edge {
                        Edge::Open(_) => hidden += 1,
                        Edge::Close(_) => hidden -= 1,
                    }
                }
                if text::parts_words(element.name()) {
                    line.part();
                }
            }
            _ => {}
        }
        if line.is_full() {
            break;
        }
    }
    line.finish()
}

pub(super) fn is_template(element: &Element) -> bool {
    element.name() == "template" && is_html(element)
}

fn is_html(element: &Element) -> bool {
    element.name.ns == html5ever::ns!(html)
}
