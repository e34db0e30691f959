//! The part of the page that is the content: the smallest that has nearly all the weight.

use super::{
    blocks::{Block, Form, is_inline, lengths, weights},
    kind::Kind,
};
use crate::dom::Entry;
use std::ops::Range;

/// A child with this share of its parent's weight is all of it that counts.
const DOMINANT: f64 = 0.72;

/// The blocks of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// Which of the blocks.
    pub(super) blocks: Range<usize>,
    /// Whether it is mostly paragraphs.
    pub(super) is_prose: bool,
}

/// Finds the region among the blocks that are left.
pub(super) fn find(nodes: &[Entry<'_>], body: usize, cut: &[bool], blocks: &[Block], kind: Kind) -> Region {
    let weights = weights(nodes, blocks);
    let mut root = body;
    while let Some(child) = dominant_child(nodes, root, cut, &weights) {
        root = child;
    }
    let mut region = region_of(nodes, root, blocks);
    // Where no text dominates, all of the main part is content: the cards of a shop, the offers of a service.
    if kind == Kind::Other && !region.is_prose {
        region = region_of(nodes, main_part(nodes, body, cut, blocks), blocks);
    }
    region
}

fn dominant_child(nodes: &[Entry<'_>], root: usize, cut: &[bool], weights: &[f64]) -> Option<usize> {
    let mut at = root + 1;
    let mut dominant = None;
    while at < nodes[root].end {
        if !cut[at] && !nodes[at].is_text() && weights[at] > 0.0 && weights[at] >= DOMINANT * weights[root] {
            dominant = Some(at);
        }
        at = nodes[at].end;
    }
    dominant.filter(|at| is_container(nodes[*at].name))
}

/// Whether content may begin inside: not in the middle of a paragraph or list.
fn is_container(name: &str) -> bool {
    !is_inline(name)
        && !matches!(
            name,
            "p" | "blockquote"
                | "pre"
                | "ul"
                | "ol"
                | "li"
                | "table"
                | "tbody"
                | "tr"
                | "td"
                | "th"
                | "dl"
                | "figure"
        )
}

fn region_of(nodes: &[Entry<'_>], root: usize, blocks: &[Block]) -> Region {
    let first = blocks.partition_point(|block| block.start < root);
    let last = blocks.partition_point(|block| block.start < nodes[root].end);
    let inside = &blocks[first..last];
    let plain: usize = inside
        .iter()
        .filter(|block| block.form == Form::Paragraph && block.len > 40)
        .map(|block| block.len.saturating_sub(block.linked))
        .sum();
    let all = lengths(inside).0;
    let is_prose = plain > 500 && plain * 2 > all || plain > 200 && plain * 10 > all * 7;
    Region { blocks: first..last, is_prose }
}

/// The element that the page names as its main part, where that has a good part of the text; else the body.
fn main_part(nodes: &[Entry<'_>], body: usize, cut: &[bool], blocks: &[Block]) -> usize {
    let mut sizes = vec![0; nodes.len()];
    for block in blocks {
        sizes[block.owner] += block.len;
    }
    for at in (body + 1..nodes[body].end).rev() {
        let size = sizes[at];
        sizes[nodes[at].parent] += size;
    }
    let is_main = |at: &usize| {
        let node = &nodes[*at];
        let named =
            || matches!(node.attribute("id"), Some("main" | "content" | "MainContent" | "main-content"));
        !cut[*at] && (node.name == "main" || node.attribute("role") == Some("main") || named())
    };
    (body + 1..nodes[body].end).filter(is_main).find(|at| sizes[*at] * 10 > sizes[body] * 4).unwrap_or(body)
}
