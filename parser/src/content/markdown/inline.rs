//! A run of text as Markdown: emphasis, links, code, pictures.

use super::super::plain::each_shown;
use crate::dom::Entry;

/// Writes one run of nodes.
pub(super) struct Inline<'w, 'd> {
    nodes: &'w [Entry<'d>],
    cut: &'w [bool],
    resolve: &'w dyn Fn(&str) -> Option<String>,
    out: String,
    /// White space was met since the last word.
    parted: bool,
    /// Marks that open before the next word: white space goes before them.
    opening: Vec<&'static str>,
    /// Elements that close: where, with what, and whether their mark is written.
    open: Vec<Open>,
}

struct Open {
    end: usize,
    mark: &'static str,
    close: String,
}

impl<'w, 'd> Inline<'w, 'd> {
    pub(super) const fn new(
        nodes: &'w [Entry<'d>],
        cut: &'w [bool],
        resolve: &'w dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self { nodes, cut, resolve, out: String::new(), parted: false, opening: Vec::new(), open: Vec::new() }
    }

    /// The nodes from `start` to `end` as one line.
    pub(super) fn write(mut self, start: usize, end: usize) -> String {
        let mut at = start;
        while at < end {
            self.close(at);
            let node = self.nodes[at];
            if self.cut[at] {
                at = node.end;
                continue;
            }
            at = match node.name {
                "" => {
                    self.text(node.text);
                    at + 1
                }
                "code" | "kbd" | "samp" | "tt" => {
                    self.code(at);
                    node.end
                }
                "img" => {
                    self.image(&node);
                    at + 1
                }
                name => {
                    if crate::text::parts_words(name) {
                        self.parted = true;
                    }
                    self.element(&node);
                    at + 1
                }
            };
        }
        self.close(usize::MAX);
        self.out
    }

    fn element(&mut self, node: &Entry<'_>) {
        let (mark, close) = match node.name {
            "em" | "i" => ("*", "*".to_owned()),
            "strong" | "b" => ("**", "**".to_owned()),
            "del" | "s" | "strike" => ("~~", "~~".to_owned()),
            "a" => match node.attribute("href").and_then(self.resolve) {
                Some(url) => ("[", format!("]({})", destination(&url))),
                None => return,
            },
            _ => return,
        };
        // Emphasis within the same emphasis says nothing, and links do not nest.
        if self.open.iter().all(|open| open.mark != mark) {
            self.opening.push(mark);
            self.open.push(Open { end: node.end, mark, close });
        }
    }

    /// Closes what ends before `at`.
    fn close(&mut self, at: usize) {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            // Nothing was written since it opened.
            if self.opening.pop().is_none() {
                self.out.push_str(&open.close);
            }
        }
    }

    /// What stands before the next word.
    fn lead(&mut self) {
        if self.parted && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.parted = false;
        for mark in self.opening.drain(..) {
            self.out.push_str(mark);
        }
    }

    fn text(&mut self, text: &str) {
        for (index, word) in text.split(char::is_whitespace).enumerate() {
            self.parted |= index > 0;
            if !word.is_empty() {
                self.lead();
                escape(word, &mut self.out);
            }
        }
    }

    fn code(&mut self, at: usize) {
        let mut code = String::new();
        each_shown(self.nodes, at + 1, self.nodes[at].end, self.cut, |node| code.push_str(node.text));
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
        if code.is_empty() {
            return;
        }
        self.lead();
        let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest + 1);
        let space = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
        self.out.extend([&fence, space, &code, space, &fence]);
    }

    fn image(&mut self, node: &Entry<'_>) {
        let alt = node.attribute("alt").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let url = node.attribute("src").filter(|_| !alt.is_empty()).and_then(self.resolve);
        if let Some(url) = url {
            self.lead();
            self.out.push_str("![");
            escape(&alt, &mut self.out);
            self.out.push_str("](");
            self.out.push_str(&destination(&url));
            self.out.push(')');
        }
    }
}

/// A URL as the destination of a link.
fn destination(url: &str) -> String {
    if url.contains(['(', ')', ' ']) { format!("<{url}>") } else { url.to_owned() }
}

/// Text that means itself.
fn escape(text: &str, out: &mut String) {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mut is_in_word = || {
            let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            is_word(before) && is_word(rest.peek().copied())
        };
        let is_mark = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' => true,
            '_' => !is_in_word(),
            _ => false,
        };
        if is_mark {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
}
