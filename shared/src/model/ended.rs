//! `parsed-data`: the terminal fact of a task. A task ends in exactly one of these, or in one dead
//! letter.

use super::{Origin, ParsedPage, Validators};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, net::IpAddr};

/// The terminal states of a URL (a promise: every URL ends in exactly one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The page was fetched and is stored.
    Stored,
    /// The page is as it was at the last fetch.
    Unchanged,
    /// The URL redirects to one that has its own state.
    Redirected,
    /// Robots, scope, trap, type or budget kept it out; the code says which.
    Excluded,
    /// The site says there is nothing to get (404, 410 and other final refusals).
    Gone,
    /// A dead letter holds why.
    Dead,
}

impl Outcome {
    /// All of them, in the order they are reported in.
    pub const ALL: [Self; 6] =
        [Self::Stored, Self::Unchanged, Self::Redirected, Self::Excluded, Self::Gone, Self::Dead];

    /// The name used in records, tables, metrics and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Unchanged => "unchanged",
            Self::Redirected => "redirected",
            Self::Excluded => "excluded",
            Self::Gone => "gone",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Stable codes that say why a task ended as it did. They go into records, metrics, dead letters
/// and `explain`; one word for one thing.
pub mod code {
    /// Fetched and parsed.
    pub const OK: &str = "ok";
    /// Fetched; the content type has no reader, so the page has no extracted facts.
    pub const NOT_PARSED: &str = "not_parsed";
    /// Fetched; its type has a reader, which could make nothing of the body (a damaged PDF, broken
    /// JSON or XML), so the page is stored with few facts or none.
    pub const UNREADABLE: &str = "unreadable";
    /// Fetched and parsed up to a bound; what stands behind it was left out.
    pub const CUT: &str = "cut";
    /// Fetched and parsed; an item lacks a field that the job's rules require.
    pub const INCOMPLETE: &str = "incomplete";
    /// Fetched and parsed; the job's rules can't be used, so the page has no items.
    pub const BAD_RULES: &str = "bad_rules";
    /// robots.txt disallows the URL.
    pub const ROBOTS_DISALLOWED: &str = "robots_disallowed";
    /// robots.txt can't be had (5xx or unreachable), which disallows the host for now.
    pub const ROBOTS_UNREACHABLE: &str = "robots_unreachable";
    /// The page itself forbids following its links or storing it.
    pub const META_ROBOTS: &str = "meta_robots";
    /// Outside the job's scope.
    pub const SCOPE: &str = "scope";
    /// Further from a seed than the job goes.
    pub const DEPTH: &str = "depth";
    /// One of the job's budgets (pages, bytes, time) was used up first.
    pub const BUDGET: &str = "budget";
    /// The job's budget for the URL's host was used up first.
    pub const HOST_BUDGET: &str = "host_budget";
    /// The job expired first.
    pub const EXPIRED: &str = "expired";
    /// One of the job's regular expressions keeps it out: it matches one that denies, or none that allow.
    pub const DENIED: &str = "denied";
    /// The job leaves out files of its extension.
    pub const EXTENSION: &str = "extension";
    /// Its path has more segments than the job takes.
    pub const PATH_SEGMENTS: &str = "path_segments";
    /// A trap, by its look: longer than the job takes.
    pub const TRAP_LONG_URL: &str = "trap_long_url";
    /// A trap, by its look: a path segment that repeats.
    pub const TRAP_REPEATING_PATH: &str = "trap_repeating_path";
    /// A trap, by its number: one more query to a path that was asked so many.
    pub const TRAP_QUERY_VARIANTS: &str = "trap_query_variants";
    /// A trap, by its number: one more date of a calendar.
    pub const TRAP_CALENDAR: &str = "trap_calendar";
    /// A trap, by its number: one more page of a list.
    pub const TRAP_PAGINATION: &str = "trap_pagination";
    /// Only found through links that ask not to be followed.
    pub const NOFOLLOW: &str = "nofollow";
    /// Too many redirects in a row.
    pub const TOO_MANY_REDIRECTS: &str = "too_many_redirects";
    /// A redirect without a usable `Location`, or with several that differ.
    pub const BAD_REDIRECT: &str = "bad_redirect";
    /// The answer was a redirect.
    pub const REDIRECT: &str = "redirect";
    /// The address is loopback, private or otherwise special, and the job does not allow those.
    pub const SSRF_BLOCKED: &str = "ssrf_blocked";
    /// The job was stopped before the URL was fetched.
    pub const STOPPED: &str = "stopped";
    /// The host name has no address.
    pub const DNS_FAILED: &str = "dns_failed";
    /// No connection could be made.
    pub const CONNECT_FAILED: &str = "connect_failed";
    /// TLS could not be negotiated.
    pub const TLS_FAILED: &str = "tls_failed";
    /// No connection within its bound, or within the fetch's.
    pub const TIMEOUT_CONNECT: &str = "timeout_connect";
    /// No complete header within its bound, or within the fetch's.
    pub const TIMEOUT_HEADERS: &str = "timeout_headers";
    /// The body did not end within the fetch's bound.
    pub const TIMEOUT_BODY: &str = "timeout_body";
    /// The body arrived more slowly than the job bears.
    pub const TOO_SLOW: &str = "too_slow";
    /// The URL, or a header that its job adds, can't be put into a request.
    pub const BAD_URL: &str = "bad_url";
    /// The proxy can't be used.
    pub const PROXY_FAILED: &str = "proxy_failed";
    /// The answer's header is longer than is read.
    pub const HEADERS_TOO_LARGE: &str = "headers_too_large";
    /// The body is longer than the job keeps, and the job wants no pages that are cut.
    pub const TOO_LARGE: &str = "too_large";
    /// The body is of a type that the job leaves out.
    pub const CONTENT_TYPE: &str = "content_type";
    /// The site says that the page is as it was at the last fetch.
    pub const NOT_MODIFIED: &str = "not_modified";
    /// The answer broke off or was not HTTP.
    pub const BAD_RESPONSE: &str = "bad_response";
    /// The body could not be decompressed, or grew past every reason while it was.
    pub const BAD_ENCODING: &str = "bad_encoding";
    /// The server answered 5xx.
    pub const SERVER_ERROR: &str = "server_error";
    /// The server answered 429, or 503 with `Retry-After`.
    pub const THROTTLED: &str = "throttled";
    /// The database refuses what the message holds.
    pub const STORE_REFUSED: &str = "store_refused";
    /// The body is too large for a record, and the store of bodies does not take it.
    pub const BODY_NOT_KEPT: &str = "body_not_kept";
    /// The store of bodies lacks the body that a record names.
    pub const BODY_MISSING: &str = "body_missing";
    /// The store of bodies has another body than was put there.
    pub const BODY_ALTERED: &str = "body_altered";
    /// A record whose bytes are not what its headers say.
    pub const UNDECODABLE: &str = "undecodable";
    /// The handler panicked.
    pub const PANIC: &str = "panic";
    /// The handler ran longer than it may.
    pub const HANDLER_TIMEOUT: &str = "handler_timeout";
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEnded {
    /// The fetch and where it comes from.
    pub origin: Origin,
    /// The terminal state.
    pub outcome: Outcome,
    /// Why: one of [`code`], or `http_<status>`.
    pub code: Cow<'static, str>,
    /// One line for people, where the code leaves a question open (the robots rule that matched).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When the request was sent, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<Timestamp>,
    /// The response's content type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Bytes of body received, after decompression.
    #[serde(default)]
    pub body_bytes: u64,
    /// The absolute target of a redirect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_to: Option<String>,
    /// The host's `crawl-delay` in milliseconds, for the frontier's pace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crawl_delay_ms: Option<u64>,
    /// Where the host answered from, which it may share with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What the site said about the page's version, to be asked about at the next fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validators: Option<Validators>,
    /// A hash of the body: 32 hexadecimal digits that are the same while the body is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// Whether the page's links may be followed (robots meta tags say no).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub follow: bool,
    /// What was extracted, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Box<ParsedPage>>,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

impl TaskEnded {
    /// An end without a page and without an answer from the site.
    #[must_use]
    pub fn without_page(origin: Origin, outcome: Outcome, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            origin,
            outcome,
            code: code.into(),
            detail: None,
            status: None,
            fetched_at: None,
            content_type: None,
            body_bytes: 0,
            redirect_to: None,
            crawl_delay_ms: None,
            address: None,
            validators: None,
            content_hash: None,
            follow: true,
            page: None,
        }
    }
}
