//! Records of `retry` that are read but not due: for each partition a heap by due time, in bounded memory.
//!
//! Records of a partition come due about in the order in which they are read (see [`tiers`](super::tiers)). So a
//! partition that holds its share of the memory is paused: what is behind is due later anyway. It is resumed when half
//! of it has gone, or when all of it is about to go, so that a crowd that comes due at once is read as fast as it goes.

use crate::{
    broker::Partition,
    message::{Delivery, Topic},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap},
};

/// A paused partition needs about a second to flow again (Kafka's client throws away what it had fetched ahead).
const LEAD: SignedDuration = SignedDuration::from_secs(2);
/// What a held record takes besides its bytes: lists of headers, places in heaps.
const OVERHEAD: usize = 512;

/// A record that waits.
pub(super) struct Held {
    /// When it goes on.
    pub(super) wake: Timestamp,
    /// When it is due. Later than `wake` where it hops to a shorter tier.
    pub(super) not_before: Timestamp,
    /// A hash of its id.
    pub(super) spread: u64,
    /// The topic that it goes back to when it is due, where only a partition's owner may handle it.
    pub(super) home: Option<Topic>,
    pub(super) delivery: Delivery,
    pub(super) epoch: u64,
}

/// See the module's doc.
pub(super) struct Hold {
    queues: BTreeMap<Partition, Queue>,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Held>,
    bytes: usize,
    /// When the last of what was read goes on.
    last: Timestamp,
    paused: bool,
}

impl Queue {
    /// Whether what is held is no reason (any more) to leave the rest where it is.
    fn is_about_to_go(&self, now: Timestamp) -> bool {
        self.last.duration_since(now) <= LEAD
    }
}

impl Hold {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { queues: BTreeMap::new(), bytes: 0, max_bytes }
    }

    /// Bytes that one partition may hold ahead of time: together they have half, so that crowds find room besides.
    fn share(&self) -> usize {
        self.max_bytes / 2 / self.queues.len().max(1)
    }

    /// Makes room for a partition that has come.
    pub(super) fn assign(&mut self, partition: Partition) {
        self.queues.insert(partition, Queue::default());
    }

    /// Forgets the records of a partition that is another member's now.
    pub(super) fn forget(&mut self, partition: Partition) {
        if let Some(queue) = self.queues.remove(&partition) {
            self.bytes -= queue.bytes;
        }
    }

    /// Holds a record; `true` when its partition is to be paused.
    pub(super) fn push(&mut self, held: Held, now: Timestamp) -> bool {
        let share = self.share();
        let queue = self.queues.entry(partition_of(&held.delivery)).or_default();
        let cost = cost_of(&held);
        queue.bytes += cost;
        self.bytes += cost;
        queue.last = queue.last.max(held.wake);
        queue.heap.push(held);
        let pauses = !queue.paused && queue.bytes >= share && !queue.is_about_to_go(now);
        queue.paused |= pauses;
        pauses
    }

    /// The next record that goes on by `now`.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Held> {
        let earliest =
            self.queues.values_mut().filter(|queue| !queue.heap.is_empty()).min_by_key(|queue| queue.next());
        let queue = earliest.filter(|queue| queue.next().is_some_and(|next| next <= now))?;
        let held = queue.heap.pop()?;
        let cost = cost_of(&held);
        queue.bytes -= cost;
        self.bytes -= cost;
        Some(held)
    }

    /// The partitions that are to be resumed.
    pub(super) fn resume(&mut self, now: Timestamp) -> Vec<Partition> {
        let share = self.share();
        let ready = self
            .queues
            .iter_mut()
            .filter(|(_, queue)| queue.paused && (queue.bytes <= share / 2 || queue.is_about_to_go(now)));
        let resumed = ready.map(|(partition, queue)| {
            queue.paused = false;
            *partition
        });
        resumed.collect()
    }

    /// When the next record goes on.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.queues.values().filter_map(Queue::next).min()
    }

    /// When a paused partition is to be looked at although no record goes on.
    pub(super) fn next_look(&self) -> Option<Timestamp> {
        let paused = self.queues.values().filter(|queue| queue.paused);
        paused.filter_map(|queue| queue.last.checked_sub(LEAD).ok()).min()
    }

    /// Whether to leave all partitions where they are: the memory is used up, and some of it is free soon.
    pub(super) fn is_full(&self, now: Timestamp) -> bool {
        self.bytes >= self.max_bytes && self.next_due().is_some_and(|due| due.duration_since(now) <= LEAD)
    }

    /// Bytes that are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Queue {
    fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|held| held.wake)
    }
}

fn cost_of(held: &Held) -> usize {
    held.delivery.record.size() + OVERHEAD
}

pub(super) fn partition_of(delivery: &Delivery) -> Partition {
    Partition { topic: delivery.record.topic, number: delivery.partition }
}

/// The heap's top is the earliest, then the oldest.
impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.wake, other.delivery.offset).cmp(&(self.wake, self.delivery.offset))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Headers, Record};
    use bytes::Bytes;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn partition(number: i32) -> Partition {
        Partition { topic: Topic::Retry, number }
    }

    fn at(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    /// A record that costs 1000 bytes.
    fn held(number: i32, offset: i64, wake: i64) -> Held {
        let empty = Record {
            topic: Topic::Retry,
            partition: None,
            key: None,
            headers: Headers::default(),
            payload: Bytes::new(),
        };
        let payload = Bytes::from(vec![0; 1_000 - OVERHEAD - empty.size()]);
        let delivery = Delivery {
            record: Record { payload, ..empty },
            partition: number,
            offset,
            high_watermark: offset + 1,
            timestamp: START,
        };
        Held { wake: at(wake), not_before: at(wake), spread: 0, home: None, delivery, epoch: 0 }
    }

    fn hold(partitions: i32, max_bytes: usize) -> Hold {
        let mut hold = Hold::new(max_bytes);
        (0..partitions).for_each(|number| hold.assign(partition(number)));
        hold
    }

    #[test]
    fn the_earliest_of_all_partitions_goes_first() {
        let mut hold = hold(2, 1 << 20);
        for (number, offset, wake) in [(0, 0, 9), (0, 1, 7), (1, 0, 8), (1, 1, 7)] {
            hold.push(held(number, offset, wake), START);
        }
        assert_eq!((hold.next_due(), hold.bytes()), (Some(at(7)), 4_000));
        assert!(hold.pop_due(at(6)).is_none());
        let order: Vec<_> = std::iter::from_fn(|| hold.pop_due(at(9))).map(|held| held.wake).collect();
        assert_eq!(order, [7, 7, 8, 9].map(at));
        assert_eq!(hold.bytes(), 0);
    }

    #[test]
    fn a_partition_with_its_share_is_paused_until_half_of_it_has_gone() {
        let mut hold = hold(2, 16_000);
        let paused: Vec<_> = (0..6).map(|n| hold.push(held(0, n, 100 + n * 10), START)).collect();
        assert_eq!(
            paused,
            [false, false, false, true, false, false],
            "a quarter of the memory is its share; told once"
        );
        assert!(!hold.push(held(1, 0, 5), START), "the other has its own");
        assert!(hold.resume(at(99)).is_empty());
        assert_eq!(hold.next_look(), Some(at(148)));
        (0..4).for_each(|_| assert!(hold.pop_due(at(130)).is_some()));
        assert!(hold.resume(at(130)).is_empty(), "three are left, the share is four");
        assert!(hold.pop_due(at(130)).is_some());
        assert_eq!(hold.resume(at(130)), [partition(0)]);
        assert!(hold.resume(at(130)).is_empty(), "told once");
    }

    #[test]
    fn a_crowd_that_is_about_to_go_is_no_reason_to_pause() {
        let mut hold = hold(1, 8_000);
        assert!((0..4).any(|n| hold.push(held(0, n, 100), START)), "the fourth fills the share");
        assert_eq!(hold.resume(at(97)), []);
        assert_eq!(hold.resume(at(98)), [partition(0)], "two seconds ahead");
        assert!((4..9).all(|n| !hold.push(held(0, n, 100), at(98))), "more of the crowd");
        assert!(hold.is_full(at(98)), "but not without a bound");
        assert!(!hold.is_full(at(90)), "which is none while nothing goes: pausing has done what can be done");
        hold.forget(partition(0));
        assert_eq!((hold.bytes(), hold.next_due()), (0, None));
    }
}
