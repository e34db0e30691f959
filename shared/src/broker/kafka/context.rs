//! What a consumer's callbacks and its poll thread share. Both run on the poll thread: the callbacks
//! are called from within `poll`.

use super::{
    commits::{self, Commits},
    flow::Flow,
    handover::Handover,
    names::Names,
    poll_thread::Command,
    status::{Statistics, Status},
};
use crate::broker::{BrokerError, Partition, Subscription};
use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode as Code,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};

/// What does not change over a member's life.
pub(super) struct Member {
    pub(super) names: Names,
    pub(super) status: Arc<Status>,
    pub(super) handover: Arc<Handover>,
    pub(super) subscription: Subscription,
    /// How long a rebalance waits for what is in flight.
    pub(super) revoke_patience: Duration,
    pub(super) offsets: Offsets,
}

/// How the offsets of a member are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offsets {
    /// By themselves. Where they can't be read, messages are handled again.
    Committed,
    /// In transactions. Where they can't be read, nothing is handled.
    InTransactions,
}

/// The context of a [`BaseConsumer`].
pub(super) struct Context {
    pub(super) member: Member,
    /// Only the poll thread locks it, and never over a call that may call back.
    state: Mutex<State>,
}

pub(super) struct State {
    commands: mpsc::Receiver<Command>,
    pub(super) flow: Flow,
    /// Partitions whose replay has begun: they come back where they were committed.
    pub(super) replayed: HashSet<Partition>,
    high_watermarks: HashMap<Partition, i64>,
    commits: Commits,
    /// The handle was closed or dropped.
    closed: bool,
    failure: Option<BrokerError>,
}

impl Context {
    pub(super) fn new(member: Member, commands: mpsc::Receiver<Command>) -> Self {
        let state = State {
            commands,
            flow: Flow::default(),
            replayed: HashSet::new(),
            high_watermarks: HashMap::new(),
            commits: Commits::default(),
            closed: false,
            failure: None,
        };
        Self { member, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// From now on nobody listens: rebalances do not wait for the service.
    pub(super) fn close(&self) {
        self.state().closed = true;
    }

    /// Nothing helps any more: the poll thread is to end with this.
    pub(super) fn fail(&self, error: BrokerError) {
        self.state().failure = Some(error);
    }

    /// Why the poll thread is to end, if it is.
    pub(super) fn end(&self) -> Option<BrokerError> {
        let mut state = self.state();
        state
            .failure
            .take()
            .or_else(|| state.closed.then(|| BrokerError::Fatal("the consumer is closed".to_owned())))
    }

    /// Whether commits wait to be tried again.
    pub(super) fn has_commits(&self) -> bool {
        self.state().commits.due().is_some()
    }

    pub(super) fn high_watermark(&self, partition: Partition) -> Option<i64> {
        self.state().high_watermarks.get(&partition).copied()
    }

    /// Does what the handle asks, waiting up to `wait` for the first command, then whatever commits
    /// are due.
    pub(super) fn serve(&self, consumer: &BaseConsumer<Self>, wait: Duration) {
        let mut state = self.state();
        let mut next = if wait.is_zero() {
            state.commands.try_recv().ok()
        } else {
            let due = state.commits.due();
            let wait = due.map_or(wait, |due| wait.min(due.saturating_duration_since(Instant::now())));
            state.commands.recv_timeout(wait).ok()
        };
        while let Some(command) = next {
            match command {
                Command::Commit { commits, reply } => state.commits.add(commits, reply),
                Command::SetPaused { partitions, paused, reply } => {
                    state.flow.hold(&partitions, paused);
                    self.apply(consumer, &mut state);
                    let _ = reply.send(());
                }
                Command::GroupMetadata { known, reply } => {
                    let is_known = self.member.handover.rebalances() == known;
                    let _ = reply.send(consumer.group_metadata().filter(|_| is_known));
                }
                Command::Room => {}
                Command::Close => state.closed = true,
            }
            next = state.commands.try_recv().ok();
        }
        let State { commits, flow, .. } = &mut *state;
        commits.retain(|partition| flow.owns(partition));
        commits.run(|commits| {
            if self.member.status.outage().is_some() {
                // librdkafka would wait for a whole session timeout, and this thread with it.
                return Err(KafkaError::ConsumerCommit(Code::AllBrokersDown));
            }
            commits::commit(consumer, &self.member.names, commits)
        });
    }

    /// Pauses and resumes as the hand-over demands. Some(instant): nothing may be polled until then.
    pub(super) fn regulate(&self, consumer: &BaseConsumer<Self>, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        let wait = state.flow.observe(self.member.handover.level(), now);
        self.apply(consumer, &mut state);
        wait
    }

    /// Tells librdkafka what is to flow now.
    pub(super) fn apply(&self, consumer: &BaseConsumer<Self>, state: &mut State) {
        let change = state.flow.change();
        if !change.pause.is_empty() {
            let paused = consumer.pause(&self.list(&change.pause));
            paused.unwrap_or_else(|error| tracing::warn!("kafka partitions were not paused: {error}"));
        }
        self.resume(consumer, &change.resume);
    }

    pub(super) fn resume(&self, consumer: &BaseConsumer<Self>, partitions: &[Partition]) {
        if !partitions.is_empty() {
            let resumed = consumer.resume(&self.list(partitions));
            resumed.unwrap_or_else(|error| tracing::warn!("kafka partitions were not resumed: {error}"));
        }
    }

    pub(super) fn list(&self, partitions: &[Partition]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(self.member.names.topic(partition.topic), partition.number);
        }
        list
    }

    /// Our partitions in a list of librdkafka's.
    pub(super) fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        let known = list.elements().into_iter().filter_map(|element| {
            let topic = self.member.names.parse(element.topic())?;
            Some(Partition { topic, number: element.partition() })
        });
        known.collect()
    }

    /// A subscribed topic that the cluster does not have. Asking for all topics makes the group look
    /// at its subscription again.
    pub(super) fn missing_topic(
        &self,
        consumer: &BaseConsumer<Self>,
        wait: Duration,
    ) -> KafkaResult<Option<String>> {
        let metadata = consumer.fetch_metadata(None, wait)?;
        let is_there = |name: &&str| metadata.topics().iter().any(|topic| topic.name() == *name);
        let wanted = self.member.subscription.topics.iter().map(|topic| self.member.names.topic(*topic));
        Ok(wanted.into_iter().find(|name| !is_there(name)).map(str::to_owned))
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::log::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        super::log::error(&self.member.status, &error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        let Some(statistics) = Statistics::parse(statistics) else { return };
        self.member.status.learn(&statistics);
        let mut state = self.state();
        for (topic, number, offset) in statistics.high_watermarks() {
            if let Some(topic) = self.member.names.parse(topic) {
                state.high_watermarks.insert(Partition { topic, number }, offset);
            }
        }
    }
}
