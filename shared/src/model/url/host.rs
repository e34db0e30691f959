//! Hosts: what politeness is counted by.

use super::{CanonicalUrl, UrlError};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What politeness is counted by: a lower-case host, with `:port` where that is not the default.
/// The key of `scraping-tasks`, so one host lives in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct HostKey(String);

impl HostKey {
    /// The key of a host and port as a parsed URL has them; the default port is none.
    pub(super) fn new(host: &str, port: Option<u16>) -> Self {
        Self(match port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }

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
}
