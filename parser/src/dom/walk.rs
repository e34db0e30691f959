//! Walking a part of the tree without recursion: pages may nest as deep as the tree is allowed to.

use super::facts::is_template;
use ego_tree::NodeRef;
use scraper::{Node, node::Element};

/// The next node behind `node` in document order, within `root`; below `node` only if `descend`.
pub(super) fn next<'d>(
    node: NodeRef<'d, Node>,
    root: NodeRef<'d, Node>,
    descend: bool,
) -> Option<NodeRef<'d, Node>> {
    if descend && let Some(child) = node.first_child() {
        return Some(child);
    }
    let mut node = node;
    loop {
        if node == root {
            return None;
        }
        if let Some(sibling) = node.next_sibling() {
            return Some(sibling);
        }
        node = node.parent()?;
    }
}

/// The elements below `root` in document order, templates and what is in them left out.
pub(super) fn elements<'d>(
    root: NodeRef<'d, Node>,
) -> impl Iterator<Item = (NodeRef<'d, Node>, &'d Element)> {
    let mut at = next(root, root, true);
    std::iter::from_fn(move || {
        loop {
            let node = at?;
            match node.value() {
                Node::Element(element) if is_template(element) => at = next(node, root, false),
                Node::Element(element) => {
                    at = next(node, root, true);
                    return Some((node, element));
                }
                _ => at = next(node, root, true),
            }
        }
    })
}
