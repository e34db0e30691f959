//! Path patterns: `*` stands for anything, `$` at the end for the end. Matching is linear in the
//! length of pattern and path, whatever a hostile file says.

use memchr::memmem;

/// The pattern of an `Allow` or `Disallow` line.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Normalised, without the `$` at the end.
    text: Box<[u8]>,
    has_star: bool,
    anchored: bool,
    escapes: Escapes,
}

/// What escaped letters and digits (`%61` is `a`) are taken for.
///
/// RFC 9309 has them mean what they escape. The parsers of large crawlers leave them as they are,
/// and authors test their files with those. Where the two differ we take the answer that forbids: a
/// `Disallow` is decoded, an `Allow` is not relied on beyond what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// For what they escape.
    Decoded,
    /// For themselves.
    Kept,
}

/// A path with its query, in the forms that patterns are compared in.
pub(super) struct Path {
    decoded: Vec<u8>,
    /// With its escaped letters and digits, where it has some.
    kept: Option<Vec<u8>>,
}

impl Path {
    /// Reads a path as a URL has it.
    pub(super) fn new(written: &str) -> Self {
        let decoded = normalise(written.as_bytes(), Stars::AreLiteral, Escapes::Decoded);
        let has_escapes = memchr::memchr(b'%', written.as_bytes()).is_some();
        let kept = has_escapes.then(|| normalise(written.as_bytes(), Stars::AreLiteral, Escapes::Kept));
        Self { decoded, kept }
    }
}

impl Pattern {
    /// Reads a pattern as written.
    pub(super) fn new(written: &[u8], escapes: Escapes) -> Self {
        let (body, anchored) = match written.strip_suffix(b"$") {
            Some(body) => (body, true),
            None => (written, false),
        };
        let text = normalise(body, Stars::AreWild, escapes).into_boxed_slice();
        Self { has_star: memchr::memchr(b'*', &text).is_some(), text, anchored, escapes }
    }

    /// How specific it is: the longest pattern that matches wins.
    pub(super) fn length(&self) -> usize {
        self.text.len() + usize::from(self.anchored)
    }

    /// Whether it matches a path.
    pub(super) fn matches(&self, path: &Path) -> bool {
        // A pattern without escapes matches what a path's escapes stand for, whoever wrote it.
        let as_written = path.kept.as_deref().filter(|_| self.escapes == Escapes::Kept);
        self.matches_bytes(&path.decoded) || as_written.is_some_and(|path| self.matches_bytes(path))
    }

    fn matches_bytes(&self, path: &[u8]) -> bool {
        if !self.has_star {
            return if self.anchored { path == &*self.text } else { path.starts_with(&self.text) };
        }
        let mut parts = self.text.split(|b| *b == b'*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = path.strip_prefix(first) else { return false };
        // The leftmost place for each part leaves the most room for those behind it, so no other
        // place needs to be tried.
        while let Some(part) = parts.next() {
            if self.anchored && parts.clone().next().is_none() {
                return rest.ends_with(part);
            }
            match memmem::find(rest, part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

/// What a `*` in a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stars {
    /// A pattern's.
    AreWild,
    /// A path's.
    AreLiteral,
}

/// Brings escapes to one form (RFC 9309, section 2.2.2): unreserved characters stand for
/// themselves, everything outside of URLs' characters is escaped, hex digits are in upper case. A
/// literal `*` or `$` is escaped, so that it can't be taken for the operator.
fn normalise(text: &[u8], stars: Stars, escapes: Escapes) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let (byte, escaped) = match (byte, text.get(at..at + 2).and_then(hex_pair)) {
            (b'%', Some(value)) => {
                at += 2;
                (value, true)
            }
            _ => (byte, false),
        };
        let keep = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => !escaped || escapes == Escapes::Decoded,
            b'-' | b'.' | b'_' | b'~' => true,
            b'*' => !escaped && stars == Stars::AreWild,
            b'$' | b'\'' => false,
            b'%' => !escaped,
            b'!' | b'#' | b'&' | b'(' | b')' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@'
            | b'[' | b']' => !escaped,
            _ => false,
        };
        if keep {
            out.push(byte);
        } else {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    out
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        for escapes in [Escapes::Decoded, Escapes::Kept] {
            check_with(escapes, pattern, path, expected);
        }
    }

    #[track_caller]
    fn check_with(escapes: Escapes, pattern: &str, path: &str, expected: bool) {
        let found = Pattern::new(pattern.as_bytes(), escapes).matches(&Path::new(path));
        assert_eq!(found, expected, "{pattern} {path} {escapes:?}");
    }

    #[test]
    fn patterns() {
        check("/fish", "/fish.html", true);
        check("/fish", "/Fish", false);
        check("/fish*", "/fishheads", true);
        check("/*.php", "/folder/filename.php?parameters", true);
        check("/*.php$", "/filename.php?parameters", false);
        check("/*.php$", "/filename.php.php", true);
        check("/a*b*c$", "/abbc", true);
        check("/a*bc$", "/abcbcd", false);
        check("/x$y", "/x$yz", true);
        check("/*$", "/anything", true);
        check("*.gif", "/a.gif", true);
    }

    #[test]
    fn escapes_have_one_form() {
        check("/a%3cd", "/a%3Cd", true);
        check("/%7Ejoe/", "/~joe/x", true);
        check("/bar/baz", "/bar/%62%61%7a", true);
        check("/bar/%62%61%7A", "/bar/%62%61%7a", true);
        check_with(Escapes::Decoded, "/bar/%62%61%7A", "/bar/baz", true);
        check_with(Escapes::Kept, "/bar/%62%61%7A", "/bar/baz", false);
        check("/ツ", "/%E3%83%84", true);
        check("/a%2Fb", "/a/b", false);
        check("/file-%2A", "/file-*", true);
        check("/file-%24", "/file-$", true);
        check("/file-*", "/file-%2A", true);
        check("/a\"b", "/a%22b", true);
    }

    /// The textbook matcher: slow and plainly right.
    fn slow(pattern: &[u8], path: &[u8], anchored: bool) -> bool {
        match pattern.split_first() {
            None => !anchored || path.is_empty(),
            Some((b'*', rest)) => (0..=path.len()).any(|n| slow(rest, &path[n..], anchored)),
            Some((byte, rest)) => path.first() == Some(byte) && slow(rest, &path[1..], anchored),
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_it_says(pattern in "/[ab*]{0,8}", path in "/[ab]{0,10}", anchored: bool) {
            let written = format!("{pattern}{}", if anchored { "$" } else { "" });
            let fast = Pattern::new(written.as_bytes(), Escapes::Kept).matches(&Path::new(&path));
            prop_assert_eq!(fast, slow(pattern.as_bytes(), path.as_bytes(), anchored));
        }

        #[test]
        fn normalising_twice_changes_nothing(path in "/[ -~é]{0,30}") {
            for escapes in [Escapes::Decoded, Escapes::Kept] {
                let once = normalise(path.as_bytes(), Stars::AreLiteral, escapes);
                prop_assert_eq!(&normalise(&once, Stars::AreLiteral, escapes), &once);
            }
        }
    }
}
