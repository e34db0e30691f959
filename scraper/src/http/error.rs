//! Why an exchange gave no answer, in the terms the pipeline needs.

use crate::{address::Blocked, resolve::ResolveError};
use std::{error::Error as StdError, io, time::Duration};
use trawl_shared::{model::code, runtime::FailureClass};

/// Any error, as connectors hand them on.
pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// A part of an exchange that has a bound of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Look-up, connection, proxy and TLS.
    Connect,
    /// From the request to the last header.
    Headers,
    /// From the last header to the last byte.
    Body,
}

impl Phase {
    const fn words(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Headers => "waiting for the answer",
            Self::Body => "reading the body",
        }
    }
}

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address guard refused.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The name has no address.
    #[error("the host name can't be resolved")]
    Dns(#[source] ResolveError),
    /// Nobody listens, or the network does not lead there.
    #[error("no connection could be made")]
    Connect(#[source] BoxError),
    /// The proxy can't be used.
    #[error("the proxy {proxy} can't be used: {why}")]
    Proxy {
        /// The proxy, without its secrets.
        proxy: String,
        /// What went wrong.
        why: String,
    },
    /// The handshake failed.
    #[error("TLS could not be negotiated")]
    Tls(#[source] BoxError),
    /// The job's certificates or key can't be read.
    #[error("the job's TLS settings can't be used: {0}")]
    TlsSettings(String),
    /// The URL can't be put into a request.
    #[error("the URL can't be put into a request: {0}")]
    BadUrl(String),
    /// Time ran out.
    #[error("timed out after {} ms while {}", after.as_millis(), phase.words())]
    Timeout {
        /// The bound.
        after: Duration,
        /// What was going on.
        phase: Phase,
    },
    /// The body arrives too slowly.
    #[error("only {bytes} bytes of the body arrived in {} s", within.as_secs())]
    TooSlow {
        /// What arrived.
        bytes: u64,
        /// In this time.
        within: Duration,
    },
    /// The header is longer than anybody needs.
    #[error("the answer's header is longer than is read")]
    HeadersTooLarge,
    /// The answer broke off or is not HTTP.
    #[error("the answer broke off or is not HTTP")]
    BadResponse(#[source] reqwest::Error),
    /// The answer is HTTP of a kind that can't be trusted.
    #[error("the answer can't be trusted: {0}")]
    Untrusted(&'static str),
    /// The body is not in the coding its headers name.
    #[error("the body can't be decoded as {coding}")]
    BadEncoding {
        /// The codings.
        coding: String,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// The body is a decompression bomb.
    #[error("the body grew to more than {ratio} times its size while it was decompressed")]
    Bomb {
        /// The bound on the ratio.
        ratio: u64,
    },
}

impl HttpError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Blocked(_) => code::SSRF_BLOCKED,
            Self::Dns(_) => code::DNS_FAILED,
            Self::Connect(_) => code::CONNECT_FAILED,
            Self::Proxy { .. } => code::PROXY_FAILED,
            Self::Tls(_) | Self::TlsSettings(_) => code::TLS_FAILED,
            Self::BadUrl(_) => code::BAD_URL,
            Self::Timeout { phase: Phase::Connect, .. } => code::TIMEOUT_CONNECT,
            Self::Timeout { phase: Phase::Headers, .. } => code::TIMEOUT_HEADERS,
            Self::Timeout { phase: Phase::Body, .. } => code::TIMEOUT_BODY,
            Self::TooSlow { .. } => code::TOO_SLOW,
            Self::HeadersTooLarge => code::HEADERS_TOO_LARGE,
            Self::BadResponse(_) | Self::Untrusted(_) => code::BAD_RESPONSE,
            Self::BadEncoding { .. } | Self::Bomb { .. } => code::BAD_ENCODING,
        }
    }

    /// The class of failure that it is when it is tried again.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Dns(_) => FailureClass::Dns,
            _ => FailureClass::Network,
        }
    }

    /// Whether trying again can't help: it is the URL's end, not a failure.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Blocked(_) | Self::Bomb { .. } | Self::BadUrl(_) | Self::TlsSettings(_))
    }

    /// Whether it is the host that can't be reached, whatever it is asked for.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Dns(_) | Self::Connect(_) | Self::Tls(_) | Self::Proxy { .. })
    }

    /// Whether it says something about the host's load.
    #[must_use]
    pub const fn is_strain(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout { .. } | Self::TooSlow { .. })
    }
}

impl From<ResolveError> for HttpError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Blocked(blocked) => Self::Blocked(blocked),
            other @ ResolveError::NoAddress { .. } => Self::Dns(other),
        }
    }
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        // The URL is in every record beside the error already.
        let error = error.without_url();
        if error.is_builder() {
            return Self::BadUrl(texts(&error).join(": "));
        }
        if cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse_too_large) {
            return Self::HeadersTooLarge;
        }
        Self::BadResponse(error)
    }
}

/// What an error and its causes say.
pub(super) fn texts(error: &(dyn StdError + 'static)) -> Vec<String> {
    causes(error).map(ToString::to_string).collect()
}

/// The first cause of type `E`.
pub(super) fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(<dyn StdError>::downcast_ref)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn StdError + 'static)| error.source())
}
