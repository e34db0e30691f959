//! Which reader a body needs, by its declared type and, where that is none or often wrong, its first
//! bytes.

pub use trawl_shared::content::charset::charset_parameter as charset;

use crate::readers;
use trawl_shared::content::mime::sniff;

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// By the HTML rules.
    Html,
    /// By the HTML rules, after XML's empty tags are written out.
    Xhtml,
    /// As XML: feeds and other documents.
    Xml,
    /// As JSON.
    Json,
    /// As JSON-LD.
    JsonLd,
    /// As the text it is.
    Plain,
    /// As PDF.
    Pdf,
    /// Not at all.
    None,
}

impl Reader {
    /// The reader for a body (WHATWG MIME Sniffing).
    #[must_use]
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        // The standard takes anything behind a byte-order mark for plain text.
        let media_type = sniff(content_type, false, body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
        if media_type.is_html() {
            return Self::Html;
        }
        let essence = media_type.essence();
        match essence.as_str() {
            "application/xhtml+xml" | "application/vnd.wap.xhtml+xml" => Self::Xhtml,
            "application/ld+json" => Self::JsonLd,
            "application/pdf" => Self::Pdf,
            "text/css" | "text/javascript" | "text/ecmascript" => Self::None,
            _ if media_type.is_xml() && essence.starts_with("image/") => Self::None,
            _ if media_type.is_xml() => Self::Xml,
            _ if media_type.is_json() => Self::Json,
            _ if media_type.kind() == "text" => Self::Plain,
            _ => Self::None,
        }
    }

    /// The reader for an XML document once its text is known: XHTML often comes as plain XML.
    #[must_use]
    pub fn of_xml(text: &str) -> Self {
        if readers::root(text).as_deref() == Some("html") { Self::Xhtml } else { Self::Xml }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_by_type_and_first_bytes() {
        for (content_type, body, expected) in [
            (Some("text/html"), "", Reader::Html),
            (Some(" Text/HTML ; charset=utf-8"), "", Reader::Html),
            (Some("application/xhtml+xml"), "", Reader::Xhtml),
            (Some("text/xml"), "<a/>", Reader::Xml),
            (Some("application/rss+xml"), "", Reader::Xml),
            (Some("text/html"), "<?xml version='1.0'?><rss version='2.0'>", Reader::Xml),
            (Some("image/svg+xml"), "<svg>", Reader::None),
            (Some("application/json"), "{}", Reader::Json),
            (Some("application/geo+json"), "{}", Reader::Json),
            (Some("application/ld+json"), "{}", Reader::JsonLd),
            (Some("application/pdf"), "<html>", Reader::Pdf),
            (Some("text/plain; charset=utf-8"), "<html>", Reader::Plain),
            (Some("text/csv"), "a,b", Reader::Plain),
            (Some("text/css"), "a {}", Reader::None),
            (Some("application/octet-stream"), "x", Reader::None),
            (None, "\u{feff} <!doctype html>", Reader::Html),
            (Some(""), "<!-- x -->", Reader::Html),
            (None, "%PDF-1.7", Reader::Pdf),
            (None, "words", Reader::Plain),
            (None, "\u{1}\u{2}\u{3}", Reader::None),
        ] {
            assert_eq!(Reader::of(content_type, body.as_bytes()), expected, "{content_type:?} {body:?}");
        }
    }

    #[test]
    fn xhtml_is_known_by_its_root() {
        let xhtml = "<?xml version='1.0'?><!-- x --><!DOCTYPE html><html xmlns='x'>";
        assert_eq!(Reader::of_xml(xhtml), Reader::Xhtml);
        assert_eq!(Reader::of_xml("<feed/>"), Reader::Xml);
        assert_eq!(Reader::of_xml("no markup"), Reader::Xml);
    }
}
