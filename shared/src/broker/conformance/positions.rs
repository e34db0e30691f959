//! Where a group begins, and how far behind it is.

use super::{Factory, Reader, reader::OnRevoke, record, record_in, send_all};
use crate::{
    broker::{Broker, Start, Subscription},
    message::Topic,
};
use jiff::Timestamp;

const TOPIC: Topic = Topic::DeadLetter;

async fn join(factory: &dyn Factory, broker: &dyn Broker, group: &str, start: Start, replay: bool) -> Reader {
    let subscription = Subscription { start, replay, ..Subscription::new(group, [TOPIC]) };
    Reader::subscribe(factory, broker, subscription, OnRevoke::LetGo).await
}

async fn send_texts(broker: &dyn Broker, texts: &[&'static str]) {
    send_all(broker, texts.iter().map(|text| record_in(TOPIC, 0, *text)).collect()).await;
}

/// A replay reads everything again, though the group had finished it.
pub async fn a_replay_begins_at_the_beginning(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    send_texts(&*broker, &["a", "b", "c"]).await;
    let mut first = join(factory, &*broker, "ledger", Start::Earliest, false).await;
    first.reads(3).await;
    first.commit_all().await;
    first.close().await;

    let mut replay = join(factory, &*broker, "ledger", Start::Earliest, true).await;
    replay.reads(3).await;
    {
        let seen = replay.seen();
        assert_eq!(seen.texts(), ["a", "b", "c"]);
        assert!(
            seen.owned.values().all(Option::is_none),
            "what was finished before says nothing of this run"
        );
    }
    replay.commit_all().await;
    replay.close().await;

    let mut after = join(factory, &*broker, "ledger", Start::Earliest, false).await;
    after.owns(1).await;
    send_texts(&*broker, &["d"]).await;
    after.reads(1).await;
    assert_eq!(after.seen().texts(), ["d"], "goes on behind what was committed");
}

/// A replay from an instant reads what was produced at or after it.
pub async fn a_replay_begins_at_an_instant(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    send_texts(&*broker, &["old", "older"]).await;
    let mut reader = join(factory, &*broker, "instant", Start::Earliest, false).await;
    reader.reads(2).await;
    let last = reader.seen().records.iter().map(|delivery| delivery.timestamp).max();
    let last = last.expect("two records were read").as_millisecond();
    // Brokers tell time in milliseconds: wait for the next one.
    while Timestamp::now().as_millisecond() <= last {
        tokio::task::yield_now().await;
    }
    let instant = Timestamp::from_millisecond(last + 1).expect("a time of today");
    send_texts(&*broker, &["new", "newer"]).await;
    reader.reads(4).await;
    reader.commit_all().await;
    reader.close().await;

    let mut replay = join(factory, &*broker, "instant", Start::Timestamp(instant), true).await;
    replay.reads(2).await;
    assert_eq!(replay.seen().texts(), ["new", "newer"]);

    let tomorrow = Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let mut future = join(factory, &*broker, "future", Start::Timestamp(tomorrow), false).await;
    future.owns(1).await;
    send_texts(&*broker, &["next"]).await;
    future.reads(1).await;
    assert_eq!(future.seen().texts(), ["next"], "where nothing is that young, with the next record");
}

/// `Start::Latest` skips what is there, and nothing that comes after the assignment.
pub async fn a_new_group_may_begin_with_the_next_record(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    send_texts(&*broker, &["old"]).await;
    let mut reader = join(factory, &*broker, "latest", Start::Latest, false).await;
    reader.owns(1).await;
    send_texts(&*broker, &["next"]).await;
    reader.reads(1).await;
    assert_eq!(reader.seen().texts(), ["next"]);
}

/// The high watermark is behind the record itself, and timestamps are of now.
pub async fn watermarks_are_ahead_of_offsets(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    send_all(&*broker, (0..20).map(|_| record(TOPIC, "k", "v")).collect()).await;
    let mut reader = join(factory, &*broker, "watermarks", Start::Earliest, false).await;
    reader.reads(20).await;
    let seen = reader.seen();
    assert!(
        seen.records.iter().all(|delivery| (delivery.offset + 1..=20).contains(&delivery.high_watermark))
    );
    assert_eq!(seen.records.last().map(|delivery| delivery.high_watermark), Some(20));
}
