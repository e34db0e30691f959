//! The numbers of the runtime.

use super::{CircuitSettings, Clock, RetryPolicies};
use crate::{
    broker::{Start, TopicState},
    message::Topic,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// One consumer group: which handlers it runs, and how much of it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Handlers, by name; each brings its topic. A group takes its own name's handler when empty.
    pub handlers: Vec<String>,
    /// Members of the group in this process.
    pub instances: usize,
    /// Messages (or batches) handled at once by one member.
    pub concurrency: usize,
    /// Messages a member holds, waiting ones included.
    pub max_in_flight: usize,
    /// Bytes of records a member holds.
    pub max_in_flight_bytes: usize,
    /// Most messages of a batch.
    pub batch_size: usize,
    /// Longest a message waits for its batch to fill, in milliseconds.
    pub batch_wait_ms: u64,
    /// Longest one call of the handler may take, in milliseconds.
    pub timeout_ms: u64,
    /// Where the group begins when it has committed nothing: `earliest`, `latest`, or an instant.
    pub start: Start,
    /// Begin at `start` whatever was committed: a replay. Set it for one run.
    pub replay: bool,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            handlers: Vec::new(),
            instances: 1,
            concurrency: 64,
            max_in_flight: 1024,
            max_in_flight_bytes: 64 * 1024 * 1024,
            batch_size: 256,
            batch_wait_ms: 25,
            timeout_ms: 600_000,
            start: Start::Earliest,
            replay: false,
        }
    }
}

/// `[groups.<name>]`: what the configuration says of one consumer group. What it leaves out stays as
/// the service has it; a group that no service has begins with [`GroupSettings::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupChanges {
    /// See [`GroupSettings::handlers`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handlers: Option<Vec<String>>,
    /// See [`GroupSettings::instances`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<usize>,
    /// See [`GroupSettings::concurrency`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// See [`GroupSettings::max_in_flight`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<usize>,
    /// See [`GroupSettings::max_in_flight_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight_bytes: Option<usize>,
    /// See [`GroupSettings::batch_size`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// See [`GroupSettings::batch_wait_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_wait_ms: Option<u64>,
    /// See [`GroupSettings::timeout_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// See [`GroupSettings::start`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// See [`GroupSettings::replay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<bool>,
}

impl GroupChanges {
    /// The group `base` with these changes.
    #[must_use]
    pub fn over(&self, base: GroupSettings) -> GroupSettings {
        GroupSettings {
            handlers: self.handlers.clone().unwrap_or(base.handlers),
            instances: self.instances.unwrap_or(base.instances),
            concurrency: self.concurrency.unwrap_or(base.concurrency),
            max_in_flight: self.max_in_flight.unwrap_or(base.max_in_flight),
            max_in_flight_bytes: self.max_in_flight_bytes.unwrap_or(base.max_in_flight_bytes),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            batch_wait_ms: self.batch_wait_ms.unwrap_or(base.batch_wait_ms),
            timeout_ms: self.timeout_ms.unwrap_or(base.timeout_ms),
            start: self.start.unwrap_or(base.start),
            replay: self.replay.unwrap_or(base.replay),
        }
    }
}

/// How often what follows from a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryMode {
    /// Once, and again where a process died before the offset was committed. What is written twice has the same ids, and
    /// whoever keeps something keeps it once.
    #[default]
    AtLeastOnce,
    /// Once: records and offsets are one Kafka transaction.
    ExactlyOnce,
}

/// How transactions are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSettings {
    /// Longest that a message waits for its transaction to begin.
    pub interval: Duration,
    /// Most messages of one transaction.
    pub messages: usize,
    /// The broker calls a transaction off that takes longer than this, and consumers of its records wait until then.
    pub timeout: Duration,
}

impl Default for TransactionSettings {
    fn default() -> Self {
        Self { interval: Duration::from_millis(100), messages: 500, timeout: Duration::from_secs(10) }
    }
}

/// How the loops of a process run.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// Changes to consumer groups, by name, and groups that no service has by itself.
    pub groups: BTreeMap<String, GroupChanges>,
    /// When failed messages are tried again.
    pub retry: RetryPolicies,
    /// When a group stops for failing.
    pub circuit: CircuitSettings,
    /// Partitions of `retry`, which are its delay tiers: as many as the topic has, whatever was asked for.
    pub retry_partitions: i32,
    /// Bytes of records that wait in memory for their due time, in each service's reader of `retry`.
    pub retry_hold_bytes: usize,
    /// What a service whose effects are messages promises.
    pub delivery: DeliveryMode,
    /// How transactions are cut, where delivery is exactly once.
    pub transactions: TransactionSettings,
    /// `Later` waits up to this hold the message in place, longer ones send it through `retry`.
    pub hold_in_place: Duration,
    /// Finished message ids remembered per group.
    pub recent_ids: usize,
    /// Offsets are committed at least this often...
    pub commit_interval: Duration,
    /// ...and after this many finished messages.
    pub commit_every: usize,
    /// How long a rebalance waits for what is in flight.
    pub revoke_timeout: Duration,
    /// How long a shutdown waits for what is in flight.
    pub drain_timeout: Duration,
    /// Names this process among those of its service; empty takes host name and process id.
    pub instance: String,
    /// Whether members keep their partitions over a restart (`group.instance.id`).
    pub static_membership: bool,
    /// Due times are told by it.
    pub clock: Clock,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            retry: RetryPolicies::default(),
            circuit: CircuitSettings::default(),
            retry_partitions: 12,
            retry_hold_bytes: 64 * 1024 * 1024,
            delivery: DeliveryMode::AtLeastOnce,
            transactions: TransactionSettings::default(),
            hold_in_place: Duration::from_secs(5),
            recent_ids: 65_536,
            commit_interval: Duration::from_secs(1),
            commit_every: 1_000,
            revoke_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(25),
            instance: String::new(),
            static_membership: false,
            clock: Clock::System,
        }
    }
}

impl RuntimeSettings {
    /// The settings on topics as they were found. One that was there before may have other partitions than were asked
    /// for, and a record can't wait in one that is not there.
    #[must_use]
    pub fn on(mut self, topics: &BTreeMap<Topic, TopicState>) -> Self {
        if let Some(TopicState::Exists { partitions }) = topics.get(&Topic::Retry) {
            self.retry_partitions = *partitions;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_tiers_are_the_partitions_that_are_there() {
        let found =
            |state| RuntimeSettings::default().on(&BTreeMap::from([(Topic::Retry, state)])).retry_partitions;
        assert_eq!(found(TopicState::Exists { partitions: 3 }), 3);
        assert_eq!(found(TopicState::Created), RuntimeSettings::default().retry_partitions);
    }

    #[test]
    fn what_a_change_leaves_out_stays() {
        let base = GroupSettings { concurrency: 1024, ..GroupSettings::default() };
        let changes: GroupChanges = toml::from_str("instances = 2").unwrap();
        assert_eq!(changes.over(base.clone()), GroupSettings { instances: 2, ..base });
        assert_eq!(toml::to_string(&changes).unwrap(), "instances = 2\n", "only changes are shown");
    }
}
