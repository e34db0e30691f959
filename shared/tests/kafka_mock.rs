//! The Kafka adapter against librdkafka's mock cluster: what every broker must do, and what only a
//! cluster that fails on command can show.

mod kafka;

use bytes::Bytes;
use kafka::{Mock, quick, spec};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use trawl_shared::{
    broker::{
        self, Broker, BrokerError, Commit, Connection, Partition, SendError, Subscription, TopicState,
        conformance::{self, Reader, record},
        kafka::{Compression, Kafka, KafkaSettings, Partitioner},
    },
    message::Topic,
};

const TOPIC: Topic = Topic::ScrapingTasks;
const NOWHERE: &str = "127.0.0.1:1";

fn connect(settings: KafkaSettings) -> Kafka {
    Kafka::connect(settings).expect("settings are taken")
}

/// Waits for something that is only asked for, never told.
async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain for {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(Arc::new(Mock::start())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_shows_and_loses_nothing() {
    let mock = Mock::start();
    let broker = connect(mock.settings(&[(TOPIC, 1)]));
    let mut reader = Reader::join(&mock, &broker, "outage", TOPIC).await;
    conformance::send_all(&broker, vec![record(TOPIC, "k", "before")]).await;
    reader.reads(1).await;
    assert_eq!(broker.connection(), Connection::Up);
    assert!(broker.brokers().iter().any(|broker| broker.state == "UP"), "{:?}", broker.brokers());

    mock.cluster.go_down();
    eventually(
        "the outage to show",
        || matches!(broker.connection(), Connection::Down(why) if !why.is_empty()),
    )
    .await;
    let commit = tokio::time::timeout(Duration::from_secs(3), reader.try_commit_all()).await;
    assert!(commit.expect("a commit is not held up").is_err(), "nobody takes it");
    let producer = broker.producer();
    let during =
        (0..20).map(|n| producer.enqueue(record(TOPIC, "k", n.to_string())).map_err(|(error, _)| error));
    let confirmations: Vec<_> = during.collect::<Result<_, _>>().expect("they fit the queue");

    mock.cluster.come_up();
    for confirmation in confirmations {
        confirmation.await.expect("sent once the brokers are back");
    }
    reader.reads(21).await;
    let in_order: Vec<_> = ["before".to_owned()].into_iter().chain((0..20).map(|n| n.to_string())).collect();
    assert_eq!(reader.seen().texts(), in_order, "once each, in order");
    reader.commit_all().await;
    eventually("the connection to show", || broker.connection() == Connection::Up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_coordinator_is_asked_again() {
    let mock = Mock::start();
    let broker = connect(mock.settings(&[(TOPIC, 1)]));
    let consumer = broker.subscribe(Subscription::new("busy", [TOPIC])).await.expect("a group can be joined");
    conformance::send_all(&broker, vec![record(TOPIC, "k", "v")]).await;
    while !matches!(consumer.next().await, Ok(broker::Event::Records(_))) {}
    let commit =
        || Commit { partition: Partition { topic: TOPIC, number: 0 }, offset: 1, metadata: String::new() };

    mock.cluster.refuse_commits(2);
    consumer.commit(vec![commit()]).await.expect("the third try passes");
    mock.cluster.refuse_commits(40);
    let refused = consumer.commit(vec![commit()]).await;
    assert!(matches!(refused, Err(BrokerError::Commit(_))), "{refused:?}");
    consumer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_looked_for_even_where_their_limits_cannot_be_read() {
    let mock = Mock::start();
    let topics = BTreeMap::from([(TOPIC, spec(4))]);
    let forbidden = KafkaSettings { create_topics: false, ..mock.settings(&[]) };
    let missing = connect(forbidden).ensure_topics(&topics).await;
    assert!(
        matches!(&missing, Err(BrokerError::MissingTopic(name)) if name.ends_with("scraping-tasks")),
        "{missing:?}"
    );

    // The mock has no admin interface: it can't say how large a record a topic takes.
    let states = connect(mock.settings(&[(TOPIC, 3)])).ensure_topics(&topics).await;
    assert_eq!(states.expect("the topic is there")[&TOPIC], TopicState::Exists { partitions: 3 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_cluster_is_told_in_time_with_its_address() {
    let settings = KafkaSettings { connect_timeout_ms: 1_500, ..quick(NOWHERE, String::new()) };
    let broker = connect(settings);
    let topics = BTreeMap::from([(TOPIC, spec(1))]);
    let ensured = tokio::time::timeout(Duration::from_secs(10), broker.ensure_topics(&topics)).await;
    match ensured.expect("it gives up in time") {
        Err(BrokerError::Unreachable { brokers, reason }) => {
            assert_eq!(brokers, NOWHERE);
            assert!(reason.contains("refused"), "{reason}");
        }
        other => panic!("nobody is there, but: {other:?}"),
    }
    eventually("the outage to show", || matches!(broker.connection(), Connection::Down(_))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_nobody_takes_times_out() {
    let mut settings = quick(NOWHERE, String::new());
    settings.producer.delivery_timeout_ms = 500;
    let broker = connect(settings);
    let sent = broker::send(&*broker.producer(), record(TOPIC, "k", "v")).await;
    assert!(matches!(&sent, Err(SendError::Timeout(why)) if why.contains("refused")), "{sent:?}");
    assert!(sent.is_err_and(|error| error.may_pass_later()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_gives_the_record_back() {
    let mut settings = quick(NOWHERE, String::new());
    settings.producer.queue_records = 10;
    let broker = connect(settings);
    let producer = broker.producer();
    let confirmations: Vec<_> = (0..10).map(|_| producer.enqueue(record(TOPIC, "k", "v")).is_ok()).collect();
    assert_eq!(confirmations, [true; 10]);
    let (error, back) = producer.enqueue(record(TOPIC, "k", "eleventh")).err().expect("there is no room");
    assert_eq!((error, &*back.payload), (SendError::Full, &b"eleventh"[..]));

    let flushed = producer.flush(Duration::from_millis(200)).await;
    assert!(matches!(&flushed, Err(SendError::Timeout(why)) if why.contains("10 records")), "{flushed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_when_the_producer_goes_fails_and_is_not_forgotten() {
    let broker = connect(quick(NOWHERE, String::new()));
    let confirmation = broker.producer().enqueue(record(TOPIC, "k", "v")).map_err(|(error, _)| error);
    let confirmation = confirmation.expect("it is queued");
    drop(broker);
    let outcome = confirmation.await;
    assert!(matches!(outcome, Err(SendError::Timeout(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_above_the_limit_is_told_with_its_size() {
    let mock = Mock::start();
    let mut settings = mock.settings(&[(TOPIC, 1)]);
    settings.producer.max_message_bytes = 100_000;
    let broker = connect(settings);
    let sent = broker::send(&*broker.producer(), record(TOPIC, "k", vec![0; 500_000])).await;
    match sent {
        Err(SendError::TooLarge { topic, size }) => {
            assert!(topic.ends_with("scraping-tasks"));
            assert!(size >= 500_000);
        }
        other => panic!("too large, but: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_settings_are_named() {
    let with = |name: &str, value: &str| {
        let mut settings = quick(NOWHERE, String::new());
        settings.options.insert(name.to_owned(), value.to_owned());
        Kafka::connect(settings).err().map(|error| error.to_string()).expect("it is refused")
    };
    assert!(with("no.such.setting", "1").contains("no.such.setting"));
    assert!(with("socket.timeout.ms", "soon").contains("socket.timeout.ms"));
    assert!(with("enable.auto.commit", "true").contains("enable.auto.commit"));
    let mut settings = quick(NOWHERE, String::new());
    settings.producer.partitioner = "murmur".to_owned();
    let error = Kafka::connect(settings).err().expect("it is refused").to_string();
    assert!(error.contains("murmur2_random"), "{error}");
}

async fn partitions_of(broker: &Kafka, keys: &[&'static str]) -> Vec<i32> {
    let producer = broker.producer();
    let mut partitions = Vec::new();
    for key in keys {
        let position = broker::send(&*producer, record(TOPIC, *key, "v")).await.expect("the record is taken");
        partitions.push(position.partition.number);
    }
    partitions
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_meet_where_java_clients_put_them() {
    let mock = Mock::start();
    let broker = connect(mock.settings(&[(TOPIC, 7)]));
    // The hashes that Kafka's own tests give for these keys.
    let hashes: [(&str, i32); 4] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("abc", 479_470_107),
    ];
    let expected: Vec<_> = hashes.iter().map(|(_, hash)| (hash & i32::MAX) % 7).collect();
    assert_eq!(partitions_of(&broker, &hashes.map(|(key, _)| key)).await, expected);
}

/// By the length of the key.
struct ByLength;

impl Partitioner for ByLength {
    fn partition(&self, _: Topic, key: Option<&[u8]>, partitions: u32) -> u32 {
        u32::try_from(key.map_or(0, <[u8]>::len)).unwrap_or(0) % partitions
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_may_be_chosen_in_another_way() {
    let mock = Mock::start();
    let mut settings = mock.settings(&[(TOPIC, 3)]);
    settings.producer.partitioner = "round_robin".to_owned();
    let turns = partitions_of(&connect(settings), &["k"; 6]).await;
    assert_eq!(turns.iter().collect::<BTreeSet<_>>().len(), 3, "{turns:?}");
    assert_eq!(turns[..3], turns[3..]);

    let mut settings = mock.settings(&[(TOPIC, 3)]);
    settings.producer.partitioner = "by_length".to_owned();
    let own =
        Kafka::connect_with(settings, &[("by_length", Arc::new(ByLength))]).expect("the name is registered");
    assert_eq!(partitions_of(&own, &["", "a", "bb", "ccc"]).await, [0, 1, 2, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_passes() {
    let mock = Mock::start();
    let page = Bytes::from("a page that compresses ".repeat(500));
    for compression in
        [Compression::Zstd, Compression::Lz4, Compression::Snappy, Compression::Gzip, Compression::None]
    {
        let mut settings = mock.settings(&[(TOPIC, 1)]);
        settings.producer.compression = compression;
        let broker = connect(settings);
        conformance::send_all(&broker, vec![record(TOPIC, "k", page.clone()); 20]).await;
        let mut reader = Reader::join(&mock, &broker, "compressed", TOPIC).await;
        reader.reads(20).await;
        assert!(
            reader.seen().records.iter().all(|delivery| delivery.record.payload == page),
            "{compression:?}"
        );
    }
}
