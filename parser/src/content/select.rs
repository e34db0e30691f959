//! Which blocks of the region are content.

use super::{
    blocks::{Block, Form, lengths},
    kind::Kind,
    region::Region,
};

/// A paragraph of this length between the headline and the text is its lead.
const LEAD: usize = 100;

/// Lists of links that are longer are text about links.
const LINKS: usize = 200;

/// Shorter text in a forum, outside of posts, is about who wrote them.
const NOTE: usize = 40;

/// The blocks that stay, in document order.
pub(super) fn select(mut blocks: Vec<Block>, region: Region, kind: Kind) -> Vec<Block> {
    blocks.truncate(region.blocks.end);
    let inside = blocks.split_off(region.blocks.start);
    let is_article = kind != Kind::Forum && region.is_prose;
    let keeps: Vec<bool> = (0..inside.len())
        .map(|at| {
            let block = &inside[at];
            match kind {
                _ if is_article => is_of_article(block, &inside[at + 1..]),
                Kind::Forum => is_of_post(block),
                Kind::Article => {
                    block.is_heading() || block.linked * 10 <= block.len * 7 || block.len >= 2 * LINKS
                }
                Kind::Other => true,
            }
        })
        .collect();
    let mut kept = lead(blocks);
    kept.extend(inside.into_iter().zip(keeps).filter(|(_, keep)| *keep).map(|(block, _)| block));
    kept
}

/// Paragraphs between the last headline before the region and the region.
fn lead(mut before: Vec<Block>) -> Vec<Block> {
    let Some(headline) = before.iter().rposition(|block| block.form == Form::Heading(1)) else {
        return Vec::new();
    };
    let mut lead = before.split_off(headline + 1);
    lead.retain(|block| !block.is_heading() && block.len > LEAD && block.linked * 4 < block.len);
    lead
}

fn is_of_article(block: &Block, rest: &[Block]) -> bool {
    let is_linked = block.linked * 2 > block.len;
    let Form::Heading(level) = block.form else { return !is_linked || block.len >= LINKS };
    if is_linked {
        return false;
    }
    // A heading over links, or over nothing at the end, is the beginning of what follows the article.
    let ends_section = |other: &Block| matches!(other.form, Form::Heading(other) if other <= level);
    let end = rest.iter().position(ends_section);
    let (len, linked) = lengths(&rest[..end.unwrap_or(rest.len())]);
    linked * 2 <= len && !(len == 0 && end.is_none())
}

fn is_of_post(block: &Block) -> bool {
    block.is_heading()
        || block.linked * 2 <= block.len
            && (block.len >= NOTE || block.place.is_prose || block.form == Form::Code)
}
