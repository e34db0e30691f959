//! Whether and when a job's pages are fetched again. The rule is pure; the store keeps each page's interval.

use serde::{Deserialize, Serialize};

/// Shortest interval between two fetches of a page, in milliseconds.
pub const MIN_INTERVAL_MS: u64 = 1_000;

/// When pages are fetched again, each from the end of its last fetch on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recrawl {
    /// Time between two fetches of a page, in milliseconds; for an adaptive schedule, the first one.
    pub every_ms: u64,
    /// Follow how often each page changes; none for a fixed interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<Adaptive>,
}

/// How an interval follows a page: it shrinks when the page had changed and grows when it had not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adaptive {
    /// Shortest interval, in milliseconds.
    pub min_ms: u64,
    /// Longest interval, in milliseconds.
    pub max_ms: u64,
    /// What an unchanged page's interval grows by, in percent of itself.
    pub grow_percent: u32,
    /// What a changed page's interval shrinks by, in percent of itself; below 100.
    pub shrink_percent: u32,
}

const HOUR_MS: u64 = 3_600_000;

impl Default for Adaptive {
    fn default() -> Self {
        Self { min_ms: HOUR_MS, max_ms: 90 * 24 * HOUR_MS, grow_percent: 40, shrink_percent: 20 }
    }
}

impl Recrawl {
    /// The same interval for all pages, whatever they do.
    #[must_use]
    pub fn every(every_ms: u64) -> Self {
        Self { every_ms: every_ms.max(MIN_INTERVAL_MS), adaptive: None }
    }

    /// The interval until the next fetch, in milliseconds. `last_ms` is the interval before this fetch
    /// (none for a page's first), `changed` whether it found the page changed.
    #[must_use]
    pub fn next_ms(&self, last_ms: Option<u64>, changed: bool) -> u64 {
        let Some(adaptive) = &self.adaptive else { return self.every_ms.max(MIN_INTERVAL_MS) };
        let next = match last_ms {
            None => self.every_ms,
            Some(last) if changed => percent(last, 100 - u64::from(adaptive.shrink_percent.min(99))),
            Some(last) => percent(last, 100 + u64::from(adaptive.grow_percent)),
        };
        let least = adaptive.min_ms.max(MIN_INTERVAL_MS);
        next.clamp(least, adaptive.max_ms.max(least))
    }
}

fn percent(number: u64, percent: u64) -> u64 {
    u64::try_from(u128::from(number) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fixed_interval_stays() {
        let recrawl = Recrawl::every(HOUR_MS);
        assert_eq!(recrawl.next_ms(None, true), HOUR_MS);
        assert_eq!(recrawl.next_ms(Some(5 * HOUR_MS), false), HOUR_MS);
        assert_eq!(Recrawl::every(1).next_ms(None, true), MIN_INTERVAL_MS);
    }

    #[test]
    fn an_adaptive_one_follows_the_page_within_its_bounds() {
        let adaptive = Adaptive { min_ms: 8 * HOUR_MS, max_ms: 12 * HOUR_MS, ..Adaptive::default() };
        let recrawl = Recrawl { every_ms: 10 * HOUR_MS, adaptive: Some(adaptive) };
        let first = recrawl.next_ms(None, false);
        assert_eq!(first, 10 * HOUR_MS);
        assert_eq!(recrawl.next_ms(Some(first), true), 8 * HOUR_MS);
        assert_eq!(recrawl.next_ms(Some(8 * HOUR_MS), true), 8 * HOUR_MS, "the lower bound");
        assert_eq!(recrawl.next_ms(Some(8 * HOUR_MS), false), 8 * HOUR_MS * 14 / 10);
        assert_eq!(recrawl.next_ms(Some(first), false), 12 * HOUR_MS, "the upper bound");
    }

    proptest! {
        #[test]
        fn no_interval_leaves_its_bounds(every_ms: u64, last: Option<u64>, changed: bool, min_ms: u64,
                                         max_ms: u64, grow_percent: u32, shrink_percent: u32) {
            let adaptive = Adaptive { min_ms, max_ms, grow_percent, shrink_percent };
            let next = Recrawl { every_ms, adaptive: Some(adaptive) }.next_ms(last, changed);
            prop_assert!(next >= min_ms.max(MIN_INTERVAL_MS));
            prop_assert!(next <= max_ms.max(min_ms).max(MIN_INTERVAL_MS));
        }
    }
}
