//! What reads like an address in any text: whole URLs, paths from the root or from here (`/a`, `./a`, `../a`), and
//! quoted names of files in folders (`"a/b.html"`).

use crate::text;
use memchr::memchr;
use std::borrow::Cow;

/// Longest address taken for one.
const MAX_LENGTH: usize = 2048;

/// References that end an address in markup.
const ENDS: [&str; 7] = ["&quot;", "&lt;", "&gt;", "&apos;", "&#34;", "&#39;", "&nbsp;"];

/// Types of media, which read like a file in a folder.
const MEDIA: [&str; 9] =
    ["text", "image", "audio", "video", "application", "font", "multipart", "message", "model"];

/// Calls `take` with each string that reads like an address, in order. Slashes that JSON escapes are slashes.
pub fn each(source: &str, mut take: impl FnMut(Cow<'_, str>)) {
    let source =
        if source.contains("\\/") { Cow::Owned(source.replace("\\/", "/")) } else { Cow::Borrowed(source) };
    let bytes = source.as_bytes();
    let mut from = 0;
    while let Some(slash) = memchr(b'/', &bytes[from..]) {
        let slash = from + slash;
        let end = slash + address_end(&source[slash..]);
        if let Some(start) = address_start(&source, from, slash, end) {
            let address = source[start..end].trim_end_matches(is_punctuation);
            if is_address(address) {
                take(text::attribute_value(address));
            }
        }
        from = end.max(slash + 1);
    }
}

/// Where the address begins whose first slash is at `slash`; none of it is before `from`.
fn address_start(source: &str, from: usize, slash: usize, end: usize) -> Option<usize> {
    let before = &source[from..slash];
    let begins = |length: usize| slash - length;
    for scheme in ["https:", "http:"] {
        if source[slash..].starts_with("//") && ends_with(before, scheme) {
            let start = begins(scheme.len());
            return (!source[from..start].ends_with(|c: char| c.is_ascii_alphanumeric())).then_some(start);
        }
    }
    let dots = before.len() - before.trim_end_matches('.').len();
    if dots <= 2 && is_break(source[..begins(dots)].chars().next_back()) {
        return Some(begins(dots));
    }
    // The name of a file in a folder, which only quotes tell from other words.
    let name = before.rfind(|c: char| !is_name(c)).map_or(before, |at| &before[at..]);
    let quote = name.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let start = begins(name.len() - 1);
    let is_file = name.len() > 1
        && source[end..].starts_with(quote)
        && source[start..end].rsplit('/').next().is_some_and(|file| file.contains(['.', '?']))
        && !MEDIA.contains(&&name[1..]);
    is_file.then_some(start)
}

fn ends_with(text: &str, word: &str) -> bool {
    let end = text.len().checked_sub(word.len()).and_then(|at| text.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Where the address ends that `rest` starts with the first slash of.
fn address_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let is_end = |at: usize| {
        let byte = bytes[at];
        !byte.is_ascii_alphanumeric() && !b"-._~!$*+,;=:@/%?#&".contains(&byte)
            || byte == b'&' && ENDS.iter().any(|end| rest[at..].starts_with(end))
    };
    (0..bytes.len()).find(|at| is_end(*at)).unwrap_or(bytes.len())
}

/// What may stand before an address. A tag's slash stands behind `<`.
fn is_break(before: Option<char>) -> bool {
    before.is_none_or(|c| c.is_whitespace() || "\"'`([{=,;:|>".contains(c))
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '%')
}

/// What ends a sentence rather than an address.
const fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '*' | '$' | '+' | '=' | '&')
}

fn is_address(text: &str) -> bool {
    let path = text.trim_start_matches(['.', '/']);
    // `//` begins comments as well; a host has a dot.
    let is_sound = match text.strip_prefix("//") {
        Some(rest) => rest
            .split(['/', ':', '?'])
            .next()
            .is_some_and(|host| host.contains('.') && host.starts_with(|c: char| c.is_ascii_alphanumeric())),
        None => true,
    };
    is_sound
        && text.len() <= MAX_LENGTH
        && path.contains(|c: char| c.is_ascii_alphanumeric())
        // Patterns of robots.txt and of routes.
        && !text.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(source: &str) -> Vec<String> {
        let mut found = Vec::new();
        each(source, |string| found.push(string.into_owned()));
        found
    }

    #[test]
    fn what_reads_like_an_address() {
        for (source, expected) in [
            (
                "see http://a.example/x?y=1&amp;z, or HTTPS://b.example/.",
                &["http://a.example/x?y=1&z", "HTTPS://b.example/"][..],
            ),
            ("<p>/one</p> ./two ../three/", &["/one", "./two", "../three/"]),
            ("fetch(\"/api/v1\", {x: '/y'})", &["/api/v1", "/y"]),
            ("{\"u\":\"https:\\/\\/a.example\\/b\",\"v\":\"\\/c\"}", &["https://a.example/b", "/c"]),
            ("Disallow: /private/\nDisallow:/x$\nAllow: /*.gif", &["/private/", "/x"]),
            ("open('a/b.html'); open(\"c/d?e\")", &["a/b.html", "c/d?e"]),
            ("x=\"//cdn.example/y.js\" // comment //todo", &["//cdn.example/y.js"]),
            ("&quot;/in/quotes&quot;", &["/in/quotes"]),
        ] {
            assert_eq!(found(source), expected, "{source}");
        }
    }

    #[test]
    fn what_does_not() {
        for source in [
            "</p><br />",
            "and/or 1/2 a / b",
            "'text/html;q=0.9.1'",
            "\"image/x.icon\"",
            "x../y",
            "xhttp://a",
        ] {
            assert_eq!(found(source), Vec::<String>::new(), "{source}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(source in "(https?:|&quot;|\\\\/|[/.'\"a é<>*]){0,40}") {
            found(&source);
        }
    }
}
