//! A member of a group that writes down what it sees, and checks what must always hold.

use super::Factory;
use crate::{
    broker::{Broker, BrokerError, Commit, Consumer, Event, Partition, RevokeGuard, Subscription},
    message::{Delivery, Topic},
};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// What a reader has seen so far.
#[derive(Default)]
pub struct Seen {
    /// Records in the order they came.
    pub records: Vec<Delivery>,
    /// Partitions it owns, with the commit they came with.
    pub owned: BTreeMap<Partition, Option<Commit>>,
    /// Guards of partitions that are about to go, where the reader holds them.
    pub held: Vec<(Vec<Partition>, RevokeGuard)>,
    /// Revocations that came too late to commit.
    pub lost: usize,
    /// Next offset expected of each partition that has been read from.
    positions: BTreeMap<Partition, i64>,
}

impl Seen {
    /// The payloads as text, in the order they came.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.records.iter().map(text).collect()
    }

    /// The payloads of one partition as text, in the order they came.
    #[must_use]
    pub fn texts_of(&self, partition: i32) -> Vec<String> {
        self.records.iter().filter(|record| record.partition == partition).map(text).collect()
    }

    /// Offset behind the last record read of each partition owned.
    #[must_use]
    pub fn finished(&self) -> Vec<Commit> {
        let owned = self.positions.iter().filter(|(partition, _)| self.owned.contains_key(partition));
        owned.map(|(partition, offset)| commit(*partition, *offset)).collect()
    }

    fn take(&mut self, event: Event, on_revoke: OnRevoke) {
        match event {
            Event::Assigned(partitions) => {
                for (partition, commit) in partitions {
                    let before = self.owned.insert(partition, commit);
                    assert!(before.is_none(), "{partition:?} was assigned twice");
                    // It may begin anywhere: at its commit, or where the subscription says.
                    self.positions.remove(&partition);
                }
            }
            Event::Revoked { partitions, lost, done } => {
                for partition in &partitions {
                    assert!(
                        self.owned.remove(partition).is_some(),
                        "{partition:?} was revoked, but never assigned"
                    );
                }
                self.lost += usize::from(lost);
                if on_revoke == OnRevoke::Hold {
                    self.held.push((partitions, done));
                }
            }
            Event::Records(records) => {
                assert!(!records.is_empty(), "an event of no records");
                for record in records {
                    let partition = Partition { topic: record.record.topic, number: record.partition };
                    assert!(
                        self.owned.contains_key(&partition),
                        "a record of {partition:?}, which is not assigned"
                    );
                    let next = self.positions.insert(partition, record.offset + 1);
                    assert!(
                        next.is_none_or(|next| record.offset >= next),
                        "offsets of {partition:?} went back"
                    );
                    self.records.push(record);
                }
            }
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last: BTreeMap<_, _> =
            self.positions.iter().map(|(p, next)| (format!("{}/{}", p.topic, p.number), next)).collect();
        f.debug_struct("Seen")
            .field("records", &self.records.len())
            .field(
                "owned",
                &self.owned.keys().map(|p| format!("{}/{}", p.topic, p.number)).collect::<Vec<_>>(),
            )
            .field("positions", &last)
            .field("held", &self.held.len())
            .field("lost", &self.lost)
            .finish()
    }
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.record.payload).into_owned()
}

/// A commit without metadata.
pub(super) fn commit(partition: Partition, offset: i64) -> Commit {
    Commit { partition, offset, metadata: String::new() }
}

/// What a reader does with partitions that are about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRevoke {
    /// Lets them go at once.
    LetGo,
    /// Keeps the guard in [`Seen::held`].
    Hold,
}

/// A member that calls `next` in the background for as long as it lives.
pub struct Reader {
    consumer: Arc<dyn Consumer>,
    seen: watch::Receiver<Seen>,
    sender: watch::Sender<Seen>,
    task: JoinHandle<()>,
    patience: Duration,
}

impl Reader {
    /// Joins a group that reads one topic.
    pub async fn join(factory: &dyn Factory, broker: &dyn Broker, group: &str, topic: Topic) -> Self {
        Self::subscribe(factory, broker, Subscription::new(group, [topic]), OnRevoke::LetGo).await
    }

    /// Joins a group.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn subscribe(
        factory: &dyn Factory,
        broker: &dyn Broker,
        subscription: Subscription,
        on_revoke: OnRevoke,
    ) -> Self {
        let joined = broker.subscribe(subscription).await.expect("a group can be joined");
        let consumer: Arc<dyn Consumer> = Arc::from(joined);
        let (sender, seen) = watch::channel(Seen::default());
        let (source, sink) = (Arc::clone(&consumer), sender.clone());
        let task = tokio::spawn(async move {
            loop {
                let event = source.next().await.expect("a healthy consumer goes on");
                sink.send_modify(|seen| seen.take(event, on_revoke));
            }
        });
        Self { consumer, seen, sender, task, patience: factory.abilities().patience }
    }

    /// Waits until what was seen is as it should be.
    ///
    /// # Panics
    /// When it does not become so in time, or the reader died of a broken rule.
    pub async fn wait(&mut self, what: &str, is_so: impl FnMut(&Seen) -> bool) {
        let waited = tokio::select! {
            waited = tokio::time::timeout(self.patience, self.seen.wait_for(is_so)) => waited.is_ok(),
            ended = &mut self.task => panic!("while waiting for {what}: the reader ended: {ended:?}"),
        };
        assert!(waited, "waited in vain for {what}; {:?}", *self.seen.borrow());
    }

    /// Waits until it owns that many partitions.
    pub async fn owns(&mut self, partitions: usize) {
        self.wait("partitions", |seen| seen.owned.len() == partitions).await;
    }

    /// Waits for that many records.
    pub async fn reads(&mut self, records: usize) {
        self.wait(&format!("{records} records"), |seen| seen.records.len() >= records).await;
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }

    /// Takes the guards that are held.
    pub fn take_held(&mut self) -> Vec<(Vec<Partition>, RevokeGuard)> {
        let mut held = Vec::new();
        self.sender.send_modify(|seen| held = std::mem::take(&mut seen.held));
        held
    }

    /// Commits.
    ///
    /// # Panics
    /// When the broker does not take it.
    pub async fn commit(&self, commits: Vec<Commit>) {
        self.consumer.commit(commits).await.expect("offsets are committed");
    }

    /// Commits everything read.
    pub async fn commit_all(&self) {
        let finished = self.seen().finished();
        self.commit(finished).await;
    }

    /// Commits everything read, where that may fail.
    ///
    /// # Errors
    /// What the broker said.
    pub async fn try_commit_all(&self) -> Result<(), BrokerError> {
        let finished = self.seen().finished();
        self.consumer.commit(finished).await
    }

    /// Stops or resumes partitions.
    ///
    /// # Panics
    /// When the consumer refuses.
    pub async fn set_paused(&self, partitions: &[Partition], paused: bool) {
        self.consumer.set_paused(partitions.to_vec(), paused).await.expect("partitions can be paused");
    }

    /// Leaves the group in good order.
    pub async fn close(self) {
        self.fall_asleep().await.close().await;
    }

    /// Stops calling `next`, and keeps the member alive.
    pub async fn fall_asleep(mut self) -> Arc<dyn Consumer> {
        self.task.abort();
        let _ = (&mut self.task).await;
        Arc::clone(&self.consumer)
    }
}

/// Dropping a reader without [`Reader::close`] is its crash: nothing is committed.
impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
