//! The whole answer to one request, before HTTP: status, headers that matter to a crawler, body, delay.

use std::time::Duration;

use super::{Fate, Place, Web};

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The `Location` of a redirect.
    pub location: Option<String>,
    /// The `Retry-After` of a 429, in seconds.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the answer takes to begin.
    pub delay: Duration,
}

impl Reply {
    fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, content_type, location: None, retry_after: None, body, delay: Duration::ZERO }
    }

    /// A short page that says what went wrong.
    pub(super) fn error(status: u16, said: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{said}</p></body></html>\n"
        );
        Self::new(status, HTML, page)
    }
}

impl Web {
    /// Whether the answer for a place changes with the number of times it was asked for.
    pub(super) fn counts_attempts(&self, host: u32, place: Place) -> bool {
        matches!(place, Place::Page(page)
            if matches!(self.fate(host, page), Fate::Flaky { .. } | Fate::Throttled))
    }

    /// The answer to the request for `target` (path and query) after `earlier` requests for the same.
    pub fn reply(&self, host: u32, target: &str, earlier: u32) -> Reply {
        let mut reply = match self.find(host, target) {
            Some(place) => self.reply_for(host, place, earlier),
            None => Reply::error(404, "no such page"),
        };
        reply.delay = self.delay(host, target);
        reply
    }

    fn reply_for(&self, host: u32, place: Place, earlier: u32) -> Reply {
        if let Some((status, target_host, target)) = self.next_stop(host, place) {
            let mut reply = Reply::error(status, "it moved");
            // Both spellings are in use: an absolute URL, and a path where the host stays the same.
            let by_path = target_host == host && status == 302;
            reply.location =
                Some(if by_path { self.path(target_host, target) } else { self.url(target_host, target) });
            return reply;
        }
        match place {
            Place::Robots => match self.robots_txt(host) {
                Some(text) => Reply::new(200, TEXT, text),
                None => Reply::error(404, "no robots.txt here"),
            },
            Place::File(number) => {
                Reply::new(200, self.file_kind(host, number).content_type(), self.file_body(host, number))
            }
            Place::Page(page) | Place::Hop { page, .. } => match self.fate(host, page) {
                Fate::Gone(status) => Reply::error(status, "it is gone"),
                Fate::Broken => Reply::error(500, "it never works"),
                Fate::Flaky { status, failures } if earlier < failures => Reply::error(status, "not now"),
                Fate::Throttled if earlier == 0 => {
                    let mut reply = Reply::error(429, "slow down");
                    reply.retry_after = Some(self.settings.profile.retry_after_s);
                    reply
                }
                Fate::Well | Fate::Flaky { .. } | Fate::Throttled | Fate::Moved { .. } => {
                    Reply::new(200, HTML, self.html(host, page))
                }
            },
        }
    }

    /// How long a host takes to answer: its usual time, ten times as long for one target in fifty.
    fn delay(&self, host: u32, target: &str) -> Duration {
        let bound = self.settings.profile.latency_ms;
        if bound == 0 {
            return Duration::ZERO;
        }
        let usual = self.draw("latency", &[host]).between(1, bound);
        let slow = self.draw(target, &[host]).happens(200);
        Duration::from_millis(u64::from(if slow { usual * 10 } else { usual }))
    }
}
