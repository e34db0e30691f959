//! Records that are read but not due: a heap by due time, bounded per partition.

use crate::{broker::Partition, message::Delivery};
use jiff::Timestamp;
use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
};

/// Most records of one partition that are held; beyond it the partition is paused. Records of a
/// partition have the same tier, so those behind are due later anyway.
pub(super) const MAX_HELD: usize = 1_000;

pub(super) struct Held {
    pub(super) due: Timestamp,
    pub(super) delivery: Delivery,
    pub(super) epoch: u64,
}

/// See the module's doc.
#[derive(Default)]
pub(super) struct Hold {
    heap: BinaryHeap<Held>,
    counts: HashMap<Partition, usize>,
}

impl Hold {
    /// Holds a record; `true` when its partition is full from now on.
    pub(super) fn push(&mut self, held: Held) -> bool {
        let count = self.counts.entry(partition_of(&held.delivery)).or_default();
        *count += 1;
        let full = *count == MAX_HELD;
        self.heap.push(held);
        full
    }

    /// The next due time.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.heap.peek().map(|held| held.due)
    }

    /// The next record that is due at `now`, and whether its partition has room again.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Held, bool)> {
        if self.next_due()? > now {
            return None;
        }
        let held = self.heap.pop()?;
        let count = self.counts.entry(partition_of(&held.delivery)).or_default();
        *count = count.saturating_sub(1);
        Some((held, *count == MAX_HELD / 2))
    }

    /// Forgets the records of a partition that is another member's now.
    pub(super) fn forget(&mut self, partition: Partition) {
        self.heap.retain(|held| partition_of(&held.delivery) != partition);
        self.counts.remove(&partition);
    }
}

pub(super) fn partition_of(delivery: &Delivery) -> Partition {
    Partition { topic: delivery.record.topic, number: delivery.partition }
}

/// The heap's top is the earliest due, then the oldest.
impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.delivery.offset).cmp(&(self.due, self.delivery.offset))
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
