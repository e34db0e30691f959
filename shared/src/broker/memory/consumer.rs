//! One member of a group of the in-process broker.

use super::{Memory, Retention, group::Member, group::Move};
use crate::{
    broker::{BrokerError, Commit, Consumer, Event, Partition, Subscription},
    message::Delivery,
};
use async_trait::async_trait;
use std::{ops::Bound, sync::Arc};
use tokio::sync::Notify;

/// Records handed over at once: enough to spread the cost of a wake-up, few enough to stay small.
const MAX_RECORDS: usize = 128;
/// Bytes handed over at once; one record may be larger.
const MAX_BYTES: usize = 1024 * 1024;

pub(super) struct MemoryConsumer {
    broker: Memory,
    group: String,
    id: u64,
    wake: Arc<Notify>,
}

impl MemoryConsumer {
    pub(super) fn join(broker: Memory, subscription: Subscription) -> Self {
        let wake = Arc::new(Notify::new());
        let mut state = broker.state();
        let id = state.next_member;
        state.next_member += 1;
        for topic in &subscription.topics {
            state.readers.entry(*topic).or_default().push((id, Arc::clone(&wake)));
        }
        let group = state.groups.entry(subscription.group.clone()).or_default();
        group.topics.extend(&subscription.topics);
        let member = Member {
            start: subscription.start,
            replay: subscription.replay,
            topics: subscription.topics,
            positions: Default::default(),
            paused: Default::default(),
            last_read: None,
            events: Default::default(),
            wake: Arc::clone(&wake),
        };
        group.members.insert(id, member);
        let moves = state.rebalance(&subscription.group);
        drop(state);
        finish_when_released(&broker, &subscription.group, moves);
        Self { broker, group: subscription.group, id, wake }
    }

    fn leave(&self) {
        let mut state = self.broker.state();
        for readers in state.readers.values_mut() {
            readers.retain(|(id, _)| *id != self.id);
        }
        let left = state.groups.get_mut(&self.group).and_then(|group| group.members.remove(&self.id));
        if left.is_some() {
            let moves = state.rebalance(&self.group);
            drop(state);
            finish_when_released(&self.broker, &self.group, moves);
        }
        // Events that die with the member hold revoke guards: dropping them lets the group go on.
        drop(left);
    }

    fn take_rebalance(&self) -> Option<Event> {
        let mut state = self.broker.state();
        state.groups.get_mut(&self.group)?.members.get_mut(&self.id)?.events.pop_front()
    }

    fn take(&self) -> Option<Event> {
        let mut state = self.broker.state();
        let state = &mut *state;
        let member = state.groups.get_mut(&self.group)?.members.get_mut(&self.id)?;
        if let Some(event) = member.events.pop_front() {
            return Some(event);
        }
        let mut taken = Vec::new();
        let mut bytes = 0;
        let behind = member.last_read.map_or(Bound::Unbounded, Bound::Excluded);
        let mut turns: Vec<Partition> =
            member.positions.range((behind, Bound::Unbounded)).map(|(p, _)| *p).collect();
        turns.extend(member.positions.keys().take(member.positions.len() - turns.len()));
        for partition in &turns {
            let Some(position) = member.positions.get_mut(partition) else { continue };
            if member.paused.contains(partition) {
                continue;
            }
            let log = state.topics.get(&partition.topic)?.get(usize::try_from(partition.number).ok()?)?;
            while let Some((timestamp, record)) = log.get(*position) {
                if taken.len() >= MAX_RECORDS || (bytes > 0 && bytes + record.size() > MAX_BYTES) {
                    break;
                }
                bytes += record.size();
                taken.push(Delivery {
                    record: record.clone(),
                    partition: partition.number,
                    offset: *position,
                    high_watermark: log.end(),
                    timestamp: *timestamp,
                });
                *position += 1;
                member.last_read = Some(*partition);
            }
        }
        (!taken.is_empty()).then_some(Event::Records(taken))
    }
}

/// Hands moved partitions on once their old owner let go, or after the revoke time-out.
fn finish_when_released(broker: &Memory, group: &str, moves: Vec<Move>) {
    for Move { partitions, released } in moves {
        let (broker, group) = (broker.clone(), group.to_owned());
        tokio::spawn(async move {
            // Both ends of the wait mean the same: the partitions are free.
            let _ = tokio::time::timeout(broker.0.revoke_timeout, released).await;
            broker.state().finish_move(&group, &partitions);
        });
    }
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next(&self) -> Result<Event, BrokerError> {
        loop {
            if let Some(event) = self.take() {
                return Ok(event);
            }
            self.wake.notified().await;
        }
    }

    async fn next_rebalance(&self) -> Result<Event, BrokerError> {
        loop {
            if let Some(event) = self.take_rebalance() {
                return Ok(event);
            }
            self.wake.notified().await;
        }
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<(), BrokerError> {
        let mut state = self.broker.state();
        for commit in commits {
            let partition = commit.partition;
            let Some(group) = state.groups.get_mut(&self.group) else { continue };
            let owner = group.members.iter().find(|(_, member)| member.positions.contains_key(&partition));
            // A partition on its way to another member still takes its old owner's last commit.
            if owner.is_some_and(|(id, _)| *id != self.id) {
                continue;
            }
            group.committed.insert(partition, commit);
            if matches!(self.broker.0.retention, Retention::UntilConsumed { .. }) {
                state.trim(partition);
            }
        }
        Ok(())
    }

    async fn set_paused(&self, partitions: Vec<Partition>, paused: bool) -> Result<(), BrokerError> {
        let mut state = self.broker.state();
        if let Some(member) =
            state.groups.get_mut(&self.group).and_then(|group| group.members.get_mut(&self.id))
        {
            for partition in partitions {
                if paused && member.positions.contains_key(&partition) {
                    member.paused.insert(partition);
                } else {
                    member.paused.remove(&partition);
                }
            }
            member.wake.notify_one();
        }
        Ok(())
    }

    async fn close(&self) {
        self.leave();
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        self.leave();
    }
}
