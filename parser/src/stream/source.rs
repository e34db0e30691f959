//! Reading the source of a page where the tokeniser stands in it.

use crate::{facts::Attributes, text};
use lol_html::html_content::{Attribute, Element};
use memchr::memchr_iter;
use std::borrow::Cow;

/// The attributes of a start tag, as slices of the source.
pub(super) struct Tag<'e, 'i, 'd> {
    attributes: &'e [Attribute<'i>],
    html: &'d str,
}

impl<'e, 'i, 'd> Tag<'e, 'i, 'd> {
    pub(super) fn new(element: &'e Element<'_, 'i>, html: &'d str) -> Self {
        Self { attributes: element.attributes(), html }
    }
}

impl<'d> Attributes<'d> for Tag<'_, '_, 'd> {
    fn get(&self, name: &str) -> Option<Cow<'d, str>> {
        for attribute in self.attributes {
            let Some(at) = attribute.name_source_location() else { continue };
            let found = self.html.get(at.bytes()).unwrap_or_default();
            if found.eq_ignore_ascii_case(name) {
                let value = attribute.value_source_location().and_then(|at| self.html.get(at.bytes()));
                return Some(text::attribute_value(value.unwrap_or_default()));
            }
        }
        None
    }
}

/// The source behind a start tag.
pub(super) fn behind<'d>(element: &Element<'_, '_>, html: &'d str) -> &'d str {
    html.get(element.source_location().bytes().end..).unwrap_or_default()
}

/// The name at the start of `text`, which stands behind `<` or `</`.
pub(crate) fn tag_name(text: &str) -> &str {
    let is_end = |b: u8| matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ' | b'/' | b'>');
    &text[..text.bytes().position(is_end).unwrap_or(text.len())]
}

/// Where the end tag of a raw-text element stands, or the end of the text.
pub(crate) fn element_end(text: &str, name: &str) -> usize {
    let bytes = text.as_bytes();
    memchr_iter(b'<', bytes)
        .find(|&at| {
            let Some(tag) = text[at + 1..].strip_prefix('/') else { return false };
            // An end tag needs something behind its name.
            tag.len() > name.len() && tag_name(tag).eq_ignore_ascii_case(name)
        })
        .unwrap_or(text.len())
}

/// Where the end tag of a script stands, or the end of the text. Behind `<!--` a nested `<script>`
/// and its end tag are text of the script (WHATWG, "script data double escaped state").
pub(super) fn script_end(text: &str) -> usize {
    let mut from = 0;
    loop {
        let end = from + element_end(&text[from..], "script");
        let Some(comment) = memchr::memmem::rfind(&text.as_bytes()[..end], b"<!--") else { return end };
        // Whether a comment is open where the end tag stands, and holds a nested start tag.
        let inner = &text[comment.max(from)..end];
        if end == text.len() || inner.contains("-->") || !has_start_tag(inner, "script") {
            return end;
        }
        from = end + "</script".len();
    }
}

fn has_start_tag(text: &str, name: &str) -> bool {
    memchr_iter(b'<', text.as_bytes()).any(|at| tag_name(&text[at + 1..]).eq_ignore_ascii_case(name))
}

/// Where the comment ends that `text` starts with.
pub(crate) fn comment_end(text: &str) -> usize {
    // The dashes of `<!-->` open and close the comment.
    let from = &text[2..];
    let plain = from.find("-->").map(|at| at + 3);
    let odd = from[..plain.unwrap_or(from.len())].find("--!>").map(|at| at + 4);
    odd.or(plain).map_or(text.len(), |end| 2 + end)
}

/// Where the tag ends that `text` starts with: behind its `>`, which may stand in quotes before.
pub(crate) fn tag_end(text: &str) -> usize {
    let mut rest = text.as_bytes();
    loop {
        let Some(at) = memchr::memchr3(b'>', b'"', b'\'', rest) else { return text.len() };
        let mark = rest[at];
        // A quote counts where a value starts.
        let quotes = mark != b'>' && rest[..at].trim_ascii_end().ends_with(b"=");
        rest = &rest[at + 1..];
        if mark == b'>' {
            return text.len() - rest.len();
        }
        if quotes {
            let Some(close) = memchr::memchr(mark, rest) else { return text.len() };
            rest = &rest[close + 1..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_behind_their_quotes() {
        for (text, tag) in [
            ("<b>x", "<b>"),
            ("<b title='>'>x", "<b title='>'>"),
            ("<b title = \">'\" x>y", "<b title = \">'\" x>"),
            ("<b it's>x", "<b it's>"),
            ("</b x=\">\">y", "</b x=\">\">"),
            ("<b title='", "<b title='"),
            ("<b", "<b"),
        ] {
            assert_eq!(&text[..tag_end(text)], tag);
        }
    }

    #[test]
    fn scripts_end_behind_the_scripts_they_hide() {
        for (text, content) in [
            ("a</script>b", "a"),
            ("a<!-- b</SCRIPT>c", "a<!-- b"),
            ("<!-- <script>x</script> --></script>y", "<!-- <script>x</script> -->"),
            ("<!-- x --><script></script>y", "<!-- x --><script>"),
            ("<!-- <script>", "<!-- <script>"),
        ] {
            assert_eq!(&text[..script_end(text)], content);
        }
    }

    #[test]
    fn raw_text_ends_at_its_own_end_tag() {
        for (text, content) in [
            ("a</title>b", "a"),
            ("a</TITLE >b", "a"),
            ("a</titles></b></title/>", "a</titles></b>"),
            ("a</title", "a</title"),
            ("a<", "a<"),
            ("", ""),
        ] {
            assert_eq!(&text[..element_end(text, "title")], content);
        }
    }
}
