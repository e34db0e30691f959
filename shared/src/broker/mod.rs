//! The seam to the broker: two small traits, their errors, and the adapters behind them.
//!
//! [`Producer`] and [`Consumer`] are all the runtime knows of a broker. `Memory` is product code
//! (the embedded default); `Kafka` is behind the feature `kafka`. One conformance suite holds every
//! adapter to the same behaviour.

mod error;
pub mod memory;

#[cfg(feature = "kafka")]
pub mod kafka;

#[cfg(feature = "testing")]
pub mod conformance;

pub use error::{BrokerError, SendError, TransactionError};

use crate::message::{Delivery, Record, Topic};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A topic and one of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// Topic.
    pub topic: Topic,
    /// Partition number, from 0.
    pub number: i32,
}

/// Where a produced record landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: i64,
}

/// What a group has finished of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Partition.
    pub partition: Partition,
    /// The next offset to read: everything below is finished.
    pub offset: i64,
    /// At most 3 KiB the group wants to find again with the offset (what is finished above it).
    pub metadata: String,
}

/// Resolves once the broker has (or has not) taken a record.
pub type Confirmation = BoxFuture<'static, Result<Position, SendError>>;

/// Writes records.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Producer: Send + Sync {
    /// Queues a record and returns at once; the confirmation resolves when the broker has
    /// acknowledged it (`acks=all`). Records enqueued one after the other for one partition arrive
    /// in that order.
    ///
    /// # Errors
    /// [`SendError::Full`] when the queue's bound is reached: wait for a confirmation, try again.
    /// The record comes back.
    fn enqueue(&self, record: Record) -> Result<Confirmation, (SendError, Record)>;

    /// Waits until every queued record is confirmed or failed, at most `timeout`.
    ///
    /// # Errors
    /// [`SendError::Timeout`] when some are still queued.
    async fn flush(&self, timeout: Duration) -> Result<(), SendError>;
}

/// Sends one record and waits for the acknowledgement; waits for room where the queue is full.
///
/// # Errors
/// What the broker said; never [`SendError::Full`].
pub async fn send(producer: &dyn Producer, record: Record) -> Result<Position, SendError> {
    queue(producer, record).await?.await
}

/// Sends records in order, pipelined, and waits for all acknowledgements.
///
/// # Errors
/// The first failure; records behind it may or may not have been taken.
pub async fn send_all(producer: &dyn Producer, records: Vec<Record>) -> Result<(), SendError> {
    let mut confirmations = Vec::with_capacity(records.len());
    for record in records {
        confirmations.push(queue(producer, record).await?);
    }
    for confirmation in confirmations {
        confirmation.await?;
    }
    Ok(())
}

/// How long a sender waits before it looks for room again in a full queue.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(5);

/// Queues one record; waits for room where the queue is full.
///
/// # Errors
/// As [`Producer::enqueue`]; never [`SendError::Full`].
pub async fn queue(producer: &dyn Producer, mut record: Record) -> Result<Confirmation, SendError> {
    loop {
        match producer.enqueue(record) {
            Ok(confirmation) => return Ok(confirmation),
            Err((SendError::Full, back)) => record = back,
            Err((error, _)) => return Err(error),
        }
        tokio::time::sleep(FULL_QUEUE_WAIT).await;
    }
}

/// What a consumer tells.
#[derive(Debug)]
pub enum Event {
    /// Records, in order within each partition. Never empty.
    Records(Vec<Delivery>),
    /// Partitions that are this member's from now on, with what the group had committed of each.
    /// None at all when the member has joined and there are more members than partitions.
    Assigned(Vec<(Partition, Option<Commit>)>),
    /// Partitions that are about to go (or are gone, when `lost`). The member finishes or abandons
    /// what is in flight, commits, then drops (or calls) `done`; the group waits for it, bounded by
    /// half a session timeout.
    Revoked {
        /// Which.
        partitions: Vec<Partition>,
        /// Whether another member may own them already: then nothing may be committed.
        lost: bool,
        /// Dropping it lets the rebalance go on.
        done: RevokeGuard,
    },
}

/// Holds a rebalance until it is dropped.
#[derive(Debug)]
pub struct RevokeGuard(
    #[expect(dead_code, reason = "its drop is the message")] Option<tokio::sync::oneshot::Sender<()>>,
);

impl RevokeGuard {
    /// A guard, and what resolves when it is dropped.
    #[must_use]
    pub fn new() -> (Self, tokio::sync::oneshot::Receiver<()>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    /// A guard nobody waits for.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }
}

/// Reads records as one member of a consumer group.
///
/// A member that does not call [`Consumer::next`] gets no more records (the adapter holds a bounded
/// number and then pauses), but stays in its group.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Consumer: Send + Sync {
    /// The next event. Cancel-safe: a future that is dropped loses nothing.
    ///
    /// # Errors
    /// Only what can't be healed by waiting; connection loss is retried inside for ever.
    async fn next(&self) -> Result<Event, BrokerError>;

    /// The next event that is not [`Event::Records`]; records stay where they are. For a member that has no room for
    /// more: what becomes of its partitions concerns it all the same. Cancel-safe.
    ///
    /// # Errors
    /// As [`Consumer::next`].
    async fn next_rebalance(&self) -> Result<Event, BrokerError>;

    /// Makes what is finished durable. Offsets of partitions that are no longer this member's are
    /// ignored.
    ///
    /// # Errors
    /// When the broker did not take it; a later commit covers the same ground.
    async fn commit(&self, commits: Vec<Commit>) -> Result<(), BrokerError>;

    /// Stops (or resumes) the flow of single partitions; unknown ones are ignored. Records that were
    /// on their way may still come.
    async fn set_paused(&self, partitions: Vec<Partition>, paused: bool) -> Result<(), BrokerError>;

    /// Leaves the group and frees the connection; what was not committed is delivered again.
    async fn close(&self);
}

/// Writes records and commits the offsets of the messages that they follow from, all of it or nothing.
///
/// It belongs to one [`Consumer`], and what it writes can be read once it is committed.
pub trait Transactions: Send + Sync {
    /// Writes a transaction. One at a time. It is refused where a rebalance happened that the consumer has not told yet
    /// when this is called: the offsets may be another member's.
    ///
    /// The future does not stop half-way: a transaction that is called off is over when it resolves.
    fn write(
        &self,
        records: Vec<Record>,
        commits: Vec<Commit>,
    ) -> BoxFuture<'static, Result<(), TransactionError>>;
}

/// Under which name transactions are written.
#[derive(Clone, Debug)]
pub struct TransactionalId {
    /// Stable over restarts and unique among those that run, without any prefix: who comes later under the same name
    /// calls off what the one before left open, and shuts him out.
    pub id: String,
    /// How long a transaction may take before the broker calls it off.
    pub timeout: Duration,
}

/// Where a group without committed offsets begins. As text: `earliest`, `latest`, or an instant in
/// RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Start {
    /// With the oldest record.
    #[default]
    Earliest,
    /// With the next record.
    Latest,
    /// With the first record at or after this instant.
    Timestamp(Timestamp),
}

impl TryFrom<String> for Start {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            instant => instant.parse().map(Self::Timestamp).map_err(|_| {
                format!("{instant:?} is no place to start: earliest, latest, or an instant such as 2026-11-21T08:00:00Z")
            }),
        }
    }
}

impl From<Start> for String {
    fn from(start: Start) -> Self {
        match start {
            Start::Earliest => "earliest".to_owned(),
            Start::Latest => "latest".to_owned(),
            Start::Timestamp(instant) => instant.to_string(),
        }
    }
}

/// What a consumer wants to read.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The consumer group, without any prefix.
    pub group: String,
    /// Topics.
    pub topics: Vec<Topic>,
    /// Where to begin.
    pub start: Start,
    /// Replay: begin at `start` even where the group has committed offsets.
    pub replay: bool,
    /// Names this member for static membership: a member that comes back under the same name within
    /// the session timeout gets its partitions back without a rebalance.
    pub instance: Option<String>,
}

impl Subscription {
    /// A group that reads `topics` from the beginning or where it left off.
    #[must_use]
    pub fn new(group: impl Into<String>, topics: impl Into<Vec<Topic>>) -> Self {
        Self {
            group: group.into(),
            topics: topics.into(),
            start: Start::Earliest,
            replay: false,
            instance: None,
        }
    }
}

/// How a topic is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Partitions.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
    /// How long records are kept, at least.
    pub retention: Duration,
    /// Largest record, in bytes.
    pub max_message_bytes: usize,
}

/// What became of a topic in [`Broker::ensure_topics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicState {
    /// It was made.
    Created,
    /// It was there.
    Exists {
        /// Its partitions.
        partitions: i32,
    },
}

/// Whether the broker can be reached, for readiness and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Connected.
    #[default]
    Up,
    /// Not connected, and why.
    Down(String),
}

/// A broker: hands out producers and consumers.
#[async_trait]
pub trait Broker: Send + Sync {
    /// The producer; all callers share its connections.
    fn producer(&self) -> Arc<dyn Producer>;

    /// Joins a group.
    ///
    /// # Errors
    /// When the settings are refused. A broker that can't be reached is waited for.
    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError>;

    /// Joins a group whose offsets are committed in transactions. Returns when nothing of an earlier owner of the name is
    /// open any more.
    ///
    /// # Errors
    /// As [`Broker::subscribe`], and where the broker has no transactions.
    async fn subscribe_with_transactions(
        &self,
        subscription: Subscription,
        name: TransactionalId,
    ) -> Result<(Box<dyn Consumer>, Arc<dyn Transactions>), BrokerError> {
        Err(BrokerError::Settings(format!(
            "this broker has no transactions, which {} of group {} would need: only Kafka can deliver exactly once",
            name.id, subscription.group
        )))
    }

    /// Makes missing topics where allowed, checks the others.
    ///
    /// # Errors
    /// When a topic is missing and may not be made, or the broker can't be reached in time.
    async fn ensure_topics(
        &self,
        topics: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, TopicState>, BrokerError>;

    /// Whether it can be reached.
    fn connection(&self) -> Connection;
}
