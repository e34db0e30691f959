//! Reading records where one likes, without a group.

use super::Inspector;
use crate::{
    broker::{BrokerError, kafka::delivery},
    message::{Delivery, Topic},
};
use jiff::Timestamp;
use rdkafka::{
    Offset, TopicPartitionList, consumer::Consumer as _, error::KafkaError, types::RDKafkaErrorCode as Code,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    time::Duration,
};

/// How long one look for records takes.
const POLL: Duration = Duration::from_millis(200);

/// Where to begin in each partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// With the oldest record that is kept.
    Beginning,
    /// Behind the newest record.
    End,
    /// With this offset.
    Offset(i64),
    /// With the first record that is no older than this.
    Time(Timestamp),
    /// With so many records before the end.
    Last(i64),
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// The topic.
    pub topic: Topic,
    /// One partition of it, or all.
    pub partition: Option<i32>,
    /// Where to begin.
    pub from: Place,
    /// Whether to wait for more at the end.
    pub follow: bool,
}

impl Inspector {
    /// For each partition of a topic the first offset that is kept, the one to begin with, and the end.
    ///
    /// # Errors
    /// When no broker answers, or there is no such topic.
    pub fn places(&self, topic: Topic, from: Place) -> Result<BTreeMap<i32, (i64, i64, i64)>, BrokerError> {
        let report = self.topic(topic)?;
        let mut by_time = BTreeMap::new();
        if let Place::Time(at) = from {
            let mut wanted = TopicPartitionList::new();
            for partition in &report.partitions {
                let place = Offset::Offset(at.as_millisecond());
                // The only thing that can be wrong with it is a negative offset.
                let _ = wanted.add_partition_offset(&report.name, partition.partition, place);
            }
            let found =
                self.consumer.offsets_for_times(wanted, self.timeout).map_err(|e| self.unreachable(&e))?;
            for element in found.elements() {
                by_time.insert(element.partition(), element.offset().to_raw().filter(|offset| *offset >= 0));
            }
        }
        let place = |partition: &super::PartitionReport| {
            let (first, end) = (partition.first, partition.end);
            let begin = match from {
                Place::Beginning => first,
                Place::End => end,
                Place::Offset(offset) => offset,
                Place::Time(_) => by_time.get(&partition.partition).copied().flatten().unwrap_or(end),
                Place::Last(records) => end - records,
            };
            (partition.partition, (first, begin.clamp(first, end), end))
        };
        Ok(report.partitions.iter().map(place).collect())
    }

    /// Hands over records until there are no more, or `each` has seen enough. Within a partition they come in order.
    ///
    /// # Errors
    /// When no broker answers, or there is no such topic or partition.
    pub fn read(
        &self,
        tail: Tail,
        each: &mut dyn FnMut(Delivery) -> ControlFlow<()>,
    ) -> Result<(), BrokerError> {
        let name = self.names.topic(tail.topic);
        let mut places = self.places(tail.topic, tail.from)?;
        if let Some(only) = tail.partition {
            places.retain(|partition, _| *partition == only);
            if places.is_empty() {
                let reason = format!("it has no partition {only}");
                return Err(BrokerError::BadTopic { topic: name.to_owned(), reason });
            }
        }
        let mut assignment = TopicPartitionList::new();
        let mut unread = BTreeSet::new();
        for (partition, (_, begin, end)) in &places {
            if tail.follow || begin < end {
                let _ = assignment.add_partition_offset(name, *partition, Offset::Offset(*begin));
                unread.insert(*partition);
            }
        }
        self.consumer.assign(&assignment).map_err(|error| self.unreachable(&error))?;
        let ends = |partition: i32| places.get(&partition).map_or(0, |(_, _, end)| *end);
        while !unread.is_empty() {
            match self.consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    let Some(delivery) = delivery::read(&message, &self.names, |p| Some(ends(p.number)))
                    else {
                        continue;
                    };
                    let (partition, next) = (delivery.partition, delivery.offset + 1);
                    if !tail.follow && delivery.offset >= ends(partition) {
                        unread.remove(&partition);
                        continue;
                    }
                    if each(delivery).is_break() {
                        break;
                    }
                    if !tail.follow && next >= ends(partition) {
                        unread.remove(&partition);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) if tail.follow => {}
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unread.remove(&partition);
                }
                Some(Err(KafkaError::MessageConsumption(
                    Code::AllBrokersDown | Code::BrokerTransportFailure,
                ))) if tail.follow => {}
                Some(Err(error)) => return Err(self.unreachable(&error)),
            }
        }
        self.consumer.unassign().map_err(|error| self.unreachable(&error))
    }
}
