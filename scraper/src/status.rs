//! What each HTTP status means for a crawl: the one table.

use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// What is done about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The body is the page.
    Page,
    /// The URL stands for the one in `Location`.
    Redirect,
    /// The site will not give the page; asking again changes nothing.
    Gone,
    /// The site could not answer this time.
    Retry,
    /// The site asks for fewer requests: the host slows down, and the page is asked for again.
    Throttled,
    /// The page is as it was; only who asked for a newer one may be told so.
    Unchanged,
    /// Not an answer to the request that was sent.
    Nonsense,
}

/// The policy for `status`.
#[must_use]
pub const fn policy(status: u16) -> Policy {
    match status {
        200..=299 => Policy::Page,
        304 => Policy::Unchanged,
        300..=399 => Policy::Redirect,
        // The request took too long to arrive, or came too early in the connection.
        408 | 425 => Policy::Retry,
        // The host is asked less often from now on; it is no fault of the page.
        429 | 503 => Policy::Throttled,
        400..=499 => Policy::Gone,
        500..=599 => Policy::Retry,
        _ => Policy::Nonsense,
    }
}

/// Reads `Retry-After`, seconds or an HTTP date; a date that is past asks for no wait.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::from(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_policy() {
        for (statuses, expected) in [
            (&[200, 204, 206, 299][..], Policy::Page),
            (&[300, 301, 302, 303, 307, 308], Policy::Redirect),
            (&[400, 401, 403, 404, 410, 451], Policy::Gone),
            (&[408, 425, 500, 502, 504, 599], Policy::Retry),
            (&[429, 503], Policy::Throttled),
            (&[304], Policy::Unchanged),
            (&[0, 100, 101, 199, 600, 999], Policy::Nonsense),
        ] {
            for status in statuses {
                assert_eq!(policy(*status), expected, "{status}");
            }
        }
    }

    #[test]
    fn retry_after_has_two_forms() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Thu, 01 Jan 2026 00:01:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Wed, 31 Dec 2025 00:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("-5", now), None);
        assert_eq!(retry_after("soon", now), None);
    }
}
