//! The part of a job's settings that travels with every task, so that scraper and parser need no
//! database and a replay next month gives the same answer.

use super::{Credentials, LinkKinds, ProxyUrl, RequestHeader, RetryChanges, RulesText, Secret, TlsSettings};
use serde::{Deserialize, Serialize};

/// What robots.txt and its relatives mean for a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobotsPolicy {
    /// robots.txt (RFC 9309), `crawl-delay`, robots meta tags and `rel=nofollow` are obeyed.
    #[default]
    Obey,
    /// None of them is: only for sites of one's own.
    Ignore,
}

/// How the pages of a job are fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchSettings {
    /// The `User-Agent` header; its product token is what robots.txt groups are matched by.
    pub user_agent: String,
    /// What robots.txt means.
    pub robots: RobotsPolicy,
    /// Bound on one fetch from connect to last byte, in milliseconds.
    pub timeout_ms: u64,
    /// Longest body kept, in bytes after decompression; the rest is cut and marked.
    pub max_body: u64,
    /// Requests at once to one host.
    pub per_host: u16,
    /// Least gap between two requests to one host, in milliseconds: from the answer to one, where it
    /// is there by then, to the start of the next. A larger `crawl-delay` of the host wins.
    pub delay_ms: u64,
    /// Whether loopback, private and other special addresses may be dialled.
    pub allow_private_addresses: bool,
    /// Bounds besides the time-out and the body's cap.
    #[serde(skip_serializing_if = "is_default")]
    pub bounds: FetchBounds,
    /// Whether the gap of a host follows how it answers.
    #[serde(skip_serializing_if = "is_default")]
    pub pace: PaceMode,
    /// Whether what is past `max_body` is cut, or keeps the page out.
    #[serde(skip_serializing_if = "is_default")]
    pub oversize: Oversize,
    /// Media types to keep and to leave out.
    #[serde(skip_serializing_if = "is_default")]
    pub types: TypeRules,
    /// Whether cookies are kept and sent (RFC 6265), a jar for each job.
    #[serde(skip_serializing_if = "is_default")]
    pub cookies: bool,
    /// Whether the sitemaps that robots.txt names are fetched.
    #[serde(skip_serializing_if = "is_default")]
    pub sitemaps: bool,
    /// Headers that every request of the job has, whoever is asked. One of the fetcher's own is replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<RequestHeader>,
    /// Who asks, and whom that is told.
    #[serde(skip_serializing_if = "is_default")]
    pub credentials: Credentials,
    /// Proxies to go through; each host keeps to one of them for as long as it works.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proxies: Vec<ProxyUrl>,
    /// What differs from the usual TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls: TlsSettings,
    /// How failed fetches are tried again, where the job has its own idea of it.
    #[serde(skip_serializing_if = "RetryChanges::is_empty")]
    pub retry: RetryChanges,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Bounds on one fetch, besides its time-out and the body's cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchBounds {
    /// From the look-up of the name to a connection that can carry a request, in milliseconds.
    pub connect_ms: u64,
    /// From the request to the last byte of the answer's header, in milliseconds.
    pub headers_ms: u64,
    /// Bytes a second that a body must arrive with, counted over ten seconds at a time; 0 is no bound.
    pub min_rate: u64,
    /// Redirects in a row.
    pub max_redirects: u8,
}

impl Default for FetchBounds {
    fn default() -> Self {
        Self { connect_ms: 10_000, headers_ms: 20_000, min_rate: 64, max_redirects: 10 }
    }
}

/// Whether the gap between two requests to a host is always the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceMode {
    /// It is: the job's delay, the site's crawl-delay, the back-off of a host that throttles.
    #[default]
    Fixed,
    /// It follows the host's answers between that and a bound: a slow or failing host is asked less often.
    Adaptive {
        /// The longest gap it grows to by itself, in milliseconds.
        max_delay_ms: u64,
    },
}

/// What becomes of a body past the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oversize {
    /// The beginning is kept, and marked as cut.
    #[default]
    Cut,
    /// The URL is excluded as `too_large`; nothing is read where the length is declared.
    Exclude,
}

/// Media types to keep and to leave out: `text/html`, `image/*`, `*/*`. Judged by what a body is, as far as
/// its header and its first bytes tell (<https://mimesniff.spec.whatwg.org/>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeRules {
    /// Only these; none is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// Not these, also where `accept` has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl TypeRules {
    /// Whether every type is kept.
    #[must_use]
    pub const fn are_none(&self) -> bool {
        self.accept.is_empty() && self.deny.is_empty()
    }

    /// Whether a body of type `essence` (`type/subtype`, lower case) is kept.
    #[must_use]
    pub fn keep(&self, essence: &str) -> bool {
        let has = |patterns: &[String]| patterns.iter().any(|pattern| matches_type(pattern, essence));
        (self.accept.is_empty() || has(&self.accept)) && !has(&self.deny)
    }
}

fn matches_type(pattern: &str, essence: &str) -> bool {
    if pattern == "*/*" || pattern == "*" {
        return true;
    }
    match pattern.strip_suffix("/*") {
        Some(kind) => essence.split_once('/').is_some_and(|(found, _)| found.eq_ignore_ascii_case(kind)),
        None => pattern.eq_ignore_ascii_case(essence),
    }
}

/// The user agent of a job that names none.
pub const DEFAULT_USER_AGENT: &str =
    concat!("trawl/", env!("CARGO_PKG_VERSION"), " (+https://crates.io/crates/trawl)");

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            user_agent: DEFAULT_USER_AGENT.to_owned(),
            robots: RobotsPolicy::Obey,
            timeout_ms: 30_000,
            max_body: 10 * 1024 * 1024,
            per_host: 2,
            delay_ms: 1_000,
            allow_private_addresses: false,
            bounds: FetchBounds::default(),
            pace: PaceMode::Fixed,
            oversize: Oversize::Cut,
            types: TypeRules::default(),
            cookies: false,
            sitemaps: false,
            headers: Vec::new(),
            credentials: Credentials::default(),
            proxies: Vec::new(),
            tls: TlsSettings::default(),
            retry: RetryChanges::default(),
        }
    }
}

impl FetchSettings {
    /// A copy for people to look at: secrets are replaced, proxies have no password.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut copy = self.clone();
        for header in &mut copy.headers {
            header.value = Secret::redacted();
        }
        for auth in &mut copy.credentials.auth {
            auth.redact();
        }
        for proxy in &mut copy.proxies {
            proxy.redact();
        }
        if copy.tls.client.is_some() {
            copy.tls.client = Some(Secret::redacted());
        }
        copy
    }
}

/// What the parser computes beyond title, description, language, canonical URL, robots directives and the
/// links that a crawl may follow, which are always there. Each of these costs CPU or bytes per page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtractSettings {
    /// The page's text: its main content. Costs a DOM per page.
    pub text: bool,
    /// The main content as Markdown. Costs a DOM per page.
    #[serde(skip_serializing_if = "is_off")]
    pub markdown: bool,
    /// What the page says of itself: the list of its meta tags, JSON-LD, author, dates, feeds and
    /// icons.
    #[serde(skip_serializing_if = "is_off")]
    pub metadata: bool,
    /// Microdata and RDFa. Costs a DOM on each page that has some.
    #[serde(skip_serializing_if = "is_off")]
    pub structured: bool,
    /// Hash and SimHash of the text.
    #[serde(skip_serializing_if = "is_off")]
    pub fingerprints: bool,
    /// Kinds of links to keep besides those that a crawl may follow and `<link>`.
    #[serde(skip_serializing_if = "LinkKinds::is_empty")]
    pub links: LinkKinds,
    /// Each link as the page wrote it, beside the absolute URL. A quarter of what a page weighs on the
    /// bus and in the store, for something few ask about.
    #[serde(skip_serializing_if = "is_off")]
    pub raw_links: bool,
    /// The kinds of links to follow, where the job does not leave that to
    /// [`LinkKind::is_navigational`](super::LinkKind::is_navigational).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow: Option<LinkKinds>,
    /// The job's extraction rules. Costs a DOM on each page that they are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesText>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_off(wanted: &bool) -> bool {
    !*wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_does_not_travel() {
        let json = serde_json::to_value(FetchSettings::default()).unwrap();
        let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let usual = [
            "allow_private_addresses",
            "delay_ms",
            "max_body",
            "per_host",
            "robots",
            "timeout_ms",
            "user_agent",
        ];
        assert_eq!(names, usual);
    }

    #[test]
    fn types_are_kept_by_pattern() {
        let rules = |accept: &[&str], deny: &[&str]| TypeRules {
            accept: accept.iter().map(|text| (*text).to_owned()).collect(),
            deny: deny.iter().map(|text| (*text).to_owned()).collect(),
        };
        assert!(rules(&[], &[]).keep("image/png"));
        assert!(
            rules(&["TEXT/html"], &[]).keep("text/html") && !rules(&["text/html"], &[]).keep("text/plain")
        );
        assert!(
            !rules(&["*/*"], &["image/*"]).keep("image/png") && rules(&[], &["image/*"]).keep("imagex/png")
        );
    }

    #[test]
    fn a_copy_to_look_at_has_no_secrets() {
        let settings = FetchSettings {
            headers: vec!["X-Key: hush".parse().unwrap()],
            credentials: Credentials {
                hosts: vec!["a.example".to_owned()],
                auth: ["basic:me:hush", "header:X-Key:hush"]
                    .iter()
                    .map(|text| text.parse().unwrap())
                    .collect(),
            },
            proxies: vec!["http://me:hush@proxy.example/".parse().unwrap()],
            tls: TlsSettings { client: Some(Secret::new("hush")), ..TlsSettings::default() },
            ..FetchSettings::default()
        };
        let json = serde_json::to_string(&settings.redacted()).unwrap();
        assert!(!json.contains("hush") && json.contains("proxy.example"), "{json}");
        let travelled: FetchSettings =
            serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!(travelled, settings);
    }
}
