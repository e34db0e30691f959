//! Which partitions flow. Two may stop one: the service, for a partition of its choice, and
//! backpressure, for all. librdkafka is told the difference only, so nothing is ever resumed that
//! was not paused.

use super::handover::Level;
use crate::broker::Partition;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How long a full hand-over is waited for before fetching is paused. Pausing throws away what
/// librdkafka has fetched ahead, so it must not happen at every hiccup.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Flow {
    assigned: BTreeSet<Partition>,
    held: BTreeSet<Partition>,
    stopped: BTreeSet<Partition>,
    pressure: Pressure,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pressure {
    #[default]
    None,
    /// Full since then; not paused yet.
    Rising(Instant),
    /// Paused.
    Paused,
}

/// What to tell librdkafka.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) pause: Vec<Partition>,
    pub(super) resume: Vec<Partition>,
}

impl Flow {
    pub(super) fn assign(&mut self, partitions: impl IntoIterator<Item = Partition>) {
        self.assigned.extend(partitions);
    }

    /// Forgets partitions and returns those that are paused: librdkafka remembers a pause beyond
    /// the assignment, so a partition that comes back would stand still.
    pub(super) fn revoke(&mut self, partitions: &[Partition]) -> Vec<Partition> {
        for partition in partitions {
            self.assigned.remove(partition);
            self.held.remove(partition);
        }
        partitions.iter().filter(|partition| self.stopped.remove(partition)).copied().collect()
    }

    pub(super) fn owns(&self, partition: &Partition) -> bool {
        self.assigned.contains(partition)
    }

    pub(super) fn hold(&mut self, partitions: &[Partition], paused: bool) {
        for partition in partitions {
            if paused && self.owns(partition) {
                self.held.insert(*partition);
            } else {
                self.held.remove(partition);
            }
        }
    }

    /// Looks at the hand-over. While it is full and not yet paused, nothing is to be polled until
    /// the returned instant (or until there is room).
    pub(super) fn observe(&mut self, level: Level, now: Instant) -> Option<Instant> {
        self.pressure = match (self.pressure, level) {
            (Pressure::None, Level::Full) => Pressure::Rising(now),
            (Pressure::Rising(since), Level::Full) if now < since + PATIENCE => Pressure::Rising(since),
            (Pressure::Rising(_), Level::Full) => Pressure::Paused,
            (Pressure::Rising(_), Level::Low | Level::Middle) | (_, Level::Low) => Pressure::None,
            (unchanged, _) => unchanged,
        };
        match self.pressure {
            Pressure::Rising(since) => Some(since + PATIENCE),
            Pressure::None | Pressure::Paused => None,
        }
    }

    /// What changed since the last call.
    pub(super) fn change(&mut self) -> Change {
        let wanted =
            if self.pressure == Pressure::Paused { self.assigned.clone() } else { self.held.clone() };
        let change = Change {
            pause: wanted.difference(&self.stopped).copied().collect(),
            resume: self.stopped.difference(&wanted).copied().collect(),
        };
        self.stopped = wanted;
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Topic;

    fn partition(number: i32) -> Partition {
        Partition { topic: Topic::Retry, number }
    }

    fn flow(partitions: std::ops::Range<i32>) -> Flow {
        let mut flow = Flow::default();
        flow.assign(partitions.map(partition));
        flow
    }

    #[test]
    fn only_lasting_pressure_pauses_and_half_empty_resumes() {
        let start = Instant::now();
        let mut flow = flow(0..2);
        assert_eq!(flow.observe(Level::Full, start), Some(start + PATIENCE));
        assert_eq!(flow.observe(Level::Middle, start + PATIENCE / 2), None, "room again: poll on");
        assert_eq!(flow.change(), Change::default());

        flow.observe(Level::Full, start);
        assert_eq!(flow.observe(Level::Full, start + PATIENCE), None, "poll on, paused");
        assert_eq!(flow.change().pause, [partition(0), partition(1)]);
        flow.observe(Level::Middle, start + PATIENCE);
        assert_eq!(flow.change(), Change::default(), "not before half");
        flow.observe(Level::Low, start + PATIENCE);
        assert_eq!(flow.change().resume, [partition(0), partition(1)]);
    }

    #[test]
    fn what_the_service_holds_stays_held_through_pressure() {
        let start = Instant::now();
        let mut flow = flow(0..3);
        flow.hold(&[partition(1), partition(9)], true);
        assert_eq!(flow.change().pause, [partition(1)], "unknown ones are ignored");
        flow.observe(Level::Full, start);
        flow.observe(Level::Full, start + PATIENCE);
        assert_eq!(flow.change().pause, [partition(0), partition(2)]);
        flow.observe(Level::Low, start + PATIENCE);
        assert_eq!(flow.change().resume, [partition(0), partition(2)]);
        flow.hold(&[partition(1)], false);
        assert_eq!(flow.change().resume, [partition(1)]);
    }

    #[test]
    fn new_partitions_inherit_the_pause_and_lost_ones_are_not_resumed() {
        let start = Instant::now();
        let mut flow = flow(0..1);
        flow.observe(Level::Full, start);
        flow.observe(Level::Full, start + PATIENCE);
        flow.change();
        flow.assign([partition(1)]);
        assert_eq!(flow.change().pause, [partition(1)]);
        assert_eq!(flow.revoke(&[partition(0)]), [partition(0)]);
        flow.observe(Level::Low, start + PATIENCE);
        assert_eq!(flow.change().resume, [partition(1)]);
    }
}
