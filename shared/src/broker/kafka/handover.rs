//! Between the poll thread and the service: a bounded queue of events.
//!
//! The bound is kept by the poll thread, which stops polling for records when the queue is full;
//! events of a rebalance always fit. Records of partitions that go away are dropped here, before
//! anybody started on them.

use crate::{
    broker::{BrokerError, Event, Partition},
    message::Delivery,
};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Records handed over at once: enough to spread the cost of a wake-up, few enough to stay small.
const BATCH_RECORDS: usize = 128;
/// Bytes handed over at once; one record may be larger.
const BATCH_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Handover {
    max_records: usize,
    max_bytes: usize,
    state: Mutex<State>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Item>,
    records: usize,
    bytes: usize,
    /// Events of rebalances: how many there were, and how many were taken.
    rebalances: u64,
    rebalances_told: u64,
    end: Option<BrokerError>,
}

#[derive(Debug)]
enum Item {
    Records { records: Vec<Delivery>, bytes: usize },
    Other(Event),
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// At most half.
    Low,
    /// Above half, with room.
    Middle,
    /// No room.
    Full,
}

impl Handover {
    pub(super) fn new(max_records: usize, max_bytes: usize) -> Self {
        Self { max_records, max_bytes, state: Mutex::default(), ready: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn level_of(&self, state: &State) -> Level {
        if state.records >= self.max_records || state.bytes >= self.max_bytes {
            Level::Full
        } else if state.records * 2 > self.max_records || state.bytes * 2 > self.max_bytes {
            Level::Middle
        } else {
            Level::Low
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level_of(&self.state())
    }

    /// Adds a record and says how full it is now. Takers are told by [`Handover::wake`].
    pub(super) fn push_record(&self, delivery: Delivery) -> Level {
        let mut state = self.state();
        let size = delivery.record.size();
        state.records += 1;
        state.bytes += size;
        match state.events.back_mut() {
            Some(Item::Records { records, bytes })
                if records.len() < BATCH_RECORDS && *bytes + size <= BATCH_BYTES =>
            {
                records.push(delivery);
                *bytes += size;
            }
            _ => state.events.push_back(Item::Records { records: vec![delivery], bytes: size }),
        }
        self.level_of(&state)
    }

    /// Adds an event that the records pushed later depend on.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.state();
        state.rebalances += 1;
        state.events.push_back(Item::Other(event));
        drop(state);
        self.wake();
    }

    /// Adds an event that no record in the queue depends on, ahead of them: the whole group waits
    /// for a revocation, however much the service has to do before. The order of such events stays.
    pub(super) fn push_ahead(&self, event: Event) {
        let mut state = self.state();
        let at =
            state.events.iter().rposition(|item| matches!(item, Item::Other(_))).map_or(0, |last| last + 1);
        state.rebalances += 1;
        state.events.insert(at, Item::Other(event));
        drop(state);
        self.wake();
    }

    /// How many events of rebalances there were.
    pub(super) fn rebalances(&self) -> u64 {
        self.state().rebalances
    }

    /// How many of them the service has taken. As many: what it knows of its partitions is how things stand.
    pub(super) fn rebalances_told(&self) -> u64 {
        self.state().rebalances_told
    }

    /// Tells a waiting taker to look.
    pub(super) fn wake(&self) {
        self.ready.notify_one();
    }

    /// Drops the records of partitions that go away.
    pub(super) fn forget(&self, partitions: &[Partition]) {
        let mut state = self.state();
        let state = &mut *state;
        for item in &mut state.events {
            let Item::Records { records, bytes } = item else { continue };
            records.retain(|delivery| {
                let partition = Partition { topic: delivery.record.topic, number: delivery.partition };
                let stays = !partitions.contains(&partition);
                if !stays {
                    let size = delivery.record.size();
                    *bytes -= size;
                    state.bytes -= size;
                    state.records -= 1;
                }
                stays
            });
        }
        state.events.retain(|item| !matches!(item, Item::Records { records, .. } if records.is_empty()));
    }

    /// Nothing comes any more: what is left is given out, then this error, again and again.
    pub(super) fn end(&self, error: BrokerError) {
        self.state().end.get_or_insert(error);
        self.wake();
    }

    /// Drops everything. Rebalances that wait for a guard in here go on.
    pub(super) fn clear(&self) {
        let dropped = std::mem::take(&mut *self.state());
        let mut state = self.state();
        state.end = dropped.end;
        (state.rebalances, state.rebalances_told) = (dropped.rebalances, dropped.rebalances_told);
    }

    fn take(&self) -> Option<(Result<Event, BrokerError>, Relief)> {
        let mut state = self.state();
        let before = self.level_of(&state);
        let event = match state.events.pop_front() {
            Some(Item::Records { records, bytes }) => {
                state.records -= records.len();
                state.bytes -= bytes;
                Event::Records(records)
            }
            Some(Item::Other(event)) => {
                state.rebalances_told += 1;
                event
            }
            None => return state.end.clone().map(|error| (Err(error), Relief::No)),
        };
        let relief = match (before, self.level_of(&state)) {
            (Level::Full, Level::Low | Level::Middle) | (Level::Middle, Level::Low) => Relief::Yes,
            _ => Relief::No,
        };
        if !state.events.is_empty() {
            // One wake-up may stand for many events; pass it on.
            self.ready.notify_one();
        }
        Some((Ok(event), relief))
    }

    /// The next event, and whether taking it made room that the poll thread may wait for.
    /// Cancel-safe: an event is taken in the same step that returns it.
    pub(super) async fn next(&self) -> (Result<Event, BrokerError>, Relief) {
        loop {
            if let Some(taken) = self.take() {
                return taken;
            }
            self.ready.notified().await;
        }
    }

    fn take_rebalance(&self) -> Option<Result<Event, BrokerError>> {
        let mut state = self.state();
        let at = state.events.iter().position(|item| matches!(item, Item::Other(_)));
        match at.and_then(|at| state.events.remove(at)) {
            Some(Item::Other(event)) => {
                state.rebalances_told += 1;
                Some(Ok(event))
            }
            _ => state.end.clone().map(Err),
        }
    }

    /// The next event of a rebalance, past the records before it: those are of partitions that it does not concern, for
    /// records of partitions that go away are dropped when they go. Cancel-safe.
    pub(super) async fn next_rebalance(&self) -> Result<Event, BrokerError> {
        loop {
            if let Some(taken) = self.take_rebalance() {
                return taken;
            }
            self.ready.notified().await;
        }
    }
}

/// Whether taking an event made room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relief {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::RevokeGuard,
        message::{Headers, Record, Topic},
    };
    use bytes::Bytes;
    use jiff::Timestamp;

    fn delivery(partition: i32, offset: i64, size: usize) -> Delivery {
        Delivery {
            record: Record {
                topic: Topic::Retry,
                partition: None,
                key: None,
                headers: Headers::default(),
                payload: Bytes::from(vec![0; size]),
            },
            partition,
            offset,
            high_watermark: offset + 1,
            timestamp: Timestamp::UNIX_EPOCH,
        }
    }

    fn offsets(event: Event) -> Vec<i64> {
        match event {
            Event::Records(records) => records.iter().map(|record| record.offset).collect(),
            other => panic!("no records: {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_bound_is_told_and_taking_gives_relief() {
        let handover = Handover::new(4, usize::MAX / 4);
        assert_eq!(handover.push_record(delivery(0, 0, 1)), Level::Low);
        assert_eq!(handover.push_record(delivery(0, 1, 1)), Level::Low);
        assert_eq!(handover.push_record(delivery(0, 2, 1)), Level::Middle);
        assert_eq!(handover.push_record(delivery(0, 3, 1)), Level::Full);
        let (event, relief) = handover.next().await;
        assert_eq!((offsets(event.unwrap()), relief), (vec![0, 1, 2, 3], Relief::Yes));
        assert_eq!(handover.level(), Level::Low);
    }

    #[tokio::test]
    async fn bytes_count_as_well_as_records() {
        let handover = Handover::new(100, 1000);
        assert_eq!(handover.push_record(delivery(0, 0, 2000)), Level::Full);
    }

    #[tokio::test]
    async fn records_of_partitions_that_go_away_are_dropped_and_the_order_stays() {
        let handover = Handover::new(100, 10_000);
        for offset in 0..3 {
            handover.push_record(delivery(0, offset, 1));
            handover.push_record(delivery(1, offset + 10, 1));
        }
        handover.push(Event::Assigned(Vec::new()));
        handover.push_record(delivery(1, 13, 1));
        handover.forget(&[Partition { topic: Topic::Retry, number: 1 }]);
        assert_eq!(offsets(handover.next().await.0.unwrap()), [0, 1, 2]);
        assert!(matches!(handover.next().await.0.unwrap(), Event::Assigned(_)));
        assert_eq!(handover.level(), Level::Low);
        handover.end(BrokerError::Fatal("fenced".to_owned()));
        assert!(handover.next().await.0.is_err());
        assert!(handover.next().await.0.is_err(), "the end stays");
    }

    #[tokio::test]
    async fn a_revocation_overtakes_records_but_no_assignment() {
        let revoked = || Event::Revoked {
            partitions: vec![Partition { topic: Topic::Retry, number: 9 }],
            lost: true,
            done: RevokeGuard::none(),
        };
        let handover = Handover::new(100, 10_000);
        handover.push_record(delivery(0, 0, 1));
        handover.push_ahead(revoked());
        assert!(matches!(handover.next().await.0.unwrap(), Event::Revoked { .. }));

        handover.push(Event::Assigned(Vec::new()));
        handover.push_record(delivery(1, 0, 1));
        handover.push_ahead(revoked());
        assert_eq!(offsets(handover.next().await.0.unwrap()), [0]);
        assert!(matches!(handover.next().await.0.unwrap(), Event::Assigned(_)));
        assert_eq!((handover.rebalances(), handover.rebalances_told()), (3, 2), "one is not told yet");
        assert!(matches!(handover.next().await.0.unwrap(), Event::Revoked { .. }));
        assert_eq!((handover.rebalances(), handover.rebalances_told()), (3, 3));
        assert_eq!(offsets(handover.next().await.0.unwrap()), [0]);
    }

    #[tokio::test]
    async fn who_has_no_room_for_records_hears_of_rebalances_and_of_the_end() {
        let handover = Handover::new(100, 10_000);
        handover.push_record(delivery(0, 0, 1));
        handover.push(Event::Assigned(Vec::new()));
        handover.push_record(delivery(1, 0, 1));
        assert!(matches!(handover.next_rebalance().await.unwrap(), Event::Assigned(_)));
        assert_eq!((handover.rebalances(), handover.rebalances_told()), (1, 1));
        handover.end(BrokerError::Fatal("fenced".to_owned()));
        assert!(handover.next_rebalance().await.is_err());
        assert_eq!(offsets(handover.next().await.0.unwrap()), [0], "records stay");
    }

    #[tokio::test]
    async fn what_was_left_is_given_out_before_the_end() {
        let handover = Handover::new(100, 10_000);
        handover.push_record(delivery(0, 0, 1));
        handover.end(BrokerError::Fatal("fenced".to_owned()));
        assert_eq!(offsets(handover.next().await.0.unwrap()), [0]);
        assert!(handover.next().await.0.is_err());
    }
}
