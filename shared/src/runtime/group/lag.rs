//! How far behind a member is: in messages, and in seconds.
//!
//! The seconds are what matters: a backlog of ten thousand may be gone in a moment, and one message that nobody
//! finishes is trouble. They are told at every tick, so that they grow while nothing moves.

use super::{GroupLoop, State};
use crate::message::Delivery;
use jiff::Timestamp;
use std::collections::VecDeque;

/// When the records of a partition were produced, from the oldest unfinished one on.
#[derive(Debug, Default)]
pub(super) struct Ages {
    received: VecDeque<(i64, Timestamp)>,
    newest: Option<Timestamp>,
}

impl Ages {
    pub(super) fn received(&mut self, delivery: &Delivery) {
        self.newest = Some(delivery.timestamp);
        self.received.push_back((delivery.offset, delivery.timestamp));
    }

    /// When the record at the watermark was produced. One that was not received yet is no older than the newest
    /// that was.
    fn at(&mut self, watermark: i64) -> Option<Timestamp> {
        while self.received.front().is_some_and(|(offset, _)| *offset < watermark) {
            self.received.pop_front();
        }
        self.received.front().map(|(_, at)| *at).or(self.newest)
    }
}

impl GroupLoop {
    /// Tells the metrics how far behind each partition is.
    pub(super) fn report_lag(&self, state: &mut State) {
        let now = self.worker.runtime.clock.now();
        for (partition, assigned) in &mut state.assigned {
            let watermark = assigned.tracker.watermark();
            let messages = (assigned.high_watermark - watermark).max(0);
            let since = assigned.ages.at(watermark).filter(|_| messages > 0);
            let seconds = since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
            self.worker.metrics.lag(partition.topic, partition.number, messages, seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Headers, Record, Topic};

    #[test]
    fn the_oldest_unfinished_record_tells_the_age() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let delivery = |offset: i64| Delivery {
            record: Record {
                topic: Topic::Retry,
                partition: None,
                key: None,
                headers: Headers::default(),
                payload: bytes::Bytes::new(),
            },
            partition: 0,
            offset,
            high_watermark: 10,
            timestamp: at(offset * 100),
        };
        let mut ages = Ages::default();
        assert_eq!(ages.at(0), None);
        (3..=5).for_each(|offset| ages.received(&delivery(offset)));
        assert_eq!(ages.at(3), Some(at(300)));
        assert_eq!(ages.at(5), Some(at(500)));
        assert_eq!(ages.at(6), Some(at(500)), "what comes next is no older");
        assert!(ages.received.is_empty());
    }
}
