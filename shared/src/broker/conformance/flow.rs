//! Backpressure and pausing.

use super::{Factory, Reader, record_in, send_all};
use crate::{
    broker::{Event, Partition},
    message::Topic,
};

const TOPIC: Topic = Topic::ScrapedData;

/// A member that takes nothing for a while stays in its group, and then gets everything once, in
/// order.
pub async fn an_idle_member_stays_and_misses_nothing(factory: &dyn Factory) {
    const RECORDS: usize = 3_000;
    let abilities = factory.abilities();
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let page = "x".repeat(500);
    let batch = (0..RECORDS).map(|n| record_in(TOPIC, i32::from(n % 2 == 0), format!("{n} {page}")));
    send_all(&*broker, batch.collect()).await;

    let mut reader = Reader::join(factory, &*broker, "idle", TOPIC).await;
    reader.reads(1).await;
    let mut taken: Vec<(i32, i64)> = Vec::new();
    let note = |taken: &mut Vec<_>, records: &[crate::message::Delivery]| {
        taken.extend(records.iter().map(|record| (record.partition, record.offset)));
    };
    note(&mut taken, &reader.seen().records);
    let sleeper = reader.fall_asleep().await;
    // Time is the subject here: longer than an unresponsive member is put up with.
    tokio::time::sleep(abilities.idle).await;

    while taken.len() < RECORDS {
        let event = tokio::time::timeout(abilities.patience, sleeper.next()).await;
        match event.expect("records go on coming").expect("a healthy consumer") {
            Event::Records(records) => note(&mut taken, &records),
            other => panic!("the member did not stay in its group: {other:?}"),
        }
    }
    for number in 0..2 {
        let offsets: Vec<_> =
            taken.iter().filter(|(partition, _)| *partition == number).map(|(_, offset)| *offset).collect();
        assert!(offsets.is_sorted_by(|a, b| a < b), "in order, each once");
    }
    assert_eq!(taken.len(), RECORDS);
}

/// Nothing that is sent to a paused partition comes, everything else does; nothing is missing
/// afterwards.
pub async fn paused_partitions_do_not_flow(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let (paused, open) = (Partition { topic: TOPIC, number: 0 }, 1);
    let mut reader = Reader::join(factory, &*broker, "paused", TOPIC).await;
    reader.owns(2).await;
    send_all(&*broker, vec![record_in(TOPIC, 0, "before"), record_in(TOPIC, 1, "before")]).await;
    reader.reads(2).await;

    reader.set_paused(&[paused], true).await;
    for round in 1..=3 {
        let both = (0..10).flat_map(|_| [record_in(TOPIC, 0, "during"), record_in(TOPIC, open, "during")]);
        send_all(&*broker, both.collect()).await;
        reader.wait("the open partition", |seen| seen.texts_of(open).len() == 1 + 10 * round).await;
        assert_eq!(reader.seen().texts_of(0), ["before"], "paused");
    }
    let unknown = Partition { topic: Topic::Retry, number: 7 };
    reader.set_paused(&[unknown], true).await;
    reader.set_paused(&[paused, unknown], false).await;
    reader.reads(2 + 60).await;
    let offsets: Vec<_> =
        reader.seen().records.iter().filter(|r| r.partition == 0).map(|r| r.offset).collect();
    assert_eq!(offsets, (0..31).collect::<Vec<_>>());
}
