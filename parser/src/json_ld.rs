//! JSON-LD: the value of a `<script type=application/ld+json>`, mended where only one thing can be meant.
//!
//! Mended are slips of the notation: comments and CDATA marks around or in the JSON, raw line breaks
//! and needless escapes in strings, a comma or semicolon too many, character references in place of
//! quotes, half of a surrogate pair. Nothing is guessed: a missing quote or bracket leaves a block broken.

use serde_json::Value;
use std::iter::Peekable;
use std::str::Chars;

/// What a script holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// JSON.
    Sound(Value),
    /// JSON after it was mended.
    Repaired(Value),
    /// Neither.
    Broken,
}

/// Reads the text of a script.
#[must_use]
pub fn read(source: &str) -> Block {
    if let Ok(value) = serde_json::from_str(source) {
        return Block::Sound(value);
    }
    let bare = unwrapped(source);
    let mended = serde_json::from_str(&mend(bare)).or_else(|_| {
        // Some template engines escape what needs no escape in a script.
        serde_json::from_str(&mend(&htmlize::unescape(bare)))
    });
    mended.map_or(Block::Broken, Block::Repaired)
}

/// The source without marks that hid scripts from old browsers.
fn unwrapped(source: &str) -> &str {
    let mut text = source.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == ';');
    loop {
        let before = text.len();
        for mark in ["//<![CDATA[", "/*<![CDATA[*/", "// <![CDATA[", "/* <![CDATA[ */", "<![CDATA["] {
            text = text.strip_prefix(mark).unwrap_or(text).trim_start();
        }
        for mark in ["//]]>", "/*]]>*/", "// ]]>", "/* ]]> */", "]]>", "-->"] {
            text = text.strip_suffix(mark).unwrap_or(text).trim_end();
        }
        // A whole comment goes; of one that holds the JSON, the mark alone.
        if let Some(comment) = text.strip_prefix("<!--") {
            text = comment.find("-->").map_or(comment, |end| &comment[end + 3..]).trim_start();
        }
        if text.len() == before {
            return text;
        }
    }
}

fn mend(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => string(&mut chars, &mut out),
            '/' => comment(&mut chars, &mut out),
            '}' | ']' => {
                let kept = out.trim_end();
                let kept = kept.strip_suffix(',').unwrap_or(kept).len();
                out.truncate(kept);
                out.push(c);
            }
            '\u{feff}' | '\u{a0}' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

/// Skips a comment; a slash that starts none stays.
fn comment(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    match chars.peek() {
        Some('/') => while chars.next_if(|&c| c != '\n').is_some() {},
        Some('*') => {
            let mut before = ' ';
            chars.next();
            for c in chars.by_ref() {
                if before == '*' && c == '/' {
                    break;
                }
                before = c;
            }
        }
        _ => out.push('/'),
    }
}

/// Copies a string up to its closing quote, with what JSON wants escaped escaped.
fn string(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('"');
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push('"');
                return;
            }
            '\\' => escape(chars, out),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && c.is_ascii() => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
}

/// Copies an escape; of one that JSON does not know, the character it escapes.
fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    match chars.next() {
        Some(c @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
            out.push('\\');
            out.push(c);
        }
        Some('u') => match unit(chars) {
            Some(high @ 0xd800..=0xdbff) => {
                let mut ahead = chars.clone();
                let follows = ahead.next() == Some('\\') && ahead.next() == Some('u');
                match unit(&mut ahead).filter(|low| follows && (0xdc00..=0xdfff).contains(low)) {
                    Some(low) => {
                        out.push_str(&format!("\\u{high:04x}\\u{low:04x}"));
                        *chars = ahead;
                    }
                    None => out.push('\u{fffd}'),
                }
            }
            Some(0xdc00..=0xdfff) => out.push('\u{fffd}'),
            Some(unit) => out.push_str(&format!("\\u{unit:04x}")),
            None => out.push('u'),
        },
        Some('\n') => out.push_str("\\n"),
        Some(c) if c.is_control() => out.push(' '),
        Some(c) => out.push(c),
        None => {}
    }
}

/// The four hexadecimal digits of a `\u`.
fn unit(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut ahead = chars.clone();
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit * 16 + ahead.next()?.to_digit(16)?;
    }
    *chars = ahead;
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_taken_as_it_is() {
        assert_eq!(read(" [{\"a\": \"<!-- x -->\"}] "), Block::Sound(json!([{"a": "<!-- x -->"}])));
    }

    #[test]
    fn slips_are_mended() {
        for (source, expected) in [
            ("<!-- why -->\n{\"a\": 1}", json!({"a": 1})),
            ("<!--\n{\"a\": 1}\n-->", json!({"a": 1})),
            ("//<![CDATA[\n{\"a\": 1}\n//]]>", json!({"a": 1})),
            ("{\"a\": 1, // one\n \"b\": /* two */ 2,}", json!({"a": 1, "b": 2})),
            ("{\"a\": [1, 2, ], }", json!({"a": [1, 2]})),
            ("{\"a\": \"x\n\ty\"}", json!({"a": "x\n\ty"})),
            ("{\"a\": \"it\\'s // no comment\"}", json!({"a": "it's // no comment"})),
            ("{\"a\": 1};", json!({"a": 1})),
            ("{\"a\": \"\\ud83d x \\ud83d\\ude00\"}", json!({"a": "\u{fffd} x \u{1f600}"})),
            ("{&quot;a&quot;: &quot;b&quot;}", json!({"a": "b"})),
            ("\u{feff}{\"a\": 1}", json!({"a": 1})),
        ] {
            assert_eq!(read(source), Block::Repaired(expected), "{source}");
        }
    }

    #[test]
    fn what_could_mean_two_things_stays_broken() {
        for source in
            ["", "{\"a\": \"x\"y\"}", "{\"a\": 1", "{a: 1}", "null x", "/*", "{\"a\": \"\\u12", "\\"]
        {
            assert_eq!(read(source), Block::Broken, "{source}");
        }
        assert_eq!(read(&"[".repeat(100_000)), Block::Broken);
    }
}
