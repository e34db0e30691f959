//! Our topics, as the cluster has them.

use super::Inspector;
use crate::{broker::BrokerError, message::Topic};
use rdkafka::consumer::Consumer as _;
use serde::Serialize;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicReport {
    /// Which.
    pub topic: Topic,
    /// As the cluster calls it.
    pub name: String,
    /// Its partitions, by number; none where the cluster has no such topic.
    pub partitions: Vec<PartitionReport>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// Its number.
    pub partition: i32,
    /// The broker that serves it; negative when none does.
    pub leader: i32,
    /// The brokers that have a copy.
    pub replicas: Vec<i32>,
    /// Those whose copy is complete.
    pub in_sync: Vec<i32>,
    /// The oldest offset that is kept.
    pub first: i64,
    /// The offset behind the newest record.
    pub end: i64,
}

impl TopicReport {
    /// Records that are kept.
    #[must_use]
    pub fn records(&self) -> i64 {
        self.partitions.iter().map(|partition| partition.end - partition.first).sum()
    }

    /// Partitions that lack a copy, or anybody who serves them.
    #[must_use]
    pub fn under_replicated(&self) -> usize {
        let is_short = |partition: &&PartitionReport| {
            partition.leader < 0 || partition.in_sync.len() < partition.replicas.len()
        };
        self.partitions.iter().filter(is_short).count()
    }
}

impl Inspector {
    /// All five topics, in the order of the pipeline.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn topics(&self) -> Result<Vec<TopicReport>, BrokerError> {
        // All topics are asked for: asking for one by its name may make it.
        let metadata = self.consumer.fetch_metadata(None, self.timeout).map_err(|e| self.unreachable(&e))?;
        let mut reports = Vec::with_capacity(Topic::ALL.len());
        for topic in Topic::ALL {
            let name = self.names.topic(topic);
            let found =
                metadata.topics().iter().find(|known| known.name() == name && known.error().is_none());
            let mut partitions = Vec::new();
            for partition in found.map_or(&[][..], |found| found.partitions()) {
                let (first, end) = self.ends(topic, partition.id())?;
                partitions.push(PartitionReport {
                    partition: partition.id(),
                    leader: partition.leader(),
                    replicas: partition.replicas().to_vec(),
                    in_sync: partition.isr().to_vec(),
                    first,
                    end,
                });
            }
            partitions.sort_by_key(|partition| partition.partition);
            reports.push(TopicReport { topic, name: name.to_owned(), partitions });
        }
        Ok(reports)
    }

    /// One topic that must be there.
    ///
    /// # Errors
    /// When no broker answers, or there is no such topic.
    pub(super) fn topic(&self, topic: Topic) -> Result<TopicReport, BrokerError> {
        let found = self.topics()?.into_iter().find(|report| report.topic == topic);
        let found = found.filter(|report| !report.partitions.is_empty());
        found.ok_or_else(|| BrokerError::BadTopic {
            topic: self.names.topic(topic).to_owned(),
            reason: "the cluster has no such topic (is kafka.topic_prefix right?)".to_owned(),
        })
    }

    /// The first offset and the one behind the last. A partition that nobody serves has none.
    fn ends(&self, topic: Topic, partition: i32) -> Result<(i64, i64), BrokerError> {
        self.consumer
            .fetch_watermarks(self.names.topic(topic), partition, self.timeout)
            .map_err(|error| self.unreachable(&error))
    }
}
