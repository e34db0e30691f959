//! Consumer groups: who owns which partition, and how ownership moves without two owners at once.

use super::{State, log::Log};
use crate::{
    broker::{Commit, Event, Partition, RevokeGuard, Start},
    message::Topic,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::{Notify, oneshot};

#[derive(Default)]
pub(super) struct Group {
    pub(super) topics: BTreeSet<Topic>,
    pub(super) members: BTreeMap<u64, Member>,
    pub(super) committed: HashMap<Partition, Commit>,
    /// Partitions on their way from one member to another: nobody reads them.
    moving: BTreeSet<Partition>,
}

pub(super) struct Member {
    pub(super) start: Start,
    pub(super) replay: bool,
    pub(super) topics: Vec<Topic>,
    /// Next offset to read, for each partition owned.
    pub(super) positions: BTreeMap<Partition, i64>,
    pub(super) paused: BTreeSet<Partition>,
    /// The partition last read from: the next turn begins behind it, so none starves.
    pub(super) last_read: Option<Partition>,
    pub(super) events: VecDeque<Event>,
    pub(super) wake: Arc<Notify>,
}

/// A move that waits until the old owner lets go.
pub(super) struct Move {
    pub(super) partitions: Vec<Partition>,
    pub(super) released: oneshot::Receiver<()>,
}

impl State {
    /// Shares the group's partitions out evenly: takes from members that have too many (they are
    /// told, and asked to let go), gives what nobody owns to those with too few.
    pub(super) fn rebalance(&mut self, name: &str) -> Vec<Move> {
        let Some(group) = self.groups.get(name) else { return Vec::new() };
        let topics: Vec<_> = group.topics.iter().copied().collect();
        let partitions = self.partitions(&topics);
        let Some(group) = self.groups.get_mut(name) else { return Vec::new() };
        let mut moves = Vec::new();
        if group.members.is_empty() {
            return moves;
        }
        let fair = partitions.len().div_ceil(group.members.len());
        for member in group.members.values_mut() {
            let surplus: Vec<_> = member
                .positions
                .keys()
                .rev()
                .copied()
                .take(member.positions.len().saturating_sub(fair))
                .collect();
            if surplus.is_empty() {
                continue;
            }
            for partition in &surplus {
                member.positions.remove(partition);
                member.paused.remove(partition);
            }
            group.moving.extend(&surplus);
            let (done, released) = RevokeGuard::new();
            member.events.push_back(Event::Revoked { partitions: surplus.clone(), lost: false, done });
            member.wake.notify_one();
            moves.push(Move { partitions: surplus, released });
        }
        self.assign_free(name, &partitions);
        moves
    }

    /// The old owner let go (or took too long): the partitions find their next owner.
    pub(super) fn finish_move(&mut self, name: &str, moved: &[Partition]) {
        let Some(group) = self.groups.get_mut(name) else { return };
        for partition in moved {
            group.moving.remove(partition);
        }
        let topics: Vec<_> = group.topics.iter().copied().collect();
        let partitions = self.partitions(&topics);
        self.assign_free(name, &partitions);
    }

    fn assign_free(&mut self, name: &str, partitions: &[Partition]) {
        let Some(group) = self.groups.get_mut(name) else { return };
        let mut given: BTreeMap<u64, Vec<Partition>> = BTreeMap::new();
        for partition in partitions {
            let owned = group.members.values().any(|member| member.positions.contains_key(partition));
            if owned || group.moving.contains(partition) {
                continue;
            }
            let poorest = group
                .members
                .iter()
                .filter(|(_, member)| member.topics.contains(&partition.topic))
                .min_by_key(|(id, member)| (member.positions.len(), **id));
            let Some((&id, _)) = poorest else { continue };
            let commit = group.committed.get(partition);
            let log = self
                .topics
                .get(&partition.topic)
                .and_then(|logs| logs.get(usize::try_from(partition.number).ok()?));
            if let (Some(member), Some(log)) = (group.members.get_mut(&id), log) {
                member.positions.insert(*partition, member.first_offset(commit, log));
                given.entry(id).or_default().push(*partition);
            }
        }
        for (id, partitions) in given {
            let assigned = partitions.into_iter().map(|p| (p, group.committed.get(&p).cloned())).collect();
            if let Some(member) = group.members.get_mut(&id) {
                let replay = member.replay;
                member.events.push_back(Event::Assigned(if replay {
                    without_commits(assigned)
                } else {
                    assigned
                }));
                member.wake.notify_one();
            }
        }
    }
}

/// A replay starts over: what was finished before says nothing of this run.
fn without_commits(assigned: Vec<(Partition, Option<Commit>)>) -> Vec<(Partition, Option<Commit>)> {
    assigned.into_iter().map(|(partition, _)| (partition, None)).collect()
}

impl Member {
    fn first_offset(&self, commit: Option<&Commit>, log: &Log) -> i64 {
        match commit {
            Some(commit) if !self.replay => commit.offset.max(log.start()),
            _ => match self.start {
                Start::Earliest => log.start(),
                Start::Latest => log.end(),
                Start::Timestamp(instant) => log.at(instant),
            },
        }
    }
}
