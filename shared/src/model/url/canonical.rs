//! Canonical URLs: values that can only be built right.
//!
//! The rules, after WHATWG parsing (default port, case of scheme and host, punycode, dot segments): only
//! `http` and `https`; no fragment; no empty query; percent-encoded unreserved characters are decoded and
//! the rest of the escapes written in upper case (RFC 3986, section 6.2.2); user name and password are
//! kept out of the identity of a page and are refused. No server can tell the spellings apart that these
//! rules make one; what only a job can know is in [`super::UrlRules`].

use super::{HostKey, escapes::normalise_escapes, registrable_domain, resolve::resolve};
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
        let resolved = resolve(Some(&self.0), reference).map_err(UrlError::Syntax)?;
        Self::from_url(resolved.into_url().ok_or(UrlError::Syntax(url::ParseError::IdnaError))?)
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
        respell(&mut url);
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
        HostKey::new(self.0.host_str().unwrap_or_default(), self.0.port())
    }

    /// See [`registrable_domain`].
    #[must_use]
    pub fn registrable_domain(&self) -> Option<&str> {
        registrable_domain(self.0.host_str()?)
    }
}

/// One spelling for fragment, empty query and escapes.
pub(super) fn respell(url: &mut Url) {
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
        check("https://example.org/a%2Eb/%2%65./c.d", "https://example.org/c.d");
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
