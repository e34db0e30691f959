//! Moving a group to another place in a topic, so that it reads from there when it runs again.

use super::{Inspector, Place};
use crate::{
    broker::{BrokerError, Partition},
    message::Topic,
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _},
};
use serde::Serialize;

/// What becomes of a group in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The partition.
    pub partition: i32,
    /// Where the group stood; none where it never committed.
    pub from: Option<i64>,
    /// Where it stands then.
    pub to: i64,
    /// The offset behind the newest record.
    pub end: i64,
}

impl Inspector {
    /// What moving a group would do.
    ///
    /// # Errors
    /// When no broker answers, or there is no such topic.
    pub fn moves(&self, topic: Topic, group: &str, to: Place) -> Result<Vec<Move>, BrokerError> {
        let places = self.places(topic, to)?;
        let committed = self.committed(group, &[self.topic(topic)?])?;
        let moves = places.into_iter().map(|(number, (_, to, end))| {
            let from = committed.get(&Partition { topic, number }).copied();
            Move { partition: number, from, to, end }
        });
        Ok(moves.collect())
    }

    /// Moves a group that nobody is in.
    ///
    /// # Errors
    /// When somebody is in it: the members would go on where they are, and commit over it; when the broker refuses.
    pub fn apply(&self, topic: Topic, group: &str, moves: &[Move]) -> Result<(), BrokerError> {
        let members = self.groups()?.into_iter().find(|known| known.group == group);
        let members = members.map_or(0, |known| known.members.len());
        if members > 0 {
            return Err(BrokerError::Commit(format!(
                "group {group} has {members} members that would go on where they are; stop the services that run it first"
            )));
        }
        let mut list = TopicPartitionList::new();
        for change in moves {
            let place = Offset::Offset(change.to);
            let _ = list.add_partition_offset(self.names.topic(topic), change.partition, place);
        }
        let client = self.in_the_name_of(group)?;
        client.commit(&list, CommitMode::Sync).map_err(|error| BrokerError::Commit(error.to_string()))
    }
}
