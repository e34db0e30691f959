//! Where a record waits on `retry`, and for how long at a time.
//!
//! There is one `retry` topic, and its partitions are delay tiers: the records of a partition stay for the same time
//! before they go on, so they come to its head in the order in which they go, and a long delay never stands before a
//! short one. A record waits in the longest tier that is not above its delay, and hops on for the rest. With twelve
//! partitions (the default) the tiers are 1 s, 2 s, 4 s ... 2048 s, so that a delay of an hour hops eleven times at most;
//! more partitions make the tiers wider, fewer make fewer tiers and more hops.

use crate::message::Envelope;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How many tiers there are where there are partitions enough. The longest wait is 2^11 s, the shortest 1 s.
const MOST: i32 = 12;
/// A hop for less than this is not worth the record: it is waited out in place.
const LAST_STRETCH: SignedDuration = SignedDuration::from_secs(1);

/// The partition of `retry` in which a record waits for so long; records of one id spread the same way each time.
#[must_use]
pub fn retry_partition(envelope: &Envelope, delay: Duration, partitions: i32) -> i32 {
    Tiers::new(partitions).partition(delay, envelope.id.0.as_u64_pair().1)
}

/// How the partitions of `retry` share delays out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiers {
    partitions: i32,
}

impl Tiers {
    /// The tiers of a topic of that many partitions.
    pub(super) fn new(partitions: i32) -> Self {
        Self { partitions: partitions.max(1) }
    }

    fn count(self) -> i32 {
        self.partitions.min(MOST)
    }

    /// How long a record stays in a tier, counted from the shortest.
    fn stay(self, tier: i32) -> Duration {
        let exponent = match self.count() {
            // One or two can't do justice to all delays: few hops for long ones, little in the way of short ones.
            1 => 5,
            2 => 2 + tier * 5,
            // Spread evenly from 2^0 to 2^11 s.
            count => (tier * (MOST - 1) + (count - 1) / 2) / (count - 1),
        };
        Duration::from_secs(1 << exponent)
    }

    /// The tier of a partition: the first run of partitions is the shortest.
    fn of(self, partition: i32) -> i32 {
        (partition / self.width()).clamp(0, self.count() - 1)
    }

    fn width(self) -> i32 {
        (self.partitions / MOST).max(1)
    }

    /// The partition where a record with `spread` (a hash of its id) waits out `delay`.
    pub(super) fn partition(self, delay: Duration, spread: u64) -> i32 {
        let tier = (1..self.count()).rev().find(|tier| self.stay(*tier) <= delay).unwrap_or(0);
        let width = u64::try_from(self.width()).unwrap_or(1);
        tier * self.width() + i32::try_from(spread % width).unwrap_or(0)
    }

    /// When a reader lets a record of `partition` go on that it read at `read`: at its due time, or when its tier's time is
    /// over and it hops. Clocks that disagree make it early by their difference at most, and as a record that is not due
    /// stays where it is for a second at least, they make no storm of hops.
    pub(super) fn wake_at(
        self,
        partition: i32,
        not_before: Timestamp,
        produced: Timestamp,
        read: Timestamp,
    ) -> Timestamp {
        let later = |from: Timestamp, by: SignedDuration| from.checked_add(by).unwrap_or(Timestamp::MAX);
        let stay = SignedDuration::try_from(self.stay(self.of(partition))).unwrap_or(SignedDuration::MAX);
        let over = later(produced, stay).max(later(read, LAST_STRETCH));
        if not_before.duration_since(over) > LAST_STRETCH { over } else { not_before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stays(partitions: i32) -> Vec<u64> {
        let tiers = Tiers::new(partitions);
        (0..tiers.count()).map(|tier| tiers.stay(tier).as_secs()).collect()
    }

    #[test]
    fn a_tier_is_a_run_of_partitions_and_what_is_missing_is_hopped_over() {
        assert_eq!(stays(12), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]);
        assert_eq!(stays(6), [1, 4, 16, 128, 512, 2048]);
        assert_eq!((stays(3), stays(2), stays(1)), (vec![1, 64, 2048], vec![4, 128], vec![32]));
        let at = |seconds, partitions| Tiers::new(partitions).partition(Duration::from_secs(seconds), 0);
        assert_eq!(
            [0, 1, 2, 3, 4, 59, 60, 64, 2047, 9999].map(|s| at(s, 12)),
            [0, 0, 1, 1, 2, 5, 5, 6, 10, 11]
        );
        assert_eq!([0, 1, 2, 3, 4, 9999].map(|s| at(s, 30)), [0, 0, 2, 2, 4, 22], "two partitions a tier");
        let wide = Tiers::new(24);
        assert_eq!(wide.partition(Duration::from_secs(2), 3), 3, "the spread stays in the tier");
        assert_eq!([0, 1, 2, 23].map(|partition| wide.of(partition)), [0, 0, 1, 11]);
        assert_eq!(Tiers::new(30).of(29), 11, "what is left over is the longest tier's");
    }

    #[test]
    fn odd_delays_hop() {
        let produced: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let wake = |delay: i64| {
            let tiers = Tiers::new(12);
            let partition = tiers.partition(Duration::from_secs(u64::try_from(delay).unwrap_or(0)), 0);
            let not_before = produced + SignedDuration::from_secs(delay);
            tiers.wake_at(partition, not_before, produced, produced).duration_since(produced).as_secs()
        };
        assert_eq!(
            [137, 17, 34, 0, -5].map(wake),
            [128, 17, 32, 0, -5],
            "a second's rest is waited out in place"
        );
        let read = produced + SignedDuration::from_secs(500);
        let skewed = Tiers::new(12).wake_at(5, produced + SignedDuration::from_secs(560), produced, read);
        assert_eq!(
            skewed.duration_since(read).as_secs(),
            1,
            "a clock that is ahead hops once a second at most"
        );
        let astray = Tiers::new(12).wake_at(11, produced + SignedDuration::from_secs(3), produced, produced);
        assert_eq!(
            astray.duration_since(produced).as_secs(),
            3,
            "a short wait in a long tier still ends in time"
        );
    }

    proptest! {
        /// However many partitions there are: every delay has one of them, and hops come to its end in time.
        #[test]
        fn hops_come_to_an_end_at_the_due_time(partitions in 1..40, delay in 0_u64..90_000, spread: u64) {
            let tiers = Tiers::new(partitions);
            let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let due = start + Duration::from_secs(delay);
            let (mut now, mut hops) = (start, 0);
            while now < due {
                let rest = Duration::try_from(due.duration_since(now)).unwrap();
                let partition = tiers.partition(rest, spread);
                prop_assert!((0..partitions).contains(&partition));
                let next = tiers.wake_at(partition, due, now, now);
                prop_assert!(next > now);
                now = next;
                hops += 1;
            }
            prop_assert_eq!(now, due);
            if partitions >= 12 && delay <= 4_000 {
                prop_assert!(hops <= 12, "{} hops", hops);
            }
        }
    }
}
