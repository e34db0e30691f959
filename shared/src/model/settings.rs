//! The part of a job's settings that travels with every task, so that scraper and parser need no
//! database and a replay next month gives the same answer.

use super::LinkKinds;
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
    /// Least gap between the starts of two requests to one host, in milliseconds. A larger
    /// `crawl-delay` of the host wins.
    pub delay_ms: u64,
    /// Whether loopback, private and other special addresses may be dialled.
    pub allow_private_addresses: bool,
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
        }
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
    /// What the page says of itself: the list of its meta tags, JSON-LD, microdata, RDFa, author,
    /// dates, feeds and icons. Only microdata and RDFa cost a DOM, on the pages that have some.
    #[serde(skip_serializing_if = "is_off")]
    pub structured: bool,
    /// Hash and SimHash of the text.
    #[serde(skip_serializing_if = "is_off")]
    pub fingerprints: bool,
    /// Kinds of links to keep besides those that a crawl may follow and `<link>`.
    #[serde(skip_serializing_if = "LinkKinds::is_empty")]
    pub links: LinkKinds,
    /// The kinds of links to follow, where the job does not leave that to
    /// [`LinkKind::is_navigational`](super::LinkKind::is_navigational).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow: Option<LinkKinds>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_off(wanted: &bool) -> bool {
    !*wanted
}
