//! When a failed message is tried again, and where it waits.
//!
//! There is one `retry` topic and its partition is the delay tier: the records of a partition have
//! all waited the same time when they come to its head, so a long delay never stands before a short
//! one. A delay between two tiers takes the shorter and hops on for the rest.

use super::FailureClass;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How one class of failures is retried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; then the message is a dead letter.
    pub attempts: u32,
    /// Wait before the second attempt, in milliseconds.
    pub base_ms: u64,
    /// Each further wait is this many times the one before.
    pub factor: f64,
    /// Longest wait, in milliseconds; also bounds what a `Retry-After` may ask for.
    pub cap_ms: u64,
    /// Share of the wait that is drawn at random (1: all of it, "full jitter").
    pub jitter: f64,
}

impl RetryPolicy {
    /// The wait before attempt number `attempt + 1`, when `attempt` attempts have failed.
    #[must_use]
    pub fn delay(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let cap = Duration::from_millis(self.cap_ms);
        if let Some(asked) = retry_after {
            return asked.min(cap);
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let full = (Duration::from_millis(self.base_ms).as_secs_f64() * self.factor.powi(exponent))
            .min(cap.as_secs_f64());
        let jitter = self.jitter.clamp(0.0, 1.0);
        Duration::from_secs_f64(full * (1.0 - jitter * fastrand::f64()))
    }
}

/// The policy of every class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RetryPolicies(BTreeMap<FailureClass, RetryPolicy>);

impl RetryPolicies {
    /// The policy of a class.
    #[must_use]
    pub fn of(&self, class: FailureClass) -> RetryPolicy {
        self.0.get(&class).cloned().unwrap_or_else(|| default_policy(class))
    }

    /// All of them, by class.
    pub fn iter(&self) -> impl Iterator<Item = (FailureClass, RetryPolicy)> {
        FailureClass::ALL.into_iter().map(|class| (class, self.of(class)))
    }
}

impl Default for RetryPolicies {
    fn default() -> Self {
        Self(FailureClass::ALL.into_iter().map(|class| (class, default_policy(class))).collect())
    }
}

fn default_policy(class: FailureClass) -> RetryPolicy {
    let (attempts, base_ms, factor, cap_ms) = match class {
        FailureClass::Network | FailureClass::Server => (4, 1_000, 4.0, 600_000),
        FailureClass::Dns => (3, 2_000, 5.0, 600_000),
        FailureClass::Throttled => (8, 5_000, 2.0, 600_000),
        FailureClass::Storage => (5, 1_000, 4.0, 600_000),
        FailureClass::Message => (1, 0, 1.0, 0),
        FailureClass::Unexpected => (2, 1_000, 4.0, 60_000),
    };
    RetryPolicy { attempts, base_ms, factor, cap_ms, jitter: 0.5 }
}

/// Waits of the tiers, shortest first.
const TIERS: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(60 * 60),
];

/// The partition of `retry` (which has `partitions`) where a record with `spread` (a hash of its
/// id) waits out `delay`: the longest tier not above it. With fewer partitions than tiers some share
/// one; the due-time heap of the reader then keeps the order right.
#[must_use]
pub(super) fn partition_for(delay: Duration, spread: u64, partitions: i32) -> i32 {
    let tier = TIERS.iter().rposition(|tier| *tier <= delay).unwrap_or(0);
    let count = usize::try_from(partitions.max(1)).unwrap_or(1);
    let width = count / TIERS.len();
    let partition = if width == 0 {
        tier % count
    } else {
        tier * width + usize::try_from(spread % u64::try_from(width).unwrap_or(1)).unwrap_or(0)
    };
    i32::try_from(partition).unwrap_or(0)
}

/// When a reader lets a waiting record go on: at its due time, or when its tier's time is over and
/// it hops to a shorter one. Clocks that disagree make it early by their difference at most, and
/// as a record stays where it is for a second at least, they make no storm of hops.
#[must_use]
pub(super) fn wake_at(not_before: Timestamp, produced: Timestamp, read: Timestamp) -> Timestamp {
    let second = SignedDuration::from_secs(1);
    let settled = read.checked_add(second).unwrap_or(Timestamp::MAX);
    let remaining = not_before.duration_since(produced);
    let tier =
        TIERS.iter().rev().find(|tier| SignedDuration::try_from(**tier).is_ok_and(|tier| tier <= remaining));
    match tier.and_then(|tier| produced.checked_add(*tier).ok()).map(|over| over.max(settled)) {
        // A hop for less than a second is not worth the record.
        Some(tier_over) if not_before.duration_since(tier_over) > second => tier_over,
        _ => not_before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_their_cap_and_never_pass_it() {
        let policy = RetryPolicy { attempts: 9, base_ms: 1_000, factor: 4.0, cap_ms: 10_000, jitter: 0.0 };
        let delays: Vec<_> = (1..5).map(|n| policy.delay(n, None).as_millis()).collect();
        assert_eq!(delays, [1_000, 4_000, 10_000, 10_000]);
        let jittered = RetryPolicy { jitter: 1.0, ..policy.clone() };
        assert!((0..100).all(|_| jittered.delay(2, None) <= Duration::from_secs(4)));
        assert_eq!(policy.delay(1, Some(Duration::from_secs(7))), Duration::from_secs(7), "Retry-After wins");
        assert_eq!(policy.delay(1, Some(Duration::from_secs(99))), Duration::from_secs(10), "within the cap");
        assert!(policy.delay(u32::MAX, None) <= Duration::from_secs(10));
    }

    #[test]
    fn a_tier_is_a_run_of_partitions() {
        let at = |seconds, partitions| partition_for(Duration::from_secs(seconds), 0, partitions);
        assert_eq!([0, 1, 4, 5, 29, 60, 120, 601, 9999].map(|s| at(s, 12)), [0, 0, 0, 2, 2, 4, 6, 8, 10]);
        assert_eq!(partition_for(Duration::from_secs(5), 3, 12), 3, "the spread stays in the tier");
        assert!((0..9999).all(|s| at(s, 1) == 0 && at(s, 4) < 4));
    }

    #[test]
    fn odd_delays_hop() {
        let produced: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let wake = |delay: i64| {
            let not_before = produced + SignedDuration::from_secs(delay);
            wake_at(not_before, produced, produced).duration_since(produced).as_secs()
        };
        assert_eq!(wake(137), 120, "two minutes, then the rest");
        assert_eq!(wake(17), 5);
        assert_eq!(wake(31), 31, "a second's rest is waited out in place");
        assert_eq!(wake(0), 0);
        assert_eq!(wake(-5), -5, "long due");
        let read = produced + SignedDuration::from_secs(500);
        let skewed = wake_at(produced + SignedDuration::from_secs(560), produced, read);
        assert_eq!(
            skewed.duration_since(read).as_secs(),
            1,
            "a clock that is ahead hops once a second at most"
        );
    }
}
