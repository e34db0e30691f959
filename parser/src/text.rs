//! Text as people read it: character references decoded, white space collapsed, length bounded.

use htmlize::Context;
use std::borrow::Cow;

/// The value of an attribute from its source: character references decoded by the rules for
/// attributes, line ends and U+0000 as the HTML tokeniser has them.
#[must_use]
pub fn attribute_value(source: &str) -> Cow<'_, str> {
    decode(source, Context::Attribute)
}

/// The text of an element from its source, which holds no markup.
#[must_use]
pub fn element_text(source: &str) -> Cow<'_, str> {
    decode(source, Context::General)
}

/// The text of a script from its source: nothing is decoded there.
#[must_use]
pub fn script_text(source: &str) -> Cow<'_, str> {
    let source = normalised_newlines(source);
    if !source.contains('\0') {
        return source;
    }
    Cow::Owned(source.replace('\0', "\u{fffd}"))
}

/// Line ends as HTML has them before anything is read: `\r\n` and `\r` are `\n`.
fn normalised_newlines(source: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', source.as_bytes()).is_none() {
        return Cow::Borrowed(source);
    }
    Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
}

fn decode(source: &str, context: Context) -> Cow<'_, str> {
    if memchr::memchr3(b'&', b'\r', 0, source.as_bytes()).is_none() {
        return Cow::Borrowed(source);
    }
    let source = match normalised_newlines(source) {
        Cow::Borrowed(source) => source,
        Cow::Owned(source) => return Cow::Owned(decode(&source, context).into_owned()),
    };
    if source.contains('\0') {
        let replaced = source.replace('\0', "\u{fffd}");
        return Cow::Owned(htmlize::unescape_in(replaced, context).into_owned());
    }
    htmlize::unescape_in(source, context)
}

/// `text` with each run of white space as one space and none at the ends, cut at `limit`
/// characters. `None` where nothing is left.
#[must_use]
pub fn collapsed(text: &str, limit: usize) -> Option<String> {
    let mut line = Line::new(limit);
    line.push(text);
    Some(line.finish()).filter(|text| !text.is_empty())
}

/// Whether the tags of an element part the words around them.
#[must_use]
pub fn parts_words(name: &str) -> bool {
    !is_inline(name) && !is_hidden(name) && !is_metadata(name)
}

/// Elements that show nothing and stand anywhere.
fn is_metadata(name: &str) -> bool {
    matches!(name, "area" | "base" | "link" | "map" | "meta" | "param" | "source" | "track")
}

/// Elements that flow inside a line.
pub(crate) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "acronym"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "nobr"
            | "noscript"
            | "q"
            | "rb"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}

/// Whether the content of an element is never text of the page.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "template"
            | "textarea"
            | "title"
            | "iframe"
            | "noembed"
            | "noframes"
            | "object"
            | "audio"
            | "video"
            | "canvas"
    )
}

/// Collects pieces of text into one line.
#[derive(Debug)]
pub struct Line {
    text: String,
    /// Characters that may still be added.
    left: usize,
    /// White space was met since the last word.
    parted: bool,
}

impl Line {
    /// An empty line that takes up to `limit` characters.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { text: String::new(), left: limit, parted: false }
    }

    /// Whether the limit is reached, so that nothing more can be added.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.left == 0
    }

    /// What follows is another word.
    pub const fn part(&mut self) {
        self.parted = true;
    }

    /// Adds a piece; its ends part words only where they are white space.
    pub fn push(&mut self, piece: &str) {
        if is_clean(piece) && piece.len() < self.left {
            if self.parted && !self.text.is_empty() {
                self.text.push(' ');
                self.left -= 1;
            }
            self.parted = false;
            self.text.push_str(piece);
            self.left -= piece.len();
            return;
        }
        for (index, word) in piece.split(char::is_whitespace).enumerate() {
            self.parted |= index > 0;
            if word.is_empty() {
                continue;
            }
            if self.parted && !self.text.is_empty() {
                self.push_cut(" ");
            }
            self.parted = false;
            self.push_cut(word);
            if self.is_full() {
                return;
            }
        }
    }

    fn push_cut(&mut self, word: &str) {
        // A character has at least one byte: a word with few bytes has few characters.
        if word.len() <= self.left {
            self.left -= word.chars().count();
            self.text.push_str(word);
            return;
        }
        match word.char_indices().nth(self.left) {
            Some((end, _)) => {
                self.text.push_str(&word[..end]);
                self.left = 0;
            }
            None => {
                self.left -= word.chars().count();
                self.text.push_str(word);
            }
        }
    }

    /// The line.
    #[must_use]
    pub fn finish(mut self) -> String {
        // The cut can fall behind the space between two words.
        self.text.truncate(self.text.trim_end().len());
        self.text
    }

    /// A copy of the line, which starts over with room for `limit` characters.
    #[must_use]
    pub fn take(&mut self, limit: usize) -> String {
        let line = self.text.trim_end().to_owned();
        self.text.clear();
        self.left = limit;
        self.parted = false;
        line
    }
}

/// Whether a text is words of ASCII with single spaces between them, as most are.
fn is_clean(text: &str) -> bool {
    let mut before = b' ';
    for &byte in text.as_bytes() {
        if !(b' '..=b'~').contains(&byte) || byte == b' ' && before == b' ' {
            return false;
        }
        before = byte;
    }
    before != b' '
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_follow_the_rules_of_their_place() {
        for (source, attribute, text) in [
            ("?a=1&copy=2", "?a=1&copy=2", "?a=1©=2"),
            ("?a=1&copy;=2", "?a=1©=2", "?a=1©=2"),
            ("a&amp;b&#38;c&#x26;d", "a&b&c&d", "a&b&c&d"),
            ("&notit; &notin; &#0; &#x80;", "&notit; ∉ \u{fffd} €", "¬it; ∉ \u{fffd} €"),
            ("a\0b&amp;", "a\u{fffd}b&", "a\u{fffd}b&"),
            ("a\r\nb\rc&#13;", "a\nb\nc\r", "a\nb\nc\r"),
            ("plain", "plain", "plain"),
        ] {
            assert_eq!(attribute_value(source), attribute, "attribute {source:?}");
            assert_eq!(element_text(source), text, "text {source:?}");
        }
    }

    #[test]
    fn white_space_collapses_and_the_cut_counts_characters() {
        assert_eq!(collapsed(" a\n\t b\u{a0}c ", 100).as_deref(), Some("a b c"));
        assert_eq!(collapsed(" \n ", 100), None);
        assert_eq!(collapsed("ééé ééé", 5).as_deref(), Some("ééé é"));
        assert_eq!(collapsed("ééé ééé", 4).as_deref(), Some("ééé"));
    }

    #[test]
    fn pieces_join_where_no_white_space_parts_them() {
        let mut line = Line::new(100);
        for piece in ["", "He", "llo", " ", "wor", "ld "] {
            line.push(piece);
        }
        line.part();
        line.push("again");
        assert_eq!(line.finish(), "Hello world again");
    }
}
