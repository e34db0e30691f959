//! Commits that wait for their turn: merged, so that the newest of a partition is the one that goes,
//! and tried again where the broker was only busy.

use super::{
    errors::{code_of, commit_may_pass},
    names::Names,
};
use crate::broker::{BrokerError, Commit, Partition};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext},
    error::KafkaError,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How often a commit is tried.
const ATTEMPTS: u32 = 4;
/// Wait before it is tried again.
const BACKOFF: Duration = Duration::from_millis(100);

type Reply = oneshot::Sender<Result<(), BrokerError>>;

#[derive(Debug, Default)]
pub(super) struct Commits {
    offsets: BTreeMap<Partition, Commit>,
    replies: Vec<Reply>,
    attempts: u32,
    not_before: Option<Instant>,
}

impl Commits {
    pub(super) fn add(&mut self, commits: Vec<Commit>, reply: Reply) {
        self.offsets.extend(commits.into_iter().map(|commit| (commit.partition, commit)));
        self.replies.push(reply);
    }

    /// Forgets what may not be committed.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Partition) -> bool) {
        self.offsets.retain(|partition, _| keep(partition));
    }

    /// When a failed commit is to be tried again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.not_before
    }

    /// Commits what waits, if its time has come, and answers those who asked for it.
    pub(super) fn run(&mut self, commit: impl FnOnce(&[&Commit]) -> Result<(), KafkaError>) {
        if self.replies.is_empty() || self.not_before.is_some_and(|due| Instant::now() < due) {
            return;
        }
        let offsets: Vec<_> = self.offsets.values().collect();
        let outcome = if offsets.is_empty() { Ok(()) } else { commit(&offsets) };
        self.attempts += 1;
        if let Err(error) = &outcome
            && code_of(error).is_some_and(commit_may_pass)
            && self.attempts < ATTEMPTS
        {
            tracing::debug!("offsets were not committed, trying again: {error}");
            self.not_before = Some(Instant::now() + BACKOFF);
            return;
        }
        let answer = outcome.map_err(|error| BrokerError::Commit(error.to_string()));
        for reply in std::mem::take(self).replies {
            let _ = reply.send(answer.clone());
        }
    }
}

/// Commits and waits for the broker's answer.
pub(super) fn commit<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    names: &Names,
    commits: &[&Commit],
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for commit in commits {
        let mut element = list.add_partition(names.topic(commit.partition.topic), commit.partition.number);
        element.set_offset(Offset::Offset(commit.offset))?;
        element.set_metadata(&commit.metadata);
    }
    consumer.commit(&list, CommitMode::Sync)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Topic;
    use rdkafka::types::RDKafkaErrorCode as Code;

    fn commit_of(number: i32, offset: i64) -> Commit {
        Commit { partition: Partition { topic: Topic::Retry, number }, offset, metadata: String::new() }
    }

    fn offsets(commits: &[&Commit]) -> Vec<i64> {
        commits.iter().map(|commit| commit.offset).collect()
    }

    #[test]
    fn a_busy_broker_is_asked_again_with_what_came_meanwhile() {
        let mut commits = Commits::default();
        let (first, mut first_answer) = oneshot::channel();
        commits.add(vec![commit_of(0, 5), commit_of(1, 7)], first);
        commits.run(|_| Err(KafkaError::ConsumerCommit(Code::NotCoordinator)));
        assert!(first_answer.try_recv().is_err(), "nobody is answered yet");

        let (second, mut second_answer) = oneshot::channel();
        commits.add(vec![commit_of(0, 9)], second);
        commits.not_before = None;
        let mut seen = Vec::new();
        commits.run(|commits| {
            seen = offsets(commits);
            Ok(())
        });
        assert_eq!(seen, [9, 7], "the newest of each partition");
        assert!(first_answer.try_recv().unwrap().is_ok());
        assert!(second_answer.try_recv().unwrap().is_ok());
        assert_eq!(commits.due(), None);
    }

    #[test]
    fn what_cannot_pass_is_answered_at_once_and_patience_ends() {
        let mut commits = Commits::default();
        let (reply, mut answer) = oneshot::channel();
        commits.add(vec![commit_of(0, 5)], reply);
        commits.run(|_| Err(KafkaError::ConsumerCommit(Code::OffsetMetadataTooLarge)));
        assert!(answer.try_recv().unwrap().is_err());

        let (reply, mut answer) = oneshot::channel();
        commits.add(vec![commit_of(0, 5)], reply);
        for _ in 0..ATTEMPTS {
            assert!(answer.try_recv().is_err());
            commits.not_before = None;
            commits.run(|_| Err(KafkaError::ConsumerCommit(Code::CoordinatorNotAvailable)));
        }
        assert!(answer.try_recv().unwrap().is_err());
    }

    #[test]
    fn offsets_of_partitions_that_went_are_dropped_without_complaint() {
        let mut commits = Commits::default();
        let (reply, mut answer) = oneshot::channel();
        commits.add(vec![commit_of(0, 5)], reply);
        commits.retain(|_| false);
        commits.run(|_| panic!("nothing is left to commit"));
        assert!(answer.try_recv().unwrap().is_ok());
    }
}
