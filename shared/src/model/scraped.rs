//! `scraped-data`: what the wire gave, byte for byte.

use super::{ExtractSettings, Origin};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A page that was fetched. The body travels beside the metadata as raw bytes, never inside JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrapedPage {
    /// The fetch and where it comes from.
    pub origin: Origin,
    /// HTTP status.
    pub status: u16,
    /// When the request was sent.
    pub fetched_at: Timestamp,
    /// Milliseconds from the request to the last byte.
    pub took_ms: u64,
    /// Request headers as they were sent, in order, names in lower case: for an archive of the exchange.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, String)>,
    /// Response headers, in order, names in lower case; values that are not UTF-8 are read as Latin-1.
    pub headers: Vec<(String, String)>,
    /// What the body is, `type/subtype`, where its first bytes say otherwise than its header or it has none
    /// (<https://mimesniff.spec.whatwg.org/>).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// WHATWG name of the charset, where the transport or a byte-order mark declares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Where the charset is from: `bom` or `header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset_source: Option<String>,
    /// Whether the body was cut at the cap.
    #[serde(default)]
    pub truncated: bool,
    /// The address that answered; none behind a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The sitemaps that the site's robots.txt names, where the job wants them and they were not told before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sitemaps: Vec<String>,
    /// The host's `crawl-delay` in milliseconds, as the fetcher learnt it from robots.txt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crawl_delay_ms: Option<u64>,
    /// Whether robots meta tags and `rel=nofollow` bind the job.
    #[serde(default)]
    pub robots: super::RobotsPolicy,
    /// The product token of the job's user agent: the name by which robots meta tags and
    /// `X-Robots-Tag` speak to it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robot_name: Option<String>,
    /// What to extract.
    #[serde(default)]
    pub extract: ExtractSettings,
    /// Where the body is, if it is too large to travel: then `body` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_body: Option<KeptBody>,
    /// The body after transfer and content decoding.
    #[serde(skip)]
    pub body: Bytes,
}

/// A body in the store of bodies (`[bodies]`), where it is found by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBody {
    /// SHA-256, as 64 hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

impl ScrapedPage {
    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}
