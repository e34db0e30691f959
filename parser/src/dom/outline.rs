//! A page as a list in document order: what finding the main content works on.
//!
//! A list that knows where each subtree ends is walked without recursion, and sums over subtrees are one
//! pass from its end.

use super::Dom;
use ego_tree::iter::Edge;
use scraper::{Node, node::Element};

/// The elements and texts of a page in document order.
#[derive(Debug)]
pub struct Outline<'d> {
    /// The first is `<html>`.
    pub nodes: Vec<Entry<'d>>,
    /// The place of `<body>`; a page of frames has none.
    pub body: Option<usize>,
}

/// An element or a text.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'d> {
    /// The name of the element; empty of a text.
    pub name: &'d str,
    /// The text; empty of an element.
    pub text: &'d str,
    /// The place of the parent; the first one's is its own.
    pub parent: usize,
    /// The place behind the last node of the subtree.
    pub end: usize,
    element: Option<&'d Element>,
}

impl<'d> Entry<'d> {
    /// An attribute of the element.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'d str> {
        super::attribute(self.element?, name)
    }

    /// Whether it is a text.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        self.element.is_none()
    }
}

impl Dom {
    /// The page as a list.
    #[must_use]
    pub fn outline(&self) -> Outline<'_> {
        let mut nodes: Vec<Entry<'_>> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut body = None;
        for edge in self.html.tree.root().traverse() {
            match edge {
                Edge::Open(node) => {
                    let parent = open.last().copied().unwrap_or(0);
                    let at = nodes.len();
                    let entry = Entry { name: "", text: "", parent, end: at + 1, element: None };
                    match node.value() {
                        Node::Element(element) => {
                            if body.is_none() && element.name() == "body" {
                                body = Some(at);
                            }
                            open.push(at);
                            nodes.push(Entry { name: element.name(), element: Some(element), ..entry });
                        }
                        Node::Text(text) => nodes.push(Entry { text, ..entry }),
                        _ => {}
                    }
                }
                Edge::Close(node) if node.value().is_element() => {
                    if let Some(at) = open.pop() {
                        nodes[at].end = nodes.len();
                    }
                }
                Edge::Close(_) => {}
            }
        }
        Outline { nodes, body }
    }
}

#[cfg(test)]
mod tests {
    use crate::{dom::Dom, settings::Settings};

    #[test]
    fn subtrees_know_their_end() {
        let dom = Dom::build("<title>x</title><p id=a>one<b>two</b></p><p>three", &Settings::default());
        let outline = dom.outline();
        let shown: Vec<_> =
            outline.nodes.iter().map(|node| (node.name, node.text, node.parent, node.end)).collect();
        let expected = [
            ("html", "", 0, 11),
            ("head", "", 0, 4),
            ("title", "", 1, 4),
            ("", "x", 2, 4),
            ("body", "", 0, 11),
            ("p", "", 4, 9),
            ("", "one", 5, 7),
            ("b", "", 5, 9),
            ("", "two", 7, 9),
            ("p", "", 4, 11),
        ];
        assert_eq!(shown[..10], expected);
        assert_eq!((outline.body, outline.nodes[5].attribute("id")), (Some(4), Some("a")));
        assert_eq!(Dom::build("<frameset>", &Settings::default()).outline().body, None);
    }
}
