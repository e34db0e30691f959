//! A media type with its parameters.

use data_url::mime::Mime;
use encoding_rs::Encoding;
use std::{fmt, str::FromStr};

/// A media type (WHATWG "MIME type record"): type and subtype in lower case, parameters in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(Mime);

impl MediaType {
    /// Reads one media type (WHATWG "parse a MIME type"). `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Mime::from_str(text).ok().map(Self)
    }

    /// Reads the value of a `Content-Type` header, which servers and proxies sometimes give twice
    /// over, joined by commas (Fetch, "extract a MIME type"): the last that can be read counts, and
    /// one of the same type before it lends it its charset. `*/*` says nothing.
    #[must_use]
    pub fn of_header(value: &str) -> Option<Self> {
        let mut found: Option<Self> = None;
        for text in parts(value) {
            let Some(mut next) = Self::parse(text).filter(|next| !next.0.matches("*", "*")) else { continue };
            if let Some(before) = found.filter(|before| before.is_same_kind(&next))
                && next.parameter("charset").is_none()
                && let Some(charset) = before.parameter("charset")
            {
                next.0.parameters.push(("charset".to_owned(), charset.to_owned()));
            }
            found = Some(next);
        }
        found
    }

    /// A type of the standard's tables.
    pub(super) fn of_table(essence: &'static str) -> Self {
        let (kind, subtype) = essence.split_once('/').expect("the tables hold types with their subtypes");
        Self(Mime::new(kind, subtype))
    }

    /// The type before the slash.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.0.type_
    }

    /// What stands behind the slash.
    #[must_use]
    pub fn subtype(&self) -> &str {
        &self.0.subtype
    }

    /// `type/subtype` without parameters.
    #[must_use]
    pub fn essence(&self) -> String {
        format!("{}/{}", self.kind(), self.subtype())
    }

    /// Whether it is `kind/subtype`, whatever its parameters.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.0.matches(kind, subtype)
    }

    fn is_same_kind(&self, other: &Self) -> bool {
        self.is(other.kind(), other.subtype())
    }

    /// The value of a parameter; `name` in lower case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.0.get_parameter(name)
    }

    /// The encoding that its `charset` names, where there is one of that name.
    #[must_use]
    pub fn encoding(&self) -> Option<&'static Encoding> {
        Encoding::for_label(self.parameter("charset")?.as_bytes())
    }

    /// `text/html`.
    #[must_use]
    pub fn is_html(&self) -> bool {
        self.is("text", "html")
    }

    /// `text/xml`, `application/xml`, or anything that ends in `+xml`.
    #[must_use]
    pub fn is_xml(&self) -> bool {
        self.subtype().ends_with("+xml") || self.is("text", "xml") || self.is("application", "xml")
    }

    /// `application/json`, `text/json`, or anything that ends in `+json`.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.subtype().ends_with("+json") || self.is("application", "json") || self.is("text", "json")
    }
}

/// The values between commas; a comma within quotes parts nothing.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    value.split(move |c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for (value, expected) in [
            ("text/html", Some("text/html")),
            (" Text/HTML;Charset=UTF-8 ", Some("text/html;charset=UTF-8")),
            ("text/html, text/html; charset=gbk", Some("text/html;charset=gbk")),
            ("text/html;charset=gbk, text/html", Some("text/html;charset=gbk")),
            ("text/html;charset=gbk, text/html;x=\"a,b\"", Some("text/html;x=\"a,b\";charset=gbk")),
            ("text/html;charset=gbk, text/plain", Some("text/plain")),
            ("text/html;charset=gbk, */*", Some("text/html;charset=gbk")),
            ("text/html;x=\"\\\",\", nonsense", Some("text/html;x=\"\\\",\"")),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(MediaType::of_header(value).map(|t| t.to_string()).as_deref(), expected, "{value:?}");
        }
    }

    #[test]
    fn kinds_of_types() {
        let kinds = |text| MediaType::parse(text).map(|t| (t.is_html(), t.is_xml(), t.is_json()));
        assert_eq!(kinds("text/html"), Some((true, false, false)));
        assert_eq!(kinds("application/rss+xml; charset=x"), Some((false, true, false)));
        assert_eq!(kinds("application/ld+json"), Some((false, false, true)));
        assert_eq!(
            MediaType::parse("text/plain;charset=latin1").unwrap().encoding().unwrap().name(),
            "windows-1252"
        );
    }
}
