//! Canonical URLs and host keys: values that can only be built right.
//!
//! The rules, after WHATWG parsing (<https://url.spec.whatwg.org/>): only `http` and `https`; no
//! fragment; no empty query; percent-encoded unreserved characters are decoded and the rest of the
//! escapes written in upper case (RFC 3986, section 6.2.2); user name and password are kept out of
//! the identity of a page and are refused.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use url::Url;

/// Longest URL that enters a crawl, in bytes.
pub const MAX_URL_LENGTH: usize = 4096;

/// Why a text is not a URL that can be crawled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The text is not a URL (WHATWG parsing failed).
    #[error("not a URL: {0} (expected something like https://example.org/)")]
    Syntax(url::ParseError),
    /// A scheme that is not fetched.
    #[error("scheme {0:?} is not crawled, only http and https are")]
    Scheme(String),
    /// The URL has no host.
    #[error("the URL has no host")]
    NoHost,
    /// Credentials in the URL.
    #[error("the URL carries a user name or password; give credentials to the job instead")]
    Credentials,
    /// Longer than [`MAX_URL_LENGTH`].
    #[error("the URL is {0} bytes long, the limit is {MAX_URL_LENGTH}")]
    TooLong(usize),
}

/// An absolute http(s) URL in canonical form: equal pages have equal canonical URLs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CanonicalUrl(Url);

impl CanonicalUrl {
    /// Parses and canonicalises an absolute URL.
    ///
    /// # Errors
    /// When the text is not a URL that can be crawled; see [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let length = text.len();
        if length > MAX_URL_LENGTH {
            return Err(UrlError::TooLong(length));
        }
        Self::from_url(Url::parse(text).map_err(UrlError::Syntax)?)
    }

    /// Resolves `reference` against this URL and canonicalises the result.
    ///
    /// # Errors
    /// As [`CanonicalUrl::parse`].
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        Self::from_url(self.0.join(reference).map_err(UrlError::Syntax)?)
    }

    /// Canonicalises a URL that is parsed already.
    ///
    /// # Errors
    /// As [`CanonicalUrl::parse`].
    pub fn from_url(mut url: Url) -> Result<Self, UrlError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(UrlError::NoHost);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        url.set_fragment(None);
        if url.query() == Some("") {
            url.set_query(None);
        }
        // Decoding can complete a broken escape (`%%341`), so it goes on until nothing changes.
        while let Some(path) = normalise_escapes(url.path()) {
            url.set_path(&path);
        }
        while let Some(query) = url.query().and_then(normalise_escapes) {
            url.set_query(Some(&query));
        }
        if url.as_str().len() > MAX_URL_LENGTH {
            return Err(UrlError::TooLong(url.as_str().len()));
        }
        Ok(Self(url))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The parsed URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The host this URL is fetched from, with its port where that is not the scheme's default.
    #[must_use]
    pub fn host_key(&self) -> HostKey {
        let host = self.0.host_str().unwrap_or_default();
        HostKey(match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }
}

/// Decodes escapes of unreserved characters and writes the others in upper case. `None` where
/// nothing changes, which is the usual case.
fn normalise_escapes(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        match escape
            .get(1..3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| escape.as_bytes()[1] != b'+')
        {
            Some(byte) if is_unreserved(byte) => {
                out.push(char::from(byte));
                changed = true;
                rest = &escape[3..];
            }
            Some(_) => {
                let upper = escape[..3].to_ascii_uppercase();
                changed |= upper != escape[..3];
                out.push_str(&upper);
                rest = &escape[3..];
            }
            None => {
                out.push('%');
                rest = &escape[1..];
            }
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// RFC 3986, section 2.3, without the dot: decoding `%2E` could make a dot segment.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~')
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl FromStr for CanonicalUrl {
    type Err = UrlError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for CanonicalUrl {
    type Error = UrlError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<CanonicalUrl> for String {
    fn from(url: CanonicalUrl) -> Self {
        url.0.into()
    }
}

/// What politeness is counted by: a lower-case host, with `:port` where that is not the default.
/// The key of `scraping-tasks`, so one host lives in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct HostKey(String);

impl HostKey {
    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the key names this very machine by itself (`localhost`, `127.0.0.0/8`, `[::1]`):
    /// known without a look-up, so a name that merely resolves to loopback answers `false`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = match self.0.strip_prefix('[') {
            Some(v6) => return v6.starts_with("::1]"),
            None => self.0.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostKey {
    type Err = UrlError;
    /// Reads `host` or `host:port` the way a URL's authority is read (lower case, punycode).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The other scheme where the port is http's own, or it would be dropped as the default.
        let scheme = if text.ends_with(":80") { "https" } else { "http" };
        CanonicalUrl::parse(&format!("{scheme}://{text}/")).map(|url| url.host_key())
    }
}

impl<'de> Deserialize<'de> for HostKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(CanonicalUrl::parse(input).unwrap().as_str(), expected);
    }

    #[test]
    fn canonical_form() {
        check("HTTP://Example.ORG:80", "http://example.org/");
        check("https://example.org:443/a/../b/./c#frag", "https://example.org/b/c");
        check("https://example.org/?", "https://example.org/");
        check("https://example.org/%7euser/%e4%2f%41", "https://example.org/~user/%E4%2FA");
        check("https://example.org/a?q=%7e%3a", "https://example.org/a?q=~%3A");
        check("https://example.org/100%", "https://example.org/100%");
        check("https://bücher.example/", "https://xn--bcher-kva.example/");
    }

    #[test]
    fn what_is_refused() {
        assert!(matches!(CanonicalUrl::parse("mailto:a@b"), Err(UrlError::Scheme(s)) if s == "mailto"));
        assert!(matches!(CanonicalUrl::parse("example.org"), Err(UrlError::Syntax(_))));
        assert_eq!(CanonicalUrl::parse("http://u:p@example.org/"), Err(UrlError::Credentials));
        let long = format!("http://example.org/{}", "a".repeat(MAX_URL_LENGTH));
        assert!(matches!(CanonicalUrl::parse(&long), Err(UrlError::TooLong(_))));
    }

    #[test]
    fn host_keys_keep_odd_ports_only() {
        let key = |u: &str| CanonicalUrl::parse(u).unwrap().host_key().to_string();
        assert_eq!(key("https://Example.org:443/x"), "example.org");
        assert_eq!(key("https://example.org:80/x"), "example.org:80");
        assert_eq!(key("http://[::1]:8080/x"), "[::1]:8080");
        for text in ["example.org", "example.org:80", "example.org:443", "[::1]:8080"] {
            assert_eq!(text.parse::<HostKey>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn loopback_is_told_by_name_alone() {
        for (host, expected) in [
            ("127.0.0.1:80", true),
            ("localhost:8080", true),
            ("[::1]:8080", true),
            ("10.0.0.1:1", false),
            ("localhost.example", false),
        ] {
            assert_eq!(host.parse::<HostKey>().unwrap().is_loopback(), expected, "{host}");
        }
    }

    proptest! {
        #[test]
        fn canonicalising_twice_changes_nothing(path in "[ -~]{0,40}", query in "[ -~é]{0,20}") {
            if let Ok(once) = CanonicalUrl::parse(&format!("http://host.example/{path}?{query}")) {
                let twice = CanonicalUrl::parse(once.as_str()).unwrap();
                prop_assert_eq!(&once, &twice);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = CanonicalUrl::parse(&text);
            let _ = text.parse::<HostKey>();
        }
    }
}
