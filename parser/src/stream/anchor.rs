//! The text of an anchor, read from the source behind its start tag.
//!
//! Anchors are short, so reading each once more costs less than having the tokeniser report text.

use super::source::{comment_end, element_end, tag_end, tag_name};
use crate::text::{self, Line};
use std::borrow::Cow;

/// Reads anchor texts, one after the other, with the same buffers.
pub(super) struct AnchorReader<'d> {
    limit: usize,
    /// Bytes that may still be read. On real pages each byte is read once; this bounds pages made to
    /// be read again and again.
    budget: usize,
    rest: &'d str,
    line: Line,
    /// Elements opened within the anchor.
    open: Vec<&'d str>,
}

impl<'d> AnchorReader<'d> {
    /// A reader of texts cut at `limit` characters, which may read `budget` bytes in all.
    pub(super) const fn new(limit: usize, budget: usize) -> Self {
        Self { limit, budget, rest: "", line: Line::new(limit), open: Vec::new() }
    }

    /// The text between the start tag that `rest` stands behind and the end of the anchor, white
    /// space collapsed. It ends early where the limit is reached or the budget used up.
    pub(super) fn text(&mut self, rest: &'d str) -> String {
        self.rest = rest;
        self.open.clear();
        while !self.line.is_full() && !self.rest.is_empty() && self.budget > 0 {
            let before = self.rest.len();
            let goes_on = self.step();
            self.budget = self.budget.saturating_sub(before - self.rest.len());
            if !goes_on {
                break;
            }
        }
        self.line.take(self.limit)
    }

    /// Reads a piece of text and the markup behind it; whether the anchor goes on.
    fn step(&mut self) -> bool {
        let at = memchr::memchr(b'<', self.rest.as_bytes()).unwrap_or(self.rest.len());
        self.line.push(&text::element_text(&self.rest[..at]));
        self.rest = &self.rest[at..];
        let markup = self.rest.get(1..).unwrap_or_default();
        match markup.as_bytes().first() {
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.start_tag(tag_name(markup)),
            Some(b'/') => self.end_tag(tag_name(&markup[1..])),
            Some(b'!') if markup.starts_with("!--") => {
                self.skip(comment_end(self.rest));
                true
            }
            Some(b'!' | b'?') => {
                self.skip(memchr::memchr(b'>', self.rest.as_bytes()).map_or(self.rest.len(), |at| at + 1));
                true
            }
            // A lone `<` is text.
            Some(_) => {
                self.line.push("<");
                self.skip(1);
                true
            }
            None => false,
        }
    }

    fn start_tag(&mut self, name: &'d str) -> bool {
        // An anchor can't stand in an anchor: the next one ends this one.
        if name.eq_ignore_ascii_case("a") {
            return false;
        }
        let end = tag_end(self.rest);
        let closes_itself = self.rest[..end].ends_with("/>");
        self.skip(end);
        let in_lower_case = lower_case(name);
        if text::parts_words(&in_lower_case) {
            self.line.part();
        }
        if text::is_hidden(&in_lower_case) && !closes_itself {
            self.skip(element_end(self.rest, name));
            self.skip(tag_end(self.rest));
        } else if !is_void(&in_lower_case) && !closes_itself {
            self.open.push(name);
        }
        true
    }

    fn end_tag(&mut self, name: &str) -> bool {
        if name.eq_ignore_ascii_case("a") {
            return false;
        }
        let in_lower_case = lower_case(name);
        match self.open.iter().rposition(|open| open.eq_ignore_ascii_case(name)) {
            Some(index) => self.open.truncate(index),
            // The end of an element around the anchor ends the anchor.
            None if ends_its_content(&in_lower_case) => return false,
            None => {}
        }
        if text::parts_words(&in_lower_case) {
            self.line.part();
        }
        self.skip(tag_end(self.rest));
        true
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Whether a stray end tag of this name closes what it stands in. Those of inline elements and of
/// paragraphs do not.
fn ends_its_content(name: &str) -> bool {
    text::parts_words(name) && !matches!(name, "p" | "br" | "img" | "svg" | "path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rest: &str, expected: &str) {
        assert_eq!(AnchorReader::new(500, 10_000).text(rest), expected, "{rest:?}");
    }

    #[test]
    fn texts() {
        check("Home</a> more", "Home");
        check(" a\n <b>b</b>c &amp; d </A>", "a bc & d");
        check("<div>one</div><div>two</div></a>", "one two");
        check("x<br>y<img alt='>'>z</a>", "x y z");
        check("<!-- </a> -->x<!-->y--!></a>", "xy--!>"); // the second comment is empty
        check("<script>'</a>'</script>go</a>", "go");
        check("<svg><title>icon</title><path d='x'/></svg> go</a>", "go");
        check("1 < 2</a>", "1 < 2");
        check("<?php x ?>go</a>", "go");
        check("", "");
        check("to the end", "to the end");
    }

    #[test]
    fn where_an_unclosed_anchor_ends() {
        check("one<a href=2>two</a>", "one");
        check("one</li><li>two</a>", "one");
        check("<ul><li>one</li></ul> two</a>", "one two");
        check("one</span> two</p> three</a>", "one two three");
    }

    #[test]
    fn bounds() {
        let mut reader = AnchorReader::new(3, 30);
        assert_eq!(reader.text("abcdef</a>"), "abc");
        assert_eq!(reader.text("<b></b><b></b><b></b>x</a>"), "x");
        assert_eq!(reader.text("<b></b>x</a>"), "");
    }
}
