//! The content as text: a line for each block.

use super::blocks::{Block, Form};
use crate::{dom::Entry, text::Line};

/// Writes blocks as text.
pub(super) fn write(nodes: &[Entry<'_>], blocks: &[Block], cut: &[bool]) -> String {
    let mut text = String::new();
    for block in blocks {
        if !text.is_empty() {
            text.push('\n');
        }
        match &block.form {
            Form::Code => text.push_str(code(nodes, block, cut).trim_matches('\n')),
            Form::Row { cells, .. } => {
                for (index, (start, end)) in cells.iter().enumerate() {
                    if index > 0 {
                        text.push('\t');
                    }
                    text.push_str(&line(nodes, *start, *end, cut));
                }
            }
            _ => text.push_str(&line(nodes, block.start, block.end, cut)),
        }
    }
    text
}

/// The text of a run of nodes in one line.
fn line(nodes: &[Entry<'_>], start: usize, end: usize, cut: &[bool]) -> String {
    let mut line = Line::new(usize::MAX);
    each_shown(nodes, start, end, cut, |node| {
        if node.is_text() {
            line.push(node.text);
        } else if crate::text::parts_words(node.name) {
            line.part();
        }
    });
    line.finish()
}

/// Code as it stands in the source.
pub(super) fn code(nodes: &[Entry<'_>], block: &Block, cut: &[bool]) -> String {
    let mut code = String::new();
    each_shown(nodes, block.start, block.end, cut, |node| {
        code.push_str(if node.name == "br" { "\n" } else { node.text });
    });
    code
}

/// Visits the nodes that are not left out.
pub(super) fn each_shown<'d>(
    nodes: &[Entry<'d>],
    start: usize,
    end: usize,
    cut: &[bool],
    mut visit: impl FnMut(&Entry<'d>),
) {
    let mut at = start;
    while at < end {
        if cut[at] {
            at = nodes[at].end;
        } else {
            visit(&nodes[at]);
            at += 1;
        }
    }
}
