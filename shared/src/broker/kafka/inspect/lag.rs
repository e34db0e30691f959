//! How far behind each group is, asked of the cluster itself.

use super::{GroupReport, Inspector, TopicReport, time_of};
use crate::{
    broker::{BrokerError, Partition},
    message::Topic,
};
use jiff::Timestamp;
use rdkafka::{Message as _, Offset, TopicPartitionList, consumer::Consumer as _};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long the oldest records may take to come; what has not is shown without an age.
const PATIENCE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(100);

/// A group and a partition that it reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LagReport {
    /// The group, without the prefix.
    pub group: String,
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// What the group has finished; none where it never committed.
    pub committed: Option<i64>,
    /// The offset behind the newest record.
    pub end: i64,
    /// Records that it has not finished.
    pub lag: i64,
    /// Age of the oldest of them, in seconds.
    pub age_seconds: Option<f64>,
    /// Who reads it: client and host.
    pub member: Option<String>,
}

impl Inspector {
    /// The lag of every group, or of one, on all partitions that it has committed or reads now.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn lag(&self, only: Option<&str>) -> Result<Vec<LagReport>, BrokerError> {
        let topics = self.topics()?;
        let mut reports = Vec::new();
        for group in self.groups()?.iter().filter(|group| only.is_none_or(|only| only == group.group)) {
            reports.extend(self.lag_of(group, &topics)?);
        }
        self.add_ages(&mut reports)?;
        Ok(reports)
    }

    fn lag_of(&self, group: &GroupReport, topics: &[TopicReport]) -> Result<Vec<LagReport>, BrokerError> {
        let committed = self.committed(&group.group, topics)?;
        let mut reports = Vec::new();
        for topic in topics {
            for partition in &topic.partitions {
                let place = Partition { topic: topic.topic, number: partition.partition };
                let committed = committed.get(&place).copied();
                let owner = group.owner(place);
                if committed.is_none() && owner.is_none() {
                    continue;
                }
                let done = committed.unwrap_or(partition.first).max(partition.first);
                reports.push(LagReport {
                    group: group.group.clone(),
                    topic: topic.topic,
                    partition: partition.partition,
                    committed,
                    end: partition.end,
                    lag: (partition.end - done).max(0),
                    age_seconds: None,
                    member: owner.map(|member| format!("{} {}", member.client, member.host)),
                });
            }
        }
        Ok(reports)
    }

    /// What a group has committed.
    pub(super) fn committed(
        &self,
        group: &str,
        topics: &[TopicReport],
    ) -> Result<BTreeMap<Partition, i64>, BrokerError> {
        let mut wanted = TopicPartitionList::new();
        for topic in topics {
            for partition in &topic.partitions {
                wanted.add_partition(&topic.name, partition.partition);
            }
        }
        if wanted.count() == 0 {
            return Ok(BTreeMap::new());
        }
        let client = self.in_the_name_of(group)?;
        let found =
            client.committed_offsets(wanted, self.timeout).map_err(|error| self.unreachable(&error))?;
        let known = found.elements().into_iter().filter_map(|element| {
            let topic = self.names.parse(element.topic())?;
            let offset = element.offset().to_raw().filter(|offset| *offset >= 0)?;
            Some((Partition { topic, number: element.partition() }, offset))
        });
        Ok(known.collect())
    }

    /// Reads the oldest unfinished record of each place, once for all groups that stand there.
    fn add_ages(&self, reports: &mut [LagReport]) -> Result<(), BrokerError> {
        let place = |report: &LagReport| {
            let partition = Partition { topic: report.topic, number: report.partition };
            (partition, report.end - report.lag)
        };
        // One reader stands at one place of a partition at a time, so groups that stand apart take turns.
        let mut rounds: Vec<BTreeMap<Partition, i64>> = Vec::new();
        for (partition, offset) in reports.iter().filter(|report| report.lag > 0).map(place) {
            match rounds.iter_mut().find(|round| round.get(&partition).is_none_or(|at| *at == offset)) {
                Some(round) => drop(round.insert(partition, offset)),
                None => rounds.push(BTreeMap::from([(partition, offset)])),
            }
        }
        let mut times = BTreeMap::new();
        for round in rounds {
            self.read_times(&round, &mut times)?;
        }
        let now = Timestamp::now();
        for report in reports.iter_mut().filter(|report| report.lag > 0) {
            let since = times.get(&place(report));
            report.age_seconds =
                since.map(|since: &Timestamp| now.duration_since(*since).as_secs_f64().max(0.0));
        }
        Ok(())
    }

    fn read_times(
        &self,
        places: &BTreeMap<Partition, i64>,
        times: &mut BTreeMap<(Partition, i64), Timestamp>,
    ) -> Result<(), BrokerError> {
        let mut assignment = TopicPartitionList::new();
        for (partition, offset) in places {
            let name = self.names.topic(partition.topic);
            let _ = assignment.add_partition_offset(name, partition.number, Offset::Offset(*offset));
        }
        self.consumer.assign(&assignment).map_err(|error| self.unreachable(&error))?;
        let deadline = Instant::now() + PATIENCE;
        let mut missing = places.clone();
        while !missing.is_empty() && Instant::now() < deadline {
            let Some(Ok(message)) = self.consumer.poll(POLL) else { continue };
            let Some(topic) = self.names.parse(message.topic()) else { continue };
            let partition = Partition { topic, number: message.partition() };
            if let Some(offset) = missing.remove(&partition)
                && let Some(time) = time_of(message.timestamp())
            {
                times.insert((partition, offset), time);
            }
        }
        self.consumer.unassign().map_err(|error| self.unreachable(&error))
    }
}
