//! Which URLs belong to a job.

use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt};
use trawl_shared::model::CanonicalUrl;

/// What a job's scope is measured by. In all of them the scheme does not matter: `http` and `https`
/// pages of one host are one site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The hosts of the seeds. A port that is not its scheme's default is part of the host.
    #[default]
    Host,
    /// The registrable domains of the seeds (by the public suffix list) with all their hosts and
    /// ports; of an IP address or a single label, that host.
    Domain,
    /// The folders of the seeds: everything that starts with a seed's URL up to its last `/`.
    Prefix,
    /// Everything.
    Any,
}

impl ScopeKind {
    /// What a URL adds to the scope when it is a seed; nothing where everything belongs anyhow.
    #[must_use]
    pub fn anchor(self, url: &CanonicalUrl) -> Option<String> {
        match self {
            Self::Host => Some(url.host_key().as_str().to_owned()),
            Self::Domain => Some(domain(url).to_owned()),
            Self::Prefix => {
                let path = url.as_url().path();
                Some(format!("{}{}", url.host_key(), &path[..=path.rfind('/').unwrap_or(0)]))
            }
            Self::Any => None,
        }
    }

    /// The name used on the command line and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Domain => "domain",
            Self::Prefix => "prefix",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for ScopeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn domain(url: &CanonicalUrl) -> &str {
    url.registrable_domain().or_else(|| url.as_url().host_str()).unwrap_or_default()
}

/// A job's scope: its kind, and what it hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    kind: ScopeKind,
    anchors: HashSet<Box<str>>,
}

impl Scope {
    /// A scope with these anchors (see [`ScopeKind::anchor`]).
    #[must_use]
    pub fn new(kind: ScopeKind, anchors: impl IntoIterator<Item = String>) -> Self {
        Self { kind, anchors: anchors.into_iter().map(String::into_boxed_str).collect() }
    }

    /// The scope with more to hang on.
    #[must_use]
    pub fn widened(&self, anchors: impl IntoIterator<Item = String>) -> Self {
        let mut wider = self.clone();
        wider.anchors.extend(anchors.into_iter().map(String::into_boxed_str));
        wider
    }

    /// Whether a URL belongs.
    #[must_use]
    pub fn admits(&self, url: &CanonicalUrl) -> bool {
        match self.kind {
            ScopeKind::Host => self.anchors.contains(url.host_key().as_str()),
            ScopeKind::Domain => self.anchors.contains(domain(url)),
            ScopeKind::Prefix => {
                let mut place = url.host_key().as_str().to_owned();
                place.push_str(url.as_url().path());
                while let Some(slash) = place.rfind('/') {
                    place.truncate(slash + 1);
                    if self.anchors.contains(place.as_str()) {
                        return true;
                    }
                    place.truncate(slash);
                }
                false
            }
            ScopeKind::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: ScopeKind, seed: &str, inside: &[&str], outside: &[&str]) {
        let url = |text: &str| CanonicalUrl::parse(text).unwrap();
        let scope = Scope::new(kind, kind.anchor(&url(seed)));
        for (texts, expected) in [(inside, true), (outside, false)] {
            for text in texts {
                assert_eq!(scope.admits(&url(text)), expected, "{kind} of {seed}: {text}");
            }
        }
    }

    #[test]
    fn hosts() {
        check(
            ScopeKind::Host,
            "http://www.example.org/a",
            &["http://www.example.org/", "https://www.example.org/b?c"],
            &["http://example.org/", "http://www.example.org:8080/", "http://www.example.org.evil.test/"],
        );
        check(
            ScopeKind::Host,
            "http://127.0.0.1:8000/",
            &["http://127.0.0.1:8000/x"],
            &["http://127.0.0.1:8001/"],
        );
    }

    #[test]
    fn domains() {
        check(
            ScopeKind::Domain,
            "http://www.example.co.uk/a",
            &["https://example.co.uk/", "http://a.b.example.co.uk:8080/"],
            &["http://other.co.uk/", "http://co.uk/", "http://badexample.co.uk/"],
        );
        check(ScopeKind::Domain, "http://a.github.io/", &["http://a.github.io/x"], &["http://b.github.io/"]);
        check(ScopeKind::Domain, "http://127.0.0.1:8000/", &["http://127.0.0.1:1/"], &["http://127.0.0.2/"]);
        check(
            ScopeKind::Domain,
            "http://localhost:8000/",
            &["http://localhost/"],
            &["http://a.localhost.test/"],
        );
    }

    #[test]
    fn prefixes() {
        check(
            ScopeKind::Prefix,
            "http://example.org/docs/index.html?x",
            &["http://example.org/docs/", "https://example.org/docs/a/b", "http://example.org/docs/x?y=/z"],
            &["http://example.org/docs", "http://example.org/docsy/", "http://www.example.org/docs/"],
        );
        check(
            ScopeKind::Prefix,
            "http://example.org",
            &["http://example.org/x/y"],
            &["http://example.org:81/"],
        );
    }

    #[test]
    fn everything() {
        check(ScopeKind::Any, "http://example.org/", &["https://elsewhere.test/"], &[]);
    }
}
