//! A set of rules, and which pages it is for.

use super::{field::Fields, follow::Follow};
use crate::dom::Query;
use regex::Regex;
use url::Url;

/// A set of rules.
#[derive(Debug)]
pub(super) struct PageRules {
    /// The type of its items; empty where it has no name.
    pub(super) name: String,
    pub(super) hosts: Vec<Host>,
    pub(super) prefixes: Vec<String>,
    pub(super) regexes: Vec<Regex>,
    /// What is an item; without it the page is one.
    pub(super) items: Option<Query>,
    pub(super) fields: Fields,
    pub(super) follow: Vec<Follow>,
    pub(super) follows_others: bool,
}

/// `example.org`, `example.org:8080`, or `*.example.org` for it and all below it.
#[derive(Debug)]
pub(super) struct Host {
    name: String,
    with_subdomains: bool,
}

impl Host {
    /// `None` where it is no host.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (with_subdomains, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let url = Url::parse(&format!("http://{name}/")).ok()?;
        let is_bare = url.path() == "/" && url.query().is_none() && !name.contains(['/', '@', '#', '?', '*']);
        // As the URL parser writes it, so that case and international names do not matter.
        let host = url.host_str().filter(|_| is_bare && !name.is_empty())?;
        let name = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Some(Self { name, with_subdomains })
    }

    fn is_of(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let (name, port) = match self.name.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (self.name.as_str(), None),
        };
        let has_port = port.is_none_or(|port| url.port().is_some_and(|own| own.to_string() == port));
        let is_below =
            || self.with_subdomains && host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        has_port && (host == name || is_below())
    }
}

impl PageRules {
    /// Whether it is for this page: every kind of condition that it has must hold, by one of its values.
    pub(super) fn is_for(&self, url: &Url) -> bool {
        let text = url.as_str();
        let has_prefix = |prefix: &String| {
            if prefix.starts_with('/') { url.path().starts_with(prefix) } else { text.starts_with(prefix) }
        };
        (self.hosts.is_empty() || self.hosts.iter().any(|host| host.is_of(url)))
            && (self.prefixes.is_empty() || self.prefixes.iter().any(has_prefix))
            && (self.regexes.is_empty() || self.regexes.iter().any(|regex| regex.is_match(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (host, url, expected) in [
            ("example.org", "https://example.org/a", true),
            ("Example.ORG", "http://example.org:8080/", true),
            ("example.org", "https://www.example.org/", false),
            ("*.example.org", "https://www.example.org/", true),
            ("*.example.org", "https://example.org/", true),
            ("*.example.org", "https://notexample.org/", false),
            ("localhost:8080", "http://localhost:8080/", true),
            ("localhost:8080", "http://localhost/", false),
            ("[::1]", "http://[::1]:80/", true),
        ] {
            let (host_of, url) = (Host::parse(host).unwrap(), Url::parse(url).unwrap());
            assert_eq!(host_of.is_of(&url), expected, "{host} {url}");
        }
        for wrong in ["", "https://example.org", "example.org/a", "a b", "*.*", "me@example.org"] {
            assert!(Host::parse(wrong).is_none(), "{wrong}");
        }
    }
}
