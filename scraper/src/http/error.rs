//! Why an exchange gave no answer, in the terms the pipeline needs.

use crate::{address::Blocked, resolve::ResolveError};
use std::{error::Error as StdError, io, time::Duration};
use trawl_shared::{model::code, runtime::FailureClass};

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address guard refused.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The name has no address.
    #[error("the host name can't be resolved")]
    Dns(#[source] reqwest::Error),
    /// Nobody listens, or the network does not lead there.
    #[error("no connection could be made")]
    Connect(#[source] reqwest::Error),
    /// The handshake failed.
    #[error("TLS could not be negotiated")]
    Tls(#[source] reqwest::Error),
    /// Time ran out.
    #[error("timed out after {} ms while {phase}", after.as_millis())]
    Timeout {
        /// The bound.
        after: Duration,
        /// What was going on.
        phase: &'static str,
    },
    /// The answer broke off or is not HTTP.
    #[error("the answer broke off or is not HTTP")]
    BadResponse(#[source] reqwest::Error),
    /// The body is not in the coding its headers name.
    #[error("the body can't be decoded as {coding}")]
    BadEncoding {
        /// The value of `Content-Encoding`.
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
            Self::Tls(_) => code::TLS_FAILED,
            Self::Timeout { .. } => code::TIMEOUT_HEADERS,
            Self::BadResponse(_) => code::BAD_RESPONSE,
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
        matches!(self, Self::Blocked(_) | Self::Bomb { .. })
    }

    /// Sorts what reqwest says while `phase` was going on.
    pub(super) fn from_reqwest(error: reqwest::Error, bound: Duration, phase: &'static str) -> Self {
        // The URL is in every record beside the error already.
        let error = error.without_url();
        if let Some(ResolveError::Blocked(blocked)) = cause::<ResolveError>(&error) {
            return Self::Blocked(blocked.clone());
        }
        if error.is_dns() || error.is_builder() {
            // A builder error is a host that WHATWG lets pass and that no resolver could be asked for.
            Self::Dns(error)
        } else if cause::<rustls::Error>(&error).is_some() {
            Self::Tls(error)
        } else if error.is_timeout() {
            Self::Timeout { after: bound, phase }
        } else if error.is_connect() {
            Self::Connect(error)
        } else {
            Self::BadResponse(error)
        }
    }
}

/// The first cause of type `E`, also where an `io::Error` carries it.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
