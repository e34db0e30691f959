//! References against the base URL, as WHATWG resolves them.
//!
//! A page has hundreds of links and nearly all are plain: `../index.html`, `/about?x=1#top`,
//! `https://example.org/`. For those the answer is a copy of bytes, found by one look at each byte;
//! everything else goes through [`Url::join`]. A property test holds the two to the same answers.

use encoding_rs::{Encoding, UTF_8};
use std::borrow::Cow;
use url::Url;

/// Resolves the references of one page.
#[derive(Debug)]
pub struct Resolver<'a> {
    base: &'a Url,
    /// The page's encoding, which WHATWG encodes queries by.
    encoding: &'static Encoding,
    /// The parts of the base, where it is http(s).
    parts: Option<Parts<'a>>,
}

#[derive(Debug)]
struct Parts<'a> {
    /// `https://example.org:8080`
    origin: &'a str,
    /// Up to the query.
    path_end: &'a str,
    /// Up to the fragment.
    query_end: &'a str,
    /// Up to and with the last slash of the path.
    folder: &'a str,
}

impl<'a> Resolver<'a> {
    /// A resolver for the references of a page.
    #[must_use]
    pub fn new(base: &'a Url, encoding: &'static Encoding) -> Self {
        Self { base, encoding: encoding.output_encoding(), parts: Parts::of(base) }
    }

    /// The absolute URL, fragment kept. `None` where the reference is no URL or not an http(s) one.
    #[must_use]
    pub fn resolve(&self, reference: &str) -> Option<String> {
        let reference = reference.trim_matches(|c: char| c <= ' ');
        if scheme(reference).is_some_and(|scheme| !is_web(scheme)) {
            return None;
        }
        self.copy(reference).or_else(|| self.join(reference))
    }

    fn join(&self, reference: &str) -> Option<String> {
        let encode: &dyn Fn(&str) -> Cow<'_, [u8]> = &|query| self.encoding.encode(query).0;
        let encode = Some(encode).filter(|_| self.encoding != UTF_8);
        let url = Url::options().base_url(Some(self.base)).encoding_override(encode).parse(reference);
        url.ok().filter(|url| is_web(url.scheme())).map(String::from)
    }

    /// The answer for plain references; `None` where only the whole algorithm can tell.
    fn copy(&self, reference: &str) -> Option<String> {
        let parts = self.parts.as_ref()?;
        let (prefix, rest) = match reference.as_bytes() {
            [] => (parts.query_end, reference),
            [b'#', ..] => (parts.query_end, reference),
            [b'?', ..] => (parts.path_end, reference),
            [b'/', b'/', ..] => return None,
            [b'/', ..] => (parts.origin, reference),
            _ => match absolute(reference, parts.origin) {
                Some(path) => ("", path),
                None => parts.relative(reference)?,
            },
        };
        if prefix.is_empty() {
            return is_plain(rest).then(|| reference.to_owned());
        }
        is_plain(rest).then(|| [prefix, rest].concat())
    }
}

impl<'a> Parts<'a> {
    fn of(base: &'a Url) -> Option<Self> {
        if !is_web(base.scheme()) {
            return None;
        }
        let text = base.as_str();
        let query_end = &text[..text.find('#').unwrap_or(text.len())];
        let path_end = &query_end[..query_end.find('?').unwrap_or(query_end.len())];
        let host_at = path_end.find("://")? + 3;
        let path_at = host_at + path_end[host_at..].find('/')?;
        let folder = &path_end[..=path_end.rfind('/')?];
        Some(Self { origin: &text[..path_at], path_end, query_end, folder })
    }

    /// Takes `./` and `../` off a relative path and off the folder.
    fn relative<'r>(&self, reference: &'r str) -> Option<(&'a str, &'r str)> {
        if scheme(reference).is_some() {
            return None;
        }
        let (mut folder, mut rest) = (self.folder, reference);
        loop {
            if let Some(after) = rest.strip_prefix("../") {
                rest = after;
                // The root has no parent.
                if folder.len() > self.origin.len() + 1 {
                    let parent = &folder[..folder.len() - 1];
                    folder = &parent[..=parent.rfind('/')?];
                }
            } else if let Some(after) = rest.strip_prefix("./") {
                rest = after;
            } else {
                return Some((folder, rest));
            }
        }
    }
}

/// The part of an absolute URL behind its host, where scheme and host are in their final form.
fn absolute<'r>(reference: &'r str, origin: &str) -> Option<&'r str> {
    let path = match reference.strip_prefix(origin) {
        Some(path) if path.starts_with('/') => return Some(path),
        _ => reference.strip_prefix("https://").or_else(|| reference.strip_prefix("http://"))?,
    };
    let (host, _) = path.split_at(path.find('/')?);
    is_plain_host(host).then(|| &path[host.len()..])
}

/// Whether a host is a name that WHATWG leaves as it is: lower-case letters, digits and hyphens,
/// no empty label, no punycode, nothing that could be an IPv4 address.
fn is_plain_host(host: &str) -> bool {
    let mut last_starts_with_letter = false;
    for label in host.split('.') {
        let Some(first) = label.bytes().next() else { return false };
        let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || label.starts_with("xn--") {
            return false;
        }
        last_starts_with_letter = first.is_ascii_lowercase();
    }
    last_starts_with_letter
}

/// Whether path, query and fragment are left as they are: no byte that is escaped or dropped, no
/// dot segment.
fn is_plain(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let mut allowed = PATH;
    let mut before = b'/';
    for (at, &byte) in bytes.iter().enumerate() {
        if BYTES[byte as usize] & allowed == 0 {
            match byte {
                b'?' if allowed == PATH => allowed = QUERY,
                b'#' if allowed != FRAGMENT => allowed = FRAGMENT,
                _ => return false,
            }
        } else if allowed == PATH {
            let segment_starts_with_dot = before == b'/' && byte == b'.';
            let escaped_dot = byte == b'%' && bytes[at + 1..].starts_with(b"2");
            if segment_starts_with_dot || escaped_dot {
                return false;
            }
        }
        before = byte;
    }
    true
}

const PATH: u8 = 1;
const QUERY: u8 = 2;
const FRAGMENT: u8 = 4;

/// Where each byte stands for itself. Stricter than WHATWG: what newer versions of the standard
/// escape (`^`, `|`) is left to the whole algorithm.
const BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        table[byte] = match c {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => PATH | QUERY | FRAGMENT,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' => PATH | QUERY | FRAGMENT,
            b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/' | b'%' => PATH | QUERY | FRAGMENT,
            b'\'' => PATH | FRAGMENT,
            b'?' => QUERY | FRAGMENT,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// The scheme of a reference that has one.
pub(crate) fn scheme(reference: &str) -> Option<&str> {
    if !reference.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end =
        reference.bytes().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')))?;
    (reference.as_bytes()[end] == b':').then(|| &reference[..end])
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASES: [&str; 7] = [
        "https://example.org/",
        "https://example.org/a/b/c.html?q=1#f",
        "http://example.org:8080/a//b/?x#",
        "http://user@example.org/x/y",
        "http://[::1]/a",
        "https://xn--bcher-kva.example/%7e/",
        "file:///etc/passwd",
    ];

    #[track_caller]
    fn same_as_whatwg(base: &str, reference: &str) {
        let base = Url::parse(base).unwrap();
        let expected = base.join(reference).ok().filter(|url| is_web(url.scheme())).map(String::from);
        assert_eq!(Resolver::new(&base, UTF_8).resolve(reference), expected, "{base} + {reference:?}");
    }

    #[test]
    fn plain_references_are_copied() {
        let base = Url::parse(BASES[1]).unwrap();
        let resolver = Resolver::new(&base, UTF_8);
        for (reference, expected) in [
            ("", "https://example.org/a/b/c.html?q=1"),
            ("#top", "https://example.org/a/b/c.html?q=1#top"),
            ("?p=2", "https://example.org/a/b/c.html?p=2"),
            ("/root/x.html", "https://example.org/root/x.html"),
            ("d.html#x", "https://example.org/a/b/d.html#x"),
            ("../../../d/", "https://example.org/d/"),
            ("./../d", "https://example.org/a/d"),
            ("https://other.example/x?y=z", "https://other.example/x?y=z"),
            ("https://example.org/x:y@z", "https://example.org/x:y@z"),
        ] {
            assert_eq!(resolver.copy(reference).as_deref(), Some(expected), "{reference:?}");
        }
    }

    #[test]
    fn odd_references_agree_with_the_whole_algorithm() {
        for base in BASES {
            for reference in [
                "http:x",
                "HTTP://EXAMPLE.ORG",
                "https:/x",
                "//host",
                "///host",
                "\\\\host\\x",
                "..",
                ".",
                "../..",
                "a/../b",
                "a/.%2e/b",
                "%2e%2E/x",
                "a b",
                " a\n",
                "a\tb",
                "é",
                "?é'",
                "#é",
                "http://1.2.3/",
                "http://0x7f.1/",
                "http://a..b/",
                "http://xn--a/",
                "http://a-.b/",
                "http://host:80/",
                "https://host:80/",
                "http://u:p@h/",
                "http://host?x",
                "http://host",
                "mailto:a@b",
                "java\nscript:x",
                "x:y",
                "1:2",
                "/..",
                "/.",
                "/a/./b",
                "./",
                ".well-known/x",
                "http://host/%",
                "?a#b?c#d",
                "http://example.org",
                "https://example.org.evil/",
            ] {
                same_as_whatwg(base, reference);
            }
        }
    }

    #[test]
    fn other_schemes_are_no_links() {
        let base = Url::parse(BASES[0]).unwrap();
        for reference in
            ["mailto:a@b", "javascript:void(0)", "DATA:,x", " tel:1", "ftp://example.org/", "java\tscript:1"]
        {
            assert_eq!(Resolver::new(&base, UTF_8).resolve(reference), None, "{reference}");
        }
    }

    #[test]
    fn queries_are_encoded_as_the_page_is() {
        let base = Url::parse(BASES[0]).unwrap();
        let resolver = Resolver::new(&base, encoding_rs::WINDOWS_1251);
        assert_eq!(resolver.resolve("/ж?ж").as_deref(), Some("https://example.org/%D0%B6?%E6"));
        let utf_16 = Resolver::new(&base, encoding_rs::UTF_16LE);
        assert_eq!(utf_16.resolve("?ж").as_deref(), Some("https://example.org/?%D0%B6"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn any_reference_agrees(base in 0..BASES.len(), reference in "(https?:)?(//)?([./?#%2eE:@a-z0x\\\\|^'\\[\\] éж\t-]){0,24}") {
            same_as_whatwg(BASES[base], &reference);
        }

        #[test]
        fn any_path_agrees(base in 0..BASES.len(), reference in "(\\.\\./|\\./|/){0,5}[.%2ea/]{0,12}[?#]?[a'/.%?#]{0,8}") {
            same_as_whatwg(BASES[base], &reference);
        }

        #[test]
        fn any_host_agrees(host in "[a-z0-9xX.-]{1,12}", scheme in "https?") {
            same_as_whatwg(BASES[0], &format!("{scheme}://{host}/x"));
        }
    }
}
