//! One HTTP request, bounded in every direction. The only folder that names reqwest.
//!
//! - [`Client`]: one GET and its answer; `engines` has reqwest's clients, one for each way to connect, and `connect`
//!   what has a say in their connections.
//! - `outgoing` is the request as it is sent, `exchange` the answer as it arrives, `decode` and `inflate` what its body
//!   was before it was packed.
//! - `proxy` chooses and rests proxies, `tls` has the certificates.
//!
//! Redirects are answers here, never followed; names are looked up by [`crate::resolve`], and the addresses it answers
//! are the ones that are dialled, so the address that is dialled is the address that was checked.

mod client;
mod connect;
mod decode;
mod engines;
mod error;
mod exchange;
mod inflate;
mod outgoing;
mod proxy;
mod tls;

pub use client::{BuildError, Client};
pub use error::{HttpError, Phase};

use crate::address::Reach;
use bytes::Bytes;
use jiff::Timestamp;
use std::{net::IpAddr, time::Duration};
use trawl_shared::model::{FetchSettings, Validators, code};
use url::Url;

/// What is asked for. The bounds are those of the job.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The URL.
    pub url: &'a Url,
    /// How the job fetches.
    pub settings: &'a FetchSettings,
    /// Longest body kept, after decoding.
    pub max_body: u64,
    /// Whether the job's rules on types and sizes of pages hold.
    pub is_page: bool,
    /// The version that is known: a newer one is asked for.
    pub validators: Option<&'a Validators>,
    /// The `Cookie` header of the job's jar.
    pub cookies: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request for a page.
    #[must_use]
    pub const fn page(url: &'a Url, settings: &'a FetchSettings) -> Self {
        Self { url, settings, max_body: settings.max_body, is_page: true, validators: None, cookies: None }
    }

    /// A request for a file that serves the crawl itself, such as robots.txt: up to `max_body` bytes of any type.
    #[must_use]
    pub const fn file(url: &'a Url, settings: &'a FetchSettings, max_body: u64) -> Self {
        Self { url, settings, max_body, is_page: false, validators: None, cookies: None }
    }

    /// Which addresses may be dialled.
    #[must_use]
    pub fn reach(&self) -> Reach {
        Reach::from(self.settings.allow_private_addresses)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers of the request as they were sent, names in lower case, secrets left out.
    pub request_headers: Vec<(String, String)>,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded. Of an answer that is no page only the beginning.
    pub body: Bytes,
    /// Whether there was more of the body.
    pub truncated: bool,
    /// Why the job does not want the page.
    pub unwanted: Option<Unwanted>,
    /// The address that answered; none behind a proxy.
    pub address: Option<IpAddr>,
    /// When the request was sent.
    pub fetched_at: Timestamp,
    /// The same by the clock that never jumps.
    pub sent: tokio::time::Instant,
    /// From the look-up to a connection; none where one was there already.
    pub connected_after: Option<Duration>,
    /// From the request to the last header.
    pub headers_after: Duration,
    /// From the request to the last byte.
    pub took: Duration,
}

/// Why a job does not want a page that was answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwanted {
    /// Its type.
    #[error("the body is {0}, which the job leaves out")]
    Type(String),
    /// Its size.
    #[error("the body is longer than the {0} bytes that the job keeps")]
    Size(u64),
}

impl Unwanted {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Type(_) => code::CONTENT_TYPE,
            Self::Size(_) => code::TOO_LARGE,
        }
    }
}

impl Response {
    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether the site says that its `Content-Type` counts, whatever the body looks like.
    #[must_use]
    pub fn forbids_sniffing(&self) -> bool {
        self.header("x-content-type-options")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("nosniff"))
    }

    /// All values of a header, in order; `name` in lower case.
    pub fn values(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Milliseconds, as records have them.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
