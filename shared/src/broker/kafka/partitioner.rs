//! Which partition a record goes to when its sender names none.
//!
//! librdkafka knows most ways by name. Round robin is ours, and a program may register its own under
//! a name that the setting `kafka.producer.partitioner` then gives.

use super::names::Names;
use crate::message::Topic;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// An own way to choose partitions.
///
/// Equal keys must get equal partitions where order per key matters; in Trawl that is politeness,
/// since a host's tasks must meet in one partition.
pub trait Partitioner: Send + Sync {
    /// A partition from 0 to `partitions` - 1. Must not panic.
    fn partition(&self, topic: Topic, key: Option<&[u8]>, partitions: u32) -> u32;
}

/// The ways librdkafka knows.
const BUILT_IN: [&str; 7] =
    ["murmur2_random", "murmur2", "consistent_random", "consistent", "fnv1a_random", "fnv1a", "random"];
/// Ours.
const ROUND_ROBIN: &str = "round_robin";

/// The way that a name stands for.
#[derive(Clone)]
pub(super) enum Choice {
    /// librdkafka's, by its name.
    BuiltIn(&'static str),
    /// One of ours.
    Own(Arc<dyn Partitioner>),
}

/// Looks a name up.
pub(super) fn choose(name: &str, registered: &[(&str, Arc<dyn Partitioner>)]) -> Result<Choice, String> {
    if let Some((_, own)) = registered.iter().find(|(known, _)| *known == name) {
        return Ok(Choice::Own(Arc::clone(own)));
    }
    if name == ROUND_ROBIN {
        return Ok(Choice::Own(Arc::new(RoundRobin::default())));
    }
    BUILT_IN.iter().find(|known| **known == name).map(|known| Choice::BuiltIn(known)).ok_or_else(|| {
        let own = registered.iter().map(|(known, _)| *known);
        let known: Vec<_> = BUILT_IN.into_iter().chain([ROUND_ROBIN]).chain(own).collect();
        format!("kafka.producer.partitioner is {name:?}; known are {}", known.join(", "))
    })
}

/// Each topic's partitions in turn.
#[derive(Default)]
struct RoundRobin([AtomicU32; Topic::ALL.len()]);

impl Partitioner for RoundRobin {
    fn partition(&self, topic: Topic, _: Option<&[u8]>, partitions: u32) -> u32 {
        let turn = Topic::ALL.iter().position(|known| *known == topic).unwrap_or(0);
        self.0[turn].fetch_add(1, Ordering::Relaxed) % partitions.max(1)
    }
}

/// What librdkafka calls back.
pub(super) struct Callback {
    pub(super) names: Names,
    pub(super) own: Arc<dyn Partitioner>,
}

impl rdkafka::producer::Partitioner for Callback {
    fn partition(&self, topic: &str, key: Option<&[u8]>, partitions: i32, _: impl Fn(i32) -> bool) -> i32 {
        let count = u32::try_from(partitions).unwrap_or(0).max(1);
        // The producer sends to our topics only.
        let chosen = self.names.parse(topic).map_or(0, |topic| self.own.partition(topic, key, count));
        i32::try_from(chosen % count).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_robin_takes_turns_in_each_topic() {
        let Ok(Choice::Own(way)) = choose("round_robin", &[]) else { panic!("round_robin is ours") };
        let turns: Vec<_> = (0..4).map(|_| way.partition(Topic::Retry, Some(b"k"), 3)).collect();
        assert_eq!(turns, [0, 1, 2, 0]);
        assert_eq!(way.partition(Topic::DeadLetter, None, 3), 0);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let registered: Arc<dyn Partitioner> = Arc::new(RoundRobin::default());
        let error = choose("murmur", &[("by_country", registered)]).err().unwrap();
        assert!(error.contains("murmur2_random") && error.contains("by_country"), "{error}");
    }
}
