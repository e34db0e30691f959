//! The consumer groups of our prefix, and who is in them.

use super::Inspector;
use crate::{
    broker::{BrokerError, Partition},
    message::Topic,
};
use rdkafka::{consumer::Consumer as _, groups::GroupMemberInfo};
use serde::Serialize;
use std::collections::BTreeMap;

/// A consumer group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupReport {
    /// Its name, without the prefix.
    pub group: String,
    /// The coordinator's word for its state: `Stable`, `Empty`, `PreparingRebalance`, ...
    pub state: String,
    /// Who is in it.
    pub members: Vec<MemberReport>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberReport {
    /// The id that the coordinator gave it.
    pub id: String,
    /// What it calls itself.
    pub client: String,
    /// Where it connects from.
    pub host: String,
    /// What it reads, partitions by topic.
    pub partitions: BTreeMap<Topic, Vec<i32>>,
}

impl GroupReport {
    /// The member that reads a partition.
    #[must_use]
    pub fn owner(&self, partition: Partition) -> Option<&MemberReport> {
        let reads = |member: &&MemberReport| {
            member.partitions.get(&partition.topic).is_some_and(|all| all.contains(&partition.number))
        };
        self.members.iter().find(reads)
    }
}

impl Inspector {
    /// All groups whose name begins with the prefix, by name.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn groups(&self) -> Result<Vec<GroupReport>, BrokerError> {
        let found = self.consumer.fetch_group_list(None, self.timeout).map_err(|e| self.unreachable(&e))?;
        let prefix = self.names.group("");
        let mut groups: Vec<GroupReport> = found
            .groups()
            .iter()
            .filter_map(|group| {
                let name = group.name().strip_prefix(&prefix).filter(|name| !name.is_empty())?;
                let members = group.members().iter().map(|member| self.member(member)).collect();
                Some(GroupReport { group: name.to_owned(), state: group.state().to_owned(), members })
            })
            .collect();
        groups.sort_by(|a, b| a.group.cmp(&b.group));
        Ok(groups)
    }

    fn member(&self, member: &GroupMemberInfo) -> MemberReport {
        let mut partitions: BTreeMap<Topic, Vec<i32>> = BTreeMap::new();
        for (topic, numbers) in member.assignment().and_then(read_assignment).unwrap_or_default() {
            if let Some(topic) = self.names.parse(&topic) {
                partitions.entry(topic).or_default().extend(numbers);
            }
        }
        partitions.values_mut().for_each(|numbers| numbers.sort_unstable());
        MemberReport {
            id: member.id().to_owned(),
            client: member.client_id().to_owned(),
            host: member.client_host().trim_start_matches('/').to_owned(),
            partitions,
        }
    }
}

/// Reads what the consumer protocol says of a member's partitions: a version (2 bytes), then an array of topics, each
/// with an array of partition numbers (Kafka's `ConsumerProtocolAssignment`). A group of another kind has other bytes.
fn read_assignment(bytes: &[u8]) -> Option<Vec<(String, Vec<i32>)>> {
    struct Reader<'a>(&'a [u8]);
    impl<'a> Reader<'a> {
        fn take(&mut self, length: usize) -> Option<&'a [u8]> {
            let (taken, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            Some(taken)
        }
        fn short(&mut self) -> Option<i16> {
            Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
        }
        fn int(&mut self) -> Option<i32> {
            Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
        }
    }
    let mut reader = Reader(bytes);
    reader.short()?;
    let mut topics = Vec::new();
    for _ in 0..reader.int()? {
        let length = usize::try_from(reader.short()?).ok()?;
        let topic = std::str::from_utf8(reader.take(length)?).ok()?.to_owned();
        let mut partitions = Vec::new();
        for _ in 0..reader.int()? {
            partitions.push(reader.int()?);
        }
        topics.push((topic, partitions));
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_anything_else_is_not() {
        let bytes = b"\x00\x01\x00\x00\x00\x02\x00\x01a\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x07\x00\x02bc\x00\x00\x00\x00\xff\xff\xff\xff";
        let read = read_assignment(bytes).unwrap();
        assert_eq!(read, [("a".to_owned(), vec![0, 7]), ("bc".to_owned(), vec![])]);
        for end in 0..bytes.len() - 4 {
            assert_eq!(read_assignment(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(read_assignment(b"\x00\x00\x7f\xff\xff\xff\x7f\xff"), None, "lengths that are not there");
    }
}
