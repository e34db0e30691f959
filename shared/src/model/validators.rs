//! What a site said about a page's version, so that it can be asked whether there is a newer one.

use serde::{Deserialize, Serialize};

/// Longest validator that is kept, in bytes.
const MAX_LENGTH: usize = 1024;

/// The validators of an answer (RFC 9110, section 8.8), as the site wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, for `If-None-Match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`, for `If-Modified-Since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    /// The validators among headers (names in lower case), where there are some of reasonable length.
    #[must_use]
    pub fn of(headers: &[(String, String)]) -> Option<Self> {
        let find = |wanted: &str| {
            let value = headers.iter().find(|(name, _)| name == wanted)?.1.trim();
            (!value.is_empty() && value.len() <= MAX_LENGTH && value.is_ascii()).then(|| value.to_owned())
        };
        let found = Self { etag: find("etag"), last_modified: find("last-modified") };
        (found != Self::default()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_taken_as_written() {
        let headers = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(Validators::of(&headers(&[("content-type", "text/html"), ("etag", " ")])), None);
        let found =
            Validators::of(&headers(&[("etag", " W/\"x\" "), ("last-modified", "yesterday")])).unwrap();
        assert_eq!(found.etag.as_deref(), Some("W/\"x\""));
        assert_eq!(found.last_modified.as_deref(), Some("yesterday"));
        assert_eq!(Validators::of(&headers(&[("etag", &"x".repeat(MAX_LENGTH + 1))])), None);
    }
}
