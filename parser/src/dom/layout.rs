//! The text of an element laid out as a reader sees it: blocks on lines of their own, paragraphs apart,
//! words parted where their elements part them.

use super::facts::is_template;
use ego_tree::{NodeRef, iter::Edge};
use scraper::Node;

/// The text of an element, at most `limit` bytes of it.
pub(super) fn laid_out(root: NodeRef<'_, Node>, limit: usize) -> String {
    let mut lines = Lines::default();
    let mut silent = 0_usize;
    for edge in root.traverse() {
        let (Edge::Open(node) | Edge::Close(node)) = edge;
        match (node.value(), edge) {
            (Node::Text(text), Edge::Open(_)) if silent == 0 => lines.push(text),
            (Node::Element(element), edge) => {
                if is_silent(element.name()) || is_template(element) {
                    match edge {
                        Edge::Open(_) => silent += 1,
                        Edge::Close(_) => silent -= 1,
                    }
                }
                lines.gap = lines.gap.max(gap_of(element.name()));
            }
            _ => {}
        }
        if lines.text.len() > limit {
            break;
        }
    }
    lines.text.truncate(lines.text.floor_char_boundary(limit));
    lines.text
}

fn is_silent(name: &str) -> bool {
    matches!(name, "script" | "style" | "link" | "meta")
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Line,
    Paragraph,
}

fn gap_of(name: &str) -> Gap {
    match name {
        "blockquote" | "dl" | "figure" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ol" | "p" | "pre"
        | "title" | "ul" => Gap::Paragraph,
        "article" | "aside" | "br" | "dd" | "details" | "div" | "dt" | "fieldset" | "figcaption"
        | "footer" | "form" | "header" | "hr" | "legend" | "li" | "main" | "nav" | "table" | "tr" => {
            Gap::Line
        }
        _ => Gap::None,
    }
}

#[derive(Default)]
struct Lines {
    text: String,
    gap: Gap,
    /// Whether the last piece of text ended in white space.
    ended_in_space: bool,
}

impl Lines {
    fn push(&mut self, piece: &str) {
        let mut words = piece.split_whitespace();
        let Some(first) = words.next() else { return };
        if !self.text.is_empty() {
            match self.gap {
                Gap::Paragraph => self.text.push_str("\n\n"),
                Gap::Line => self.text.push('\n'),
                // Elements part words, except where punctuation says that they belong together.
                Gap::None => {
                    let clings = !self.ended_in_space
                        && (first.starts_with([',', ':', ';', '.', '!', '?', '"', ')'])
                            && !piece.starts_with(char::is_whitespace)
                            || self.text.ends_with('('));
                    if !clings {
                        self.text.push(' ');
                    }
                }
            }
        }
        self.gap = Gap::None;
        self.text.push_str(first);
        for word in words {
            self.text.push(' ');
            self.text.push_str(word);
        }
        self.ended_in_space = piece.ends_with(char::is_whitespace);
    }
}
