//! Addresses in style sheets: `url()` and `@import`, found without parsing the sheet (CSS Syntax 3 says what is a
//! comment, a string and an escape).

use memchr::memmem;
use std::borrow::Cow;

/// Calls `take` with each address of a style sheet, unescaped.
pub fn each_url(sheet: &str, mut take: impl FnMut(Cow<'_, str>)) {
    let bytes = sheet.as_bytes();
    let mut at = 0;
    let mut after_import = false;
    while let Some(&byte) = bytes.get(at) {
        let rest = &sheet[at..];
        let step = match byte {
            b'/' if rest.starts_with("/*") => {
                memmem::find(&bytes[at + 2..], b"*/").map_or(rest.len(), |end| end + 4)
            }
            b'"' | b'\'' => {
                let string = quoted(rest);
                if after_import {
                    take(unescaped(string));
                }
                after_import = false;
                (string.len() + 2).min(rest.len())
            }
            b'u' | b'U' if is_url_function(rest) && !ends_in_name(&sheet[..at]) => {
                after_import = false;
                let (url, length) = argument(&rest[4..]);
                take(unescaped(url));
                4 + length
            }
            b'@' => {
                after_import = rest.get(1..7).is_some_and(|word| word.eq_ignore_ascii_case("import"));
                if after_import { 7 } else { 1 }
            }
            b'\\' => 2,
            _ => {
                after_import &= byte.is_ascii_whitespace();
                1
            }
        };
        at += step;
        // An escape may have stepped into a character.
        while !sheet.is_char_boundary(at.min(bytes.len())) {
            at += 1;
        }
    }
}

fn is_url_function(rest: &str) -> bool {
    rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("url("))
}

fn ends_in_name(before: &str) -> bool {
    before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '\\'))
}

/// The content of the string that `rest` starts with; it ends at its quote or at the end of its line.
fn quoted(rest: &str) -> &str {
    let bytes = rest.as_bytes();
    let mut end = 1;
    while end < bytes.len() && bytes[end] != bytes[0] && bytes[end] != b'\n' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    rest.get(1..end.min(bytes.len())).unwrap_or_default()
}

/// The address between the parentheses of `url(`, and how many bytes it takes with all around it.
fn argument(rest: &str) -> (&str, usize) {
    let inner = rest.trim_start();
    let indent = rest.len() - inner.len();
    if inner.starts_with(['"', '\'']) {
        let string = quoted(inner);
        return (string, (indent + string.len() + 2).min(rest.len()));
    }
    let bytes = inner.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b')' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    let end = inner.floor_char_boundary(end.min(bytes.len()));
    (inner[..end].trim_end(), indent + end)
}

/// The text without its escapes: `\` and up to six hexadecimal digits, or any other character.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = escape.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        let after = &escape[digits..];
        if digits == 0 {
            // A line end that is escaped is none.
            let next = escape.chars().next();
            plain.extend(next.filter(|c| *c != '\n'));
            rest = &escape[next.map_or(0, char::len_utf8)..];
            continue;
        }
        let code = u32::from_str_radix(&escape[..digits], 16).ok().and_then(char::from_u32);
        plain.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = after.strip_prefix(|c: char| c.is_ascii_whitespace()).unwrap_or(after);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn urls(sheet: &str) -> Vec<String> {
        let mut urls = Vec::new();
        each_url(sheet, |url| urls.push(url.into_owned()));
        urls
    }

    #[test]
    fn urls_and_imports() {
        for (sheet, expected) in [
            ("a { background: url(x.png) }", &["x.png"][..]),
            ("@font-face { src: URL( 'a b.woff' ) format('woff'), url(\"c.ttf\") }", &["a b.woff", "c.ttf"]),
            ("@import 'a.css'; @IMPORT url(b.css) print; @import\n\"c.css\";", &["a.css", "b.css", "c.css"]),
            ("/* url(no) @import 'no' */ a { b: url(yes) }", &["yes"]),
            ("a::before { content: 'url(no)' }", &[]),
            ("a { b: my-url(no) }", &[]),
            ("a { b: url(x\\)y) url(\\2f z) url('q\\'r') }", &["x)y", "/z", "q'r"]),
            ("@charset 'utf-8'; a { b: url() }", &[""]),
            ("a { b: url(open", &["open"]),
            ("a { b: 'open\n c: url(d) }", &["d"]),
            ("url('é') \\é url(\\é)", &["é", "é"]),
        ] {
            assert_eq!(urls(sheet), expected, "{sheet}");
        }
    }

    proptest! {
        #[test]
        fn any_sheet_ends(sheet in "(url\\(|@import|[\"'()\\\\/*;é a\n]|/\\*){0,40}") {
            urls(&sheet);
        }
    }
}
