//! One HTTP request, bounded in every direction. The only folder that names reqwest.
//!
//! Redirects are answers here, never followed; bodies are decoded by us, so that what they grow to
//! is bounded; names are resolved by [`crate::resolve`], so that the address that is dialled is the
//! address that was checked.

mod client;
mod decode;
mod dns;
mod error;
mod exchange;
mod inflate;
mod tls;

pub use client::{BuildError, Client};
pub use error::HttpError;

use crate::address::Reach;
use bytes::Bytes;
use jiff::Timestamp;
use std::time::Duration;
use url::Url;

/// What is asked for and within which bounds.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The URL.
    pub url: &'a Url,
    /// The `User-Agent` header.
    pub user_agent: &'a str,
    /// Bound on the whole exchange, from look-up to last byte.
    pub timeout: Duration,
    /// Longest body kept, after decoding.
    pub max_body: u64,
    /// Which addresses may be dialled.
    pub reach: Reach,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers of the request as they were sent, names in lower case.
    pub request_headers: Vec<(String, String)>,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded. Of an answer that is no page only the beginning.
    pub body: Bytes,
    /// Whether there was more of the body.
    pub truncated: bool,
    /// When the request was sent.
    pub fetched_at: Timestamp,
    /// From the request to the last header.
    pub headers_after: Duration,
    /// From the request to the last byte.
    pub took: Duration,
}

impl Response {
    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Milliseconds, as records have them.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
