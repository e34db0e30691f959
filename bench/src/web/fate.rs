//! What a request for a page ends in: an answer, a redirect, an error for now or for ever.

use super::{Place, Web};

/// The fate of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there.
    Well,
    /// It answers `status`, and its content is elsewhere, `hops` further redirects away.
    Moved {
        /// 301 or 302.
        status: u16,
        /// Redirects between this one and the page it leads to.
        hops: u32,
        /// The host of the page it leads to.
        host: u32,
        /// The page it leads to, which may itself have moved.
        page: u32,
    },
    /// It answers 404 or 410.
    Gone(u16),
    /// It answers `status` to the first `failures` requests and is well afterwards.
    Flaky {
        /// 500 or 503.
        status: u16,
        /// How many requests fail.
        failures: u32,
    },
    /// It always answers 500.
    Broken,
    /// It answers the first request with 429 and `Retry-After` and is well afterwards.
    Throttled,
}

/// The longest chain of redirects between a page that moved and the page it leads to.
const MOST_HOPS: u32 = 3;

impl Web {
    /// The fate of a page. Roots are always well, so that every host can be entered.
    pub fn fate(&self, host: u32, page: u32) -> Fate {
        if page == 0 {
            return Fate::Well;
        }
        let profile = &self.settings.profile;
        let mut draw = self.draw("fate", &[host, page]);
        let mut dice = draw.below(10_000);
        let mut within = |rate: u32| {
            let hit = dice < rate;
            dice = dice.wrapping_sub(rate);
            hit
        };
        if within(profile.moved) {
            let status = draw.pick(&[301, 302]);
            let hops = if draw.happens(3000) { draw.between(1, MOST_HOPS) } else { 0 };
            let (host, page) = self.forwarding_address(host, page);
            return Fate::Moved { status, hops, host, page };
        }
        if within(profile.gone) {
            return Fate::Gone(draw.pick(&[404, 404, 404, 410]));
        }
        if within(profile.flaky) {
            return Fate::Flaky { status: draw.pick(&[500, 503]), failures: draw.between(1, 2) };
        }
        if within(profile.broken) {
            return Fate::Broken;
        }
        if within(profile.throttled) {
            return Fate::Throttled;
        }
        Fate::Well
    }

    /// Where a page that moved leads. The page number always falls, so every chain of moved pages ends.
    fn forwarding_address(&self, host: u32, page: u32) -> (u32, u32) {
        let mut draw = self.draw("forwarding", &[host, page]);
        let other = draw.below(self.hosts());
        let target = if draw.happens(1000) { other } else { host };
        (target, draw.below(page.min(self.pages_of(target))))
    }

    /// Whether a page that moved has a stop with `left` stops ahead.
    pub(super) fn has_hop(&self, host: u32, page: u32, left: u32) -> bool {
        page < self.pages_of(host)
            && matches!(self.fate(host, page), Fate::Moved { hops, .. } if (1..=hops).contains(&left))
    }

    /// Where a page that moved, or one of its stops, sends the client next.
    pub(super) fn next_stop(&self, host: u32, place: Place) -> Option<(u16, u32, Place)> {
        let page = match place {
            Place::Page(page) | Place::Hop { page, .. } => page,
            Place::Robots | Place::File(_) => return None,
        };
        let Fate::Moved { status, hops, host: target_host, page: target } = self.fate(host, page) else {
            return None;
        };
        let ahead = match place {
            Place::Hop { left, .. } => left - 1,
            _ => hops,
        };
        Some(match ahead {
            0 => (status, target_host, Place::Page(target)),
            left => (status, host, Place::Hop { page, left }),
        })
    }
}
