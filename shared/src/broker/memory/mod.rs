//! The in-process broker: topics, partitions, consumer groups, commits and redelivery of what was
//! not committed. Product code: the embedded default. Records live in memory only; over a restart
//! the truth is the frontier's database.

mod consumer;
mod group;
mod log;

use self::{consumer::MemoryConsumer, group::Group, log::Log};
use super::{
    Broker, BrokerError, Confirmation, Connection, Consumer, Partition, Position, Producer, SendError,
    Subscription, TopicSpec, TopicState,
};
use crate::{
    clock::Clock,
    message::{Record, Topic},
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// How long records are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// Until every group that reads the topic has committed past them: bounded memory.
    UntilConsumed {
        /// Bytes one topic may hold before producers wait. `retry` and `dead-letter` are exempt: a
        /// record that waits there is what frees the others.
        max_topic_bytes: usize,
    },
    /// For ever, so that topics can be replayed.
    #[default]
    Forever,
}

/// An in-process broker; clones share it.
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

struct Shared {
    retention: Retention,
    clock: Clock,
    revoke_timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<Topic, Vec<Log>>,
    groups: HashMap<String, Group>,
    /// Who is woken when a topic grows.
    readers: HashMap<Topic, Vec<(u64, Arc<Notify>)>>,
    next_member: u64,
}

/// How long a rebalance waits for a member to finish what is in flight.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(20);

impl Memory {
    /// An empty broker.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self::with_clock(retention, Clock::System)
    }

    /// An empty broker that dates its records by this clock, so that a test which moves time moves them as well.
    #[must_use]
    pub fn with_clock(retention: Retention, clock: Clock) -> Self {
        Self(Arc::new(Shared { retention, clock, revoke_timeout: REVOKE_TIMEOUT, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves no invariant broken: every change is one step.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the topics that are not there, each with so many partitions, but at least one: all that a topic in memory
    /// is made of.
    pub fn make_topics(&self, partitions: impl Fn(Topic) -> i32) {
        let mut state = self.state();
        for topic in Topic::ALL {
            state.make_topic(topic, partitions(topic));
        }
    }

    /// Every record a topic still holds, partition by partition: for tests and inspection.
    #[must_use]
    pub fn records(&self, topic: Topic) -> Vec<Record> {
        let state = self.state();
        state.topics.get(&topic).into_iter().flatten().flat_map(Log::records).cloned().collect()
    }

    /// What a group has committed of a partition.
    #[must_use]
    pub fn committed(&self, group: &str, partition: Partition) -> Option<i64> {
        self.state().groups.get(group)?.committed.get(&partition).map(|commit| commit.offset)
    }

    /// Records of `topic` that some group has not committed yet.
    #[must_use]
    pub fn backlog(&self, group: &str, topic: Topic) -> u64 {
        let state = self.state();
        let logs = state.topics.get(&topic).into_iter().flatten();
        let group = state.groups.get(group);
        logs.enumerate()
            .map(|(number, log)| {
                let partition = Partition { topic, number: i32::try_from(number).unwrap_or(i32::MAX) };
                let committed =
                    group.and_then(|group| group.committed.get(&partition)).map_or(log.start(), |c| c.offset);
                u64::try_from(log.end() - committed).unwrap_or(0)
            })
            .sum()
    }
}

impl State {
    fn make_topic(&mut self, topic: Topic, partitions: i32) -> TopicState {
        if let Some(logs) = self.topics.get(&topic) {
            return TopicState::Exists { partitions: i32::try_from(logs.len()).unwrap_or(i32::MAX) };
        }
        let logs = (0..partitions.max(1)).map(|_| Log::default()).collect();
        self.topics.insert(topic, logs);
        TopicState::Created
    }

    fn log_mut(&mut self, partition: Partition) -> Option<&mut Log> {
        self.topics.get_mut(&partition.topic)?.get_mut(usize::try_from(partition.number).ok()?)
    }

    fn partitions(&self, topics: &[Topic]) -> Vec<Partition> {
        let count = |topic: &Topic| self.topics.get(topic).map_or(0, Vec::len);
        topics
            .iter()
            .flat_map(|topic| {
                (0..count(topic)).map(|number| Partition {
                    topic: *topic,
                    number: i32::try_from(number).unwrap_or(i32::MAX),
                })
            })
            .collect()
    }

    /// Forgets the records of `partition` that every group reading it has committed past.
    fn trim(&mut self, partition: Partition) {
        let consumed = self
            .groups
            .values()
            .filter(|group| group.topics.contains(&partition.topic))
            .map(|group| group.committed.get(&partition).map_or(0, |commit| commit.offset))
            .min();
        if let (Some(consumed), Some(log)) = (consumed, self.log_mut(partition)) {
            log.trim(consumed);
        }
    }

    fn append(
        &mut self,
        record: Record,
        at: Timestamp,
        retention: Retention,
    ) -> Result<Position, (SendError, Record)> {
        let topic = record.topic;
        let Some(logs) = self.topics.get_mut(&topic) else {
            return Err((SendError::NoTopic(topic.to_string()), record));
        };
        if let Retention::UntilConsumed { max_topic_bytes } = retention {
            let exempt = matches!(topic, Topic::Retry | Topic::DeadLetter);
            // An empty topic takes any record, or one above the bound could never pass.
            let held: usize = logs.iter().map(Log::bytes).sum();
            if !exempt && held > 0 && held + record.size() > max_topic_bytes {
                return Err((SendError::Full, record));
            }
        }
        let number = match record.partition {
            Some(number) if usize::try_from(number).is_ok_and(|n| n < logs.len()) => number,
            Some(number) => {
                return Err((SendError::NoTopic(format!("{topic}, partition {number},")), record));
            }
            None => log::partition_of(record.key.as_deref(), logs.len()),
        };
        let offset = logs[usize::try_from(number).unwrap_or(0)].append(at, record);
        for (_, reader) in self.readers.get(&topic).into_iter().flatten() {
            reader.notify_one();
        }
        Ok(Position { partition: Partition { topic, number }, offset })
    }
}

#[async_trait]
impl Producer for Memory {
    fn enqueue(&self, record: Record) -> Result<Confirmation, (SendError, Record)> {
        let position = self.state().append(record, self.0.clock.now(), self.0.retention)?;
        Ok(Box::pin(std::future::ready(Ok(position))))
    }

    async fn flush(&self, _: Duration) -> Result<(), SendError> {
        Ok(())
    }
}

#[async_trait]
impl Broker for Memory {
    fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(self.clone())
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(MemoryConsumer::join(self.clone(), subscription)))
    }

    async fn ensure_topics(
        &self,
        topics: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, TopicState>, BrokerError> {
        let mut state = self.state();
        Ok(topics.iter().map(|(topic, spec)| (*topic, state.make_topic(*topic, spec.partitions))).collect())
    }

    fn connection(&self) -> Connection {
        Connection::Up
    }
}
