//! Which reader a body needs, by its declared type or, where none is declared, by its first bytes.

pub use trawl_shared::content::charset::charset_parameter as charset;

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// By the HTML rules.
    Html,
    /// By the HTML rules, after XML's empty tags are written out.
    Xhtml,
    /// Not at all.
    None,
}

impl Reader {
    /// The reader for a body.
    #[must_use]
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        match content_type.map(essence).filter(|essence| !essence.is_empty()) {
            Some(essence) if essence.eq_ignore_ascii_case("text/html") => Self::Html,
            Some(essence) if essence.eq_ignore_ascii_case("application/xhtml+xml") => Self::Xhtml,
            Some(essence) if essence.eq_ignore_ascii_case("application/vnd.wap.xhtml+xml") => Self::Xhtml,
            Some(_) => Self::None,
            None if looks_like_html(body) => Self::Html,
            None => Self::None,
        }
    }
}

/// `type/subtype` without parameters.
#[must_use]
pub fn essence(content_type: &str) -> &str {
    content_type.split([';', ',']).next().unwrap_or_default().trim()
}

/// The HTML signatures of WHATWG MIME sniffing.
fn looks_like_html(body: &[u8]) -> bool {
    const SIGNATURES: [&str; 17] = [
        "<!DOCTYPE HTML",
        "<HTML",
        "<HEAD",
        "<SCRIPT",
        "<IFRAME",
        "<H1",
        "<DIV",
        "<FONT",
        "<TABLE",
        "<A",
        "<STYLE",
        "<TITLE",
        "<B",
        "<BODY",
        "<BR",
        "<P",
        "<!--",
    ];
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    SIGNATURES.iter().any(|signature| {
        let (start, rest) = body.split_at(signature.len().min(body.len()));
        let ended = *signature == "<!--" || matches!(rest.first(), Some(b' ' | b'>'));
        start.eq_ignore_ascii_case(signature.as_bytes()) && ended
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers() {
        for (content_type, body, expected) in [
            (Some("text/html"), "", Reader::Html),
            (Some(" Text/HTML ; charset=utf-8"), "", Reader::Html),
            (Some("text/html, text/html"), "", Reader::Html),
            (Some("application/xhtml+xml"), "", Reader::Xhtml),
            (Some("application/pdf"), "<html>", Reader::None),
            (Some("text/plain"), "<html>", Reader::None),
            (None, "\u{feff} <!doctype html>", Reader::Html),
            (Some(""), "<!-- x -->", Reader::Html),
            (None, "<article>", Reader::None),
            (None, "%PDF-1.7", Reader::None),
            (None, "", Reader::None),
        ] {
            assert_eq!(Reader::of(content_type, body.as_bytes()), expected, "{content_type:?} {body:?}");
        }
    }
}
