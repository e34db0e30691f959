//! The encoding that a document declares near its start (WHATWG HTML, "prescan a byte stream to
//! determine its encoding" and "get an XML encoding").

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::memmem;

/// How far a declaration is looked for. Browsers prescan a kilobyte, but obey a declaration that
/// their tree meets later by starting over; this takes most of those in one go.
const PRESCAN_BYTES: usize = 16 * 1024;

/// The declared encoding.
#[must_use]
pub fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(PRESCAN_BYTES)];
    if head.starts_with(b"<\0?\0x\0") {
        return Some(UTF_16LE);
    }
    if head.starts_with(b"\0<\0?\0x") {
        return Some(UTF_16BE);
    }
    meta_encoding(head).or_else(|| xml_encoding(head))
}

fn meta_encoding(head: &[u8]) -> Option<&'static Encoding> {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &head[at..]) {
        at += found;
        let rest = &head[at..];
        if rest.starts_with(b"<!--") {
            // The dashes of `<!-->` open and close the comment.
            at += 2 + memmem::find(&rest[2..], b"-->")? + 3;
        } else if is_meta(rest) {
            let mut attributes = Attributes { bytes: head, at: at + 5 };
            if let Some(encoding) = encoding_of_meta(&mut attributes) {
                return Some(encoding);
            }
            at = attributes.at;
        } else if is_tag(rest) {
            let end = rest.iter().position(|&b| is_space(b) || b == b'>')?;
            let mut attributes = Attributes { bytes: head, at: at + end };
            while attributes.next().is_some() {}
            at = attributes.at;
        } else if matches!(rest.get(1), Some(b'!' | b'/' | b'?')) {
            at += memchr::memchr(b'>', rest)?;
        } else {
            at += 1;
        }
    }
    None
}

fn is_meta(rest: &[u8]) -> bool {
    let Some((name, after)) = rest.split_at_checked(5) else { return false };
    name.eq_ignore_ascii_case(b"<meta") && after.first().is_some_and(|&b| is_space(b) || b == b'/')
}

fn is_tag(rest: &[u8]) -> bool {
    let name = rest.strip_prefix(b"</").unwrap_or(&rest[1..]);
    name.first().is_some_and(u8::is_ascii_alphabetic)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn encoding_of_meta(attributes: &mut Attributes<'_>) -> Option<&'static Encoding> {
    let (mut has_pragma, mut content, mut charset) = (false, None, None);
    let (mut seen_pragma, mut seen_content) = (false, false);
    for (name, value) in attributes {
        // The first attribute of a name counts.
        match &name[..] {
            b"http-equiv" if !seen_pragma => {
                seen_pragma = true;
                has_pragma = value == b"content-type";
            }
            b"content" if !seen_content => {
                seen_content = true;
                content = charset_in_content(&value).and_then(Encoding::for_label);
            }
            b"charset" if charset.is_none() => charset = Some(Encoding::for_label(&value)),
            _ => {}
        }
    }
    // A charset attribute overrides the pragma, also by a name that nobody knows.
    let encoding = charset.unwrap_or(if has_pragma { content } else { None })?;
    Some(usable(encoding))
}

/// A document whose declaration could be read is in no UTF-16.
fn usable(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else if encoding == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        encoding
    }
}

/// "Extract a character encoding from a meta element"; the value is in lower case.
fn charset_in_content(value: &[u8]) -> Option<&[u8]> {
    let mut rest = value;
    loop {
        let at = memmem::find(rest, b"charset")?;
        rest = rest[at + 7..].trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b"=") {
            rest = after.trim_ascii_start();
            break;
        }
    }
    match rest.first()? {
        quote @ (b'"' | b'\'') => {
            let end = memchr::memchr(*quote, &rest[1..])?;
            Some(&rest[1..=end])
        }
        _ => {
            let end = rest.iter().position(|&b| is_space(b) || b == b';').unwrap_or(rest.len());
            Some(&rest[..end])
        }
    }
}

/// "Get an XML encoding".
fn xml_encoding(head: &[u8]) -> Option<&'static Encoding> {
    let declaration = head.strip_prefix(b"<?xml")?;
    let declaration = &declaration[..memchr::memchr(b'>', declaration)?];
    let rest = &declaration[memmem::find(declaration, b"encoding")? + 8..];
    let rest = trim_controls(rest).strip_prefix(b"=")?;
    let rest = trim_controls(rest);
    let quote = *rest.first().filter(|quote| matches!(quote, b'"' | b'\''))?;
    let label = &rest[1..=memchr::memchr(quote, &rest[1..])?];
    if label.iter().any(|&b| b <= b' ') {
        return None;
    }
    Encoding::for_label(label).map(usable)
}

fn trim_controls(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|&b| b > b' ').unwrap_or(bytes.len())..]
}

/// "Get an attribute", again and again: names and values in lower case.
struct Attributes<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Attributes<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.at += 1;
        }
    }

    /// Bytes up to one that ends them, in lower case.
    fn take(&mut self, ends: impl Fn(u8) -> bool) -> Vec<u8> {
        let start = self.at;
        self.skip(|b| !ends(b));
        self.bytes[start..self.at].to_ascii_lowercase()
    }
}

impl Iterator for Attributes<'_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip(|b| is_space(b) || b == b'/');
        if self.peek()? == b'>' {
            return None;
        }
        // An equals sign at the very start belongs to the name.
        let start = self.at;
        self.at += 1;
        self.skip(|b| !(is_space(b) || matches!(b, b'=' | b'/' | b'>')));
        let name = self.bytes[start..self.at].to_ascii_lowercase();
        self.skip(is_space);
        if self.peek()? != b'=' {
            return Some((name, Vec::new()));
        }
        self.at += 1;
        self.skip(is_space);
        // A value that the bytes end in leaves no attribute.
        let value = match self.peek()? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                let value = self.take(|b| b == quote);
                self.peek()?;
                self.at += 1;
                value
            }
            _ => {
                let value = self.take(|b| is_space(b) || b == b'>');
                self.peek()?;
                value
            }
        };
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: Option<&str>) {
        assert_eq!(declared(html.as_bytes()).map(Encoding::name), expected, "{html:?}");
    }

    #[test]
    fn declarations() {
        check("<meta charset=iso-8859-2>", Some("ISO-8859-2"));
        check("<META/CHARSET = 'UTF-8' >", Some("UTF-8"));
        check("<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>", Some("KOI8-R"));
        check("<meta content='text/html; charset=\"koi8-r\"' http-equiv=content-type>", Some("KOI8-R"));
        check("<meta content='charset charset=koi8-r;' http-equiv=content-type>", Some("KOI8-R"));
        check("<meta charset=utf-16>", Some("UTF-8"));
        check("<meta charset=x-user-defined>", Some("windows-1252"));
        check("<?xml version='1.0' encoding=\"shift_jis\"?>", Some("Shift_JIS"));
        check("<a title='<meta charset=koi8-r>'><meta charset=utf-8>", Some("UTF-8"));
        check("<!--><meta charset=utf-8>", Some("UTF-8"));
        check("</p x='>'><? ?><meta charset=utf-8>", Some("UTF-8"));
    }

    #[test]
    fn no_declarations() {
        check("", None);
        check("<", None);
        check("<meta", None);
        check("<meta charset", None);
        check("<meta charset=no-such>", None);
        check("<meta charset=\"utf-8>", None);
        check("<metacharset=utf-8>", None);
        check("<meta content='text/html; charset=koi8-r'>", None);
        check("<meta http-equiv=refresh content='text/html; charset=koi8-r'>", None);
        check("<!-- <meta charset=utf-8> -->", None);
        check("<?xml version='1.0' encoding='a b'?>", None);
        check("<meta charset=utf-8", None);
        check(&format!("{}<meta charset=utf-8>", " ".repeat(PRESCAN_BYTES)), None);
    }
}
