//! Partitions that come and go.
//!
//! On assignment the group's offsets (with their metadata) are read and the positions set. On
//! revocation the poll thread waits in the callback until the service has let go, for a bounded
//! time, and still takes its commits: the broker accepts them until the callback returns.

use super::context::{Context, Offsets};
use crate::broker::{BrokerError, Commit, Event, Partition, RevokeGuard, Start};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::KafkaError,
    types::RDKafkaRespErr,
};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::error::TryRecvError;

/// How often and how long the group's offsets are asked for.
const LOOKUPS: usize = 3;
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a rebalance waits for a command before it looks whether the service has let go.
const TICK: Duration = Duration::from_millis(5);

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let outcome = if err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, list)
        } else {
            self.revoke(consumer, list)
        };
        if let Err(error) = outcome {
            // Only a client that is fatally broken refuses an assignment; `poll` says so next.
            tracing::error!("kafka rebalance failed: {error}");
        }
    }
}

impl Context {
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> Result<(), KafkaError> {
        let partitions = self.partitions(list);
        let mut assigned = Vec::new();
        if !self.is_closed() && !partitions.is_empty() {
            assigned = self.positions(consumer, &partitions, list);
        }
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(list)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list)?,
        }
        let mut state = self.state();
        state.flow.assign(partitions);
        self.apply(consumer, &mut state);
        self.member.handover.push(Event::Assigned(assigned));
        Ok(())
    }

    /// Finds where to begin in each partition, and writes it into the list.
    fn positions(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &[Partition],
        list: &mut TopicPartitionList,
    ) -> Vec<(Partition, Option<Commit>)> {
        let replays = self.member.subscription.replay;
        let (mut fresh, known): (Vec<_>, Vec<_>) = partitions
            .iter()
            .copied()
            .partition(|partition| replays && !self.state().replayed.contains(partition));
        self.state().replayed.extend(&fresh);
        let mut assigned: Vec<_> = fresh.iter().map(|partition| (*partition, None)).collect();

        let committed = patiently(|| {
            if known.is_empty() {
                return Ok(TopicPartitionList::new());
            }
            consumer.committed_offsets(self.list(&known), LOOKUP_TIMEOUT).and_then(without_errors)
        });
        for partition in known {
            let commit = committed.as_ref().and_then(|committed| self.commit_in(committed, partition));
            match &commit {
                Some(commit) => self.set(list, partition, Offset::Offset(commit.offset)),
                None if committed.is_some() => fresh.push(partition),
                None if self.member.offsets == Offsets::InTransactions => {
                    self.fail(BrokerError::Fatal(
                        "the brokers did not say what the group has finished".to_owned(),
                    ));
                }
                // librdkafka goes on asking by itself. What was finished above the offset is done again.
                None => {}
            }
            assigned.push((partition, commit));
        }
        self.begin(consumer, &fresh, list);
        assigned
    }

    /// Sets partitions that begin anew to where the subscription says.
    fn begin(&self, consumer: &BaseConsumer<Self>, fresh: &[Partition], list: &mut TopicPartitionList) {
        let everywhere = |list: &mut TopicPartitionList, offset| {
            fresh.iter().for_each(|partition| self.set(list, *partition, offset));
        };
        let instant = match self.member.subscription.start {
            _ if fresh.is_empty() => return,
            Start::Earliest => return everywhere(list, Offset::Beginning),
            Start::Latest => {
                // Fixed now, or what is produced before librdkafka gets to look would be skipped.
                return fresh
                    .iter()
                    .for_each(|partition| self.set(list, *partition, self.end_of(consumer, *partition)));
            }
            Start::Timestamp(instant) => instant.as_millisecond().max(0),
        };
        let mut wanted = self.list(fresh);
        everywhere(&mut wanted, Offset::Offset(instant));
        let found =
            patiently(|| consumer.offsets_for_times(wanted.clone(), LOOKUP_TIMEOUT).and_then(without_errors));
        let Some(found) = found else {
            return self
                .fail(BrokerError::Fatal("the brokers did not say where to begin by time".to_owned()));
        };
        for partition in fresh {
            let name = self.member.names.topic(partition.topic);
            let offset = found.find_partition(name, partition.number).map(|element| element.offset());
            // No record is that young: begin with the next one.
            let offset = match offset {
                Some(Offset::Offset(offset)) => Offset::Offset(offset),
                _ => self.end_of(consumer, *partition),
            };
            self.set(list, *partition, offset);
        }
    }

    fn end_of(&self, consumer: &BaseConsumer<Self>, partition: Partition) -> Offset {
        let name = self.member.names.topic(partition.topic);
        let watermarks = patiently(|| consumer.fetch_watermarks(name, partition.number, LOOKUP_TIMEOUT));
        watermarks.map_or(Offset::End, |(_, high)| Offset::Offset(high))
    }

    fn set(&self, list: &mut TopicPartitionList, partition: Partition, offset: Offset) {
        let name = self.member.names.topic(partition.topic);
        let set = list.set_partition_offset(name, partition.number, offset);
        set.unwrap_or_else(|error| tracing::error!("{name} {}: {error}", partition.number));
    }

    fn commit_in(&self, committed: &TopicPartitionList, partition: Partition) -> Option<Commit> {
        let element = committed.find_partition(self.member.names.topic(partition.topic), partition.number)?;
        let Offset::Offset(offset) = element.offset() else { return None };
        Some(Commit { partition, offset, metadata: element.metadata().to_owned() })
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let partitions = self.partitions(list);
        let lost = consumer.assignment_lost();
        let is_heard = !self.is_closed() && !partitions.is_empty();
        self.member.handover.forget(&partitions);
        if is_heard && !lost {
            self.let_go(consumer, &partitions);
        }
        let paused = self.state().flow.revoke(&partitions);
        if is_heard && lost {
            // Another member may be at work already: there is nothing to wait for or to commit.
            self.member.handover.push_ahead(Event::Revoked { partitions, lost, done: RevokeGuard::none() });
        }
        self.resume(consumer, &paused);
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        }
    }

    /// Tells the service and waits until it has let go, taking its commits meanwhile.
    fn let_go(&self, consumer: &BaseConsumer<Self>, partitions: &[Partition]) {
        let (done, mut released) = RevokeGuard::new();
        self.member.handover.push_ahead(Event::Revoked {
            partitions: partitions.to_vec(),
            lost: false,
            done,
        });
        let deadline = Instant::now() + self.member.revoke_patience;
        while released.try_recv() == Err(TryRecvError::Empty) {
            if self.is_closed() {
                return;
            }
            if Instant::now() >= deadline {
                let count = partitions.len();
                tracing::warn!("{count} partitions went before their work was finished; it is done again");
                return;
            }
            self.serve(consumer, TICK);
        }
        // Commits that were sent before the guard was dropped, and those that are tried again.
        self.serve(consumer, Duration::ZERO);
        while self.has_commits() && Instant::now() < deadline {
            self.serve(consumer, TICK);
        }
    }
}

/// The list, where no single partition of it failed.
fn without_errors(list: TopicPartitionList) -> Result<TopicPartitionList, KafkaError> {
    let failed = list.elements().iter().find_map(|element| element.error().err());
    failed.map_or(Ok(list), Err)
}

fn patiently<T>(mut look_up: impl FnMut() -> Result<T, KafkaError>) -> Option<T> {
    (0..LOOKUPS).find_map(|_| {
        look_up().inspect_err(|error| tracing::warn!("kafka offsets can't be read: {error}")).ok()
    })
}
