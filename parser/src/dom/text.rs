//! The visible text of a part of a page: a line for each block, white space collapsed.

use super::facts::is_template;
use crate::text;
use ego_tree::{NodeRef, iter::Edge};
use scraper::{Node, node::Element};

/// The text that a reader sees of a part of the page, without scripts, styles, templates and hidden elements.
/// `None` where there is none.
pub(super) fn visible(root: NodeRef<'_, Node>) -> Option<String> {
    let mut page = Lines::default();
    let mut hidden = 0_usize;
    for edge in root.traverse() {
        let (Edge::Open(node) | Edge::Close(node)) = edge;
        match (node.value(), edge) {
            (Node::Text(text), Edge::Open(_)) if hidden == 0 => page.push(text),
            (Node::Element(element), edge) => {
                if is_hidden(element) {
                    match edge {
                        Edge::Open(_) => hidden += 1,
                        Edge::Close(_) => hidden -= 1,
                    }
                }
                match Flow::of(element.name()) {
                    Flow::Inline => {}
                    Flow::Cell => page.space(),
                    Flow::Block => page.line(),
                }
            }
            _ => {}
        }
    }
    Some(page.text).filter(|text| !text.is_empty())
}

fn is_hidden(element: &Element) -> bool {
    text::is_hidden(element.name()) || is_template(element) || super::attribute(element, "hidden").is_some()
}

/// What an element does to the line it stands in.
enum Flow {
    Inline,
    /// Parts words.
    Cell,
    /// Starts and ends a line.
    Block,
}

impl Flow {
    fn of(name: &str) -> Self {
        match name {
            "td" | "th" | "img" | "svg" | "input" | "button" | "select" | "option" => Self::Cell,
            name if text::parts_words(name) => Self::Block,
            _ => Self::Inline,
        }
    }
}

/// Collects text into lines.
#[derive(Default)]
struct Lines {
    text: String,
    gap: Gap,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
}

impl Lines {
    fn space(&mut self) {
        self.gap = self.gap.max(Gap::Space);
    }

    const fn line(&mut self) {
        self.gap = Gap::Line;
    }

    fn push(&mut self, piece: &str) {
        for (index, word) in piece.split(char::is_whitespace).enumerate() {
            if index > 0 {
                self.space();
            }
            if word.is_empty() {
                continue;
            }
            if !self.text.is_empty() {
                match self.gap {
                    Gap::None => {}
                    Gap::Space => self.text.push(' '),
                    Gap::Line => self.text.push('\n'),
                }
            }
            self.gap = Gap::None;
            self.text.push_str(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{dom::Dom, settings::Settings};

    #[track_caller]
    fn check(html: &str, expected: &str) {
        let dom = Dom::build(html, &Settings::default());
        let text = super::visible(dom.html.tree.root());
        assert_eq!(text.unwrap_or_default(), expected, "{html}");
    }

    #[test]
    fn visible_text() {
        check("<title>t</title><h1>One</h1>two <b>three</b>\n four", "One\ntwo three four");
        check("<p>a<br>b<p>c<table><tr><td>d<td>e<tr><td>f</table>", "a\nb\nc\nd e\nf");
        check("a<script>x</script><style>y</style><template>z</template>b<p hidden>h</p>c", "ab\nc");
        check("<noscript>no <i>scr</i>ipt</noscript>", "no script");
        check("<ul><li>x<li>y</ul>", "x\ny");
        check("", "");
    }
}
