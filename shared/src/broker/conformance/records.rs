//! Records: their order, and that they arrive as they were sent.

use super::{Factory, Reader, record, record_in, send_all};
use crate::{
    broker::{self, SendError},
    message::{Delivery, Headers, Record, Topic},
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use std::collections::{BTreeMap, BTreeSet};

const TOPIC: Topic = Topic::ScrapingTasks;

/// Records with the same key share a partition and arrive in the order they were sent, each once.
pub async fn order_holds_per_key(factory: &dyn Factory) {
    const KEYS: usize = 20;
    const EACH: usize = 25;
    let broker = factory.world(&[(TOPIC, 4)]).await;
    let records = (0..EACH)
        .flat_map(|turn| (0..KEYS).map(move |key| record(TOPIC, format!("host-{key}"), turn.to_string())));
    send_all(&*broker, records.collect()).await;

    let mut reader = Reader::join(factory, &*broker, "order", TOPIC).await;
    reader.reads(KEYS * EACH).await;
    let seen = reader.seen();
    assert_eq!(seen.records.len(), KEYS * EACH, "each once");
    let mut turns: BTreeMap<&[u8], Vec<String>> = BTreeMap::new();
    let mut homes: BTreeMap<&[u8], BTreeSet<i32>> = BTreeMap::new();
    for (delivery, text) in seen.records.iter().zip(seen.texts()) {
        let key = delivery.record.key.as_deref().expect("the key is kept");
        turns.entry(key).or_default().push(text);
        homes.entry(key).or_default().insert(delivery.partition);
    }
    let in_order: Vec<_> = (0..EACH).map(|turn| turn.to_string()).collect();
    assert!(turns.values().all(|turns| *turns == in_order), "order per key: {turns:?}");
    assert!(homes.values().all(|partitions| partitions.len() == 1), "one partition per key: {homes:?}");
    let used: BTreeSet<_> = homes.into_values().flatten().collect();
    assert!(used.len() > 1, "keys spread over partitions");
}

/// Sends one record into a topic of one partition and reads it back.
async fn round_trip(factory: &dyn Factory, records: Vec<Record>) -> Vec<Delivery> {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    let count = records.len();
    send_all(&*broker, records).await;
    let mut reader = Reader::join(factory, &*broker, "round-trip", TOPIC).await;
    reader.reads(count).await;
    let seen = reader.seen();
    assert_eq!(seen.records.len(), count);
    seen.records.clone()
}

/// Keys and values that are no text, empty or absent pass byte for byte, and stop nothing.
pub async fn any_bytes_pass(factory: &dyn Factory) {
    let poison: &[u8] = &[0xff, 0xfe, 0x00, 0xc3, 0x28, b'\n', 0x80];
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let cases: [(Option<&[u8]>, &[u8]); 6] = [
        (Some(poison), poison),
        (Some(b""), b""),
        (None, b""),
        (None, b"{\"cut\": "),
        (Some(b"nul\0inside"), b"\0"),
        (Some(b"k"), &every_byte),
    ];
    let records = cases.iter().map(|(key, payload)| Record {
        topic: TOPIC,
        partition: Some(0),
        key: key.map(Bytes::copy_from_slice),
        headers: Headers::default(),
        payload: Bytes::copy_from_slice(payload),
    });
    let arrived = round_trip(factory, records.collect()).await;
    for (delivery, (key, payload)) in arrived.iter().zip(cases) {
        assert_eq!((delivery.record.key.as_deref(), &*delivery.record.payload), (key, payload));
    }
}

/// Headers keep their order, their duplicates, and values that are empty or no text.
pub async fn headers_are_kept(factory: &dyn Factory) {
    let mut headers = Headers::with_capacity(260);
    headers.push("ce_id", "1");
    headers.push("ce_id", "2");
    headers.push("empty", "");
    headers.push("", "the name may be empty");
    headers.push("größe", "a name may be any text");
    headers.push("binary", vec![0xff, 0x00, 0xfe]);
    for number in 0..250 {
        headers.push(format!("x-{number}"), vec![b'v'; number]);
    }
    headers.push("ce_id", "3");
    let sent = Record { headers: headers.clone(), ..record(TOPIC, "k", "v") };
    let arrived = round_trip(factory, vec![sent, record(TOPIC, "k", "none")]).await;
    assert_eq!(arrived[0].record.headers, headers);
    assert!(arrived[1].record.headers.is_empty());
}

/// The broker does not deduplicate: that is the runtime's.
pub async fn a_record_sent_twice_arrives_twice(factory: &dyn Factory) {
    let same = record(TOPIC, "k", "same");
    let arrived = round_trip(factory, vec![same.clone(), same.clone()]).await;
    assert_eq!(arrived[0].record.payload, arrived[1].record.payload);
    assert!(arrived[0].offset < arrived[1].offset);
}

/// A page of 5 MiB that does not compress passes, and stops nothing.
pub async fn a_large_record_passes(factory: &dyn Factory) {
    let mut noise = fastrand::Rng::with_seed(7);
    let page: Vec<u8> = std::iter::repeat_with(|| noise.u8(..)).take(5 * 1024 * 1024).collect();
    // The large one has a partition to itself: a mock cluster keeps no more than that in one.
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let sent =
        vec![record_in(TOPIC, 1, "before"), record_in(TOPIC, 0, page.clone()), record_in(TOPIC, 1, "after")];
    send_all(&*broker, sent).await;
    let mut reader = Reader::join(factory, &*broker, "large", TOPIC).await;
    reader.reads(3).await;
    let seen = reader.seen();
    let large = seen.records.iter().find(|delivery| delivery.partition == 0);
    assert!(large.is_some_and(|delivery| delivery.record.payload == page), "5 MiB arrive as they were sent");
    assert_eq!(seen.texts_of(1), ["before", "after"]);
}

/// A sender may choose the partition; one that does not exist is an error.
pub async fn the_senders_partition_is_honoured(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 3)]).await;
    let producer = broker.producer();
    for number in [2, 0, 1, 2] {
        let position = broker::send(&*producer, record_in(TOPIC, number, number.to_string())).await;
        let position = position.expect("the record is taken");
        assert_eq!((position.partition.topic, position.partition.number), (TOPIC, number));
    }
    let beyond = broker::send(&*producer, record_in(TOPIC, 3, "x")).await;
    assert!(matches!(&beyond, Err(SendError::NoTopic(what)) if what.contains("partition 3")), "{beyond:?}");

    let mut reader = Reader::join(factory, &*broker, "chosen", TOPIC).await;
    reader.reads(4).await;
    let seen = reader.seen();
    assert!(
        seen.records.iter().zip(seen.texts()).all(|(delivery, text)| delivery.partition.to_string() == text)
    );
}

/// A topic that was never made is an error, not a new topic.
pub async fn a_missing_topic_is_told(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    let sent = broker::send(&*broker.producer(), record(Topic::DeadLetter, "k", "v")).await;
    match sent {
        Err(SendError::NoTopic(name)) => assert!(name.ends_with("dead-letter"), "{name}"),
        other => panic!("a missing topic gave {other:?}"),
    }
    send_all(&*broker, vec![record(TOPIC, "k", "v")]).await;
}

/// After a flush no confirmation has to be waited for.
pub async fn flush_waits_for_every_confirmation(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let producer = broker.producer();
    let queued =
        (0..200).map(|n| producer.enqueue(record(TOPIC, format!("{n}"), "v")).map_err(|(error, _)| error));
    let confirmations = queued.collect::<Result<Vec<_>, _>>().expect("200 small records fit the queue");
    producer.flush(factory.abilities().patience).await.expect("everything is flushed");
    for confirmation in confirmations {
        // Unconstrained, or tokio would make the task yield in the middle of so many ready futures.
        let position = tokio::task::unconstrained(confirmation).now_or_never();
        assert!(matches!(position, Some(Ok(_))), "confirmed by the flush: {position:?}");
    }
}
