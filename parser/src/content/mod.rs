//! The main content of a page: its text without navigation, advertising and the rest of the frame around it.
//!
//! The page is a list of nodes ([`Outline`](crate::dom::Outline)); everything here is a few passes over it, each
//! linear in its length.
//!
//! | step | room |
//! |---|---|
//! | article, forum or something else | `kind` |
//! | what is hidden, and what is frame by its element, role or name | `prune` |
//! | runs of text: paragraphs, headings, items, rows of tables | `blocks` |
//! | the smallest part that has nearly all the weight | `region` |
//! | which of its blocks stay | `select` |
//! | written down | `plain`, `markdown` |

mod blocks;
mod kind;
mod markdown;
mod plain;
mod prune;
mod region;
mod select;

use crate::dom::Dom;
use blocks::Block;
use kind::Kind;
use prune::Pruning;
use url::Url;

/// The main content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MainContent {
    /// A line for each block; the cells of a row are parted by tabs.
    pub text: String,
    /// CommonMark with tables, where it was asked for.
    pub markdown: Option<String>,
}

/// Content of fewer characters than this makes us look again with a lighter hand.
const SCANT: usize = 200;

/// Finds the main content; `None` where the page has no text that could be it. Links of the Markdown are made
/// absolute by `resolve`.
#[must_use]
pub fn main_content(
    dom: &Dom,
    url: &Url,
    with_markdown: bool,
    resolve: &dyn Fn(&str) -> Option<String>,
) -> Option<MainContent> {
    let outline = dom.outline();
    let body = outline.body?;
    let nodes = &outline.nodes;
    let kind = Kind::of(nodes, url);
    let sizes = Sizes::of(nodes);
    let hidden = prune::hidden(nodes, body, &sizes);
    let visible = blocks::all(nodes, body, &hidden, &sizes);
    let weights = blocks::weights(nodes, &visible);
    let seen: usize = visible.iter().map(|block| block.len).sum();
    let mut best: Vec<Block> = Vec::new();
    let mut left_out = hidden.clone();
    for pruning in [Pruning::ByName, Pruning::ByElement] {
        let cut = pruning.cut(nodes, body, &hidden, &weights, kind);
        let left = blocks::all(nodes, body, &cut, &sizes);
        let region = region::find(nodes, body, &cut, &left, kind);
        let found = select::select(left, region, kind);
        let (len, linked) = blocks::lengths(&found);
        // What a lighter hand finds beyond is often the frame itself.
        if pruning == Pruning::ByName || linked * 2 <= len && len > blocks::lengths(&best).0 {
            best = found;
            left_out = cut;
        }
        let len = blocks::lengths(&best).0;
        if len > SCANT || len * 4 > seen {
            break;
        }
    }
    if best.is_empty() {
        return None;
    }
    let text = plain::write(nodes, &best, &left_out);
    let markdown = with_markdown.then(|| markdown::write(nodes, &best, &left_out, resolve));
    Some(MainContent { text, markdown })
}

/// Characters of text, white space left out.
fn characters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Characters of text up to each node, so that those of a subtree are a difference.
struct Sizes(Vec<usize>);

impl Sizes {
    fn of(nodes: &[crate::dom::Entry<'_>]) -> Self {
        let mut before = Vec::with_capacity(nodes.len() + 1);
        let mut sum = 0;
        for node in nodes {
            before.push(sum);
            let is_code = || matches!(nodes[node.parent].name, "script" | "style");
            if node.is_text() && !is_code() {
                sum += characters(node.text);
            }
        }
        before.push(sum);
        Self(before)
    }

    fn between(&self, start: usize, end: usize) -> usize {
        self.0[end] - self.0[start]
    }
}
