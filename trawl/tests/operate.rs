//! The operators' verbs against a real Kafka: they say what was put there, disturb no group, and move one back.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use serde_json::Value;
use std::{collections::BTreeMap, process::Command, time::Duration};
use trawl_shared::{
    broker::{
        Broker, Commit, Event, Subscription, TopicSpec,
        kafka::{Kafka, KafkaSettings},
        send,
    },
    message::{Headers, Record, Topic},
    model::{CanonicalUrl, JobId, Origin, Outcome, TaskEnded},
    runtime::encode_root,
};
use uuid::Uuid;

/// A cluster's corner of our own.
struct Corner {
    kafka: Kafka,
    settings: KafkaSettings,
    job: JobId,
}

impl Corner {
    async fn find(name: &str, topics: &[Topic]) -> Option<Self> {
        let Ok(brokers) = std::env::var("TRAWL_TEST_KAFKA_BROKERS") else {
            eprintln!("skipped: TRAWL_TEST_KAFKA_BROKERS is not set (cargo xtask services up sets it)");
            return None;
        };
        let topic_prefix = format!("{name}-{}.", std::process::id());
        let settings = KafkaSettings { brokers, topic_prefix, ..KafkaSettings::default() };
        let kafka = Kafka::connect(settings.clone()).unwrap();
        let spec = TopicSpec {
            partitions: 2,
            replication: 1,
            retention: Duration::from_secs(3600),
            max_message_bytes: 1 << 20,
        };
        let topics: BTreeMap<_, _> = topics.iter().map(|topic| (*topic, spec.clone())).collect();
        kafka.ensure_topics(&topics).await.unwrap();
        Some(Self { kafka, settings, job: JobId(Uuid::from_u128(7)) })
    }

    /// How a page of this host ended, in this partition.
    async fn put(&self, url: &str, partition: i32) {
        let url: CanonicalUrl = url.parse().unwrap();
        let origin = Origin::of_seed(self.job, url);
        let ended = TaskEnded::without_page(origin, Outcome::Gone, "http_404");
        let record = encode_root(&ended, self.job, "/test".into()).unwrap();
        send(&*self.kafka.producer(), Record { partition: Some(partition), ..record }).await.unwrap();
    }

    /// A member reads all there is, finishes so many records of partition 0, and goes.
    async fn finish(&self, group: &str, records: i64) {
        let consumer = self.kafka.subscribe(Subscription::new(group, [Topic::ParsedData])).await.unwrap();
        let partition = loop {
            if let Event::Records(records) = consumer.next().await.unwrap()
                && let Some(record) = records.iter().find(|record| record.partition == 0)
            {
                break trawl_shared::broker::Partition { topic: record.record.topic, number: 0 };
            }
        };
        consumer.commit(vec![Commit { partition, offset: records, metadata: String::new() }]).await.unwrap();
        consumer.close().await;
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
        command.args(arguments).env("TRAWL_KAFKA_BROKERS", &self.settings.brokers);
        command.env("TRAWL_KAFKA_TOPIC_PREFIX", &self.settings.topic_prefix);
        command
    }

    #[track_caller]
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "trawl {}: {talk}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.text(&[arguments, &["--json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_said_and_a_group_is_moved() {
    let Some(corner) = Corner::find("operate", &Topic::ALL).await else { return };
    for path in 0..5 {
        corner.put(&format!("http://a.example/{path}"), 0).await;
    }
    corner.put("http://b.example:8080/x", 1).await;
    corner.finish("storage", 3).await;

    let topics = corner.rows(&["topics"]);
    let parsed = topics.iter().find(|topic| topic["topic"] == "parsed-data").unwrap();
    assert_eq!(topics.len(), 5);
    assert_eq!(parsed["partitions"][0]["end"], 5, "{parsed}");
    assert_eq!(parsed["partitions"][0]["in_sync"].as_array().unwrap().len(), 1, "{parsed}");
    let text = corner.text(&["topics"]);
    assert!(text.lines().any(|line| line.contains("parsed-data") && line.contains("6  well")), "{text}");

    let groups = corner.rows(&["groups"]);
    assert_eq!((groups[0]["group"].as_str(), groups[0]["state"].as_str()), (Some("storage"), Some("Empty")));

    let lag = corner.rows(&["lag", "--partitions"]);
    let of_0 = lag.iter().find(|row| row["partition"] == 0).unwrap();
    assert_eq!((&of_0["committed"], &of_0["lag"]), (&3.into(), &2.into()), "{of_0}");
    let age = of_0["age_seconds"].as_f64().unwrap();
    assert!((0.0..600.0).contains(&age), "{of_0}");
    assert!(corner.text(&["lag"]).contains("nobody"), "nobody is in the group");

    let dry = corner.rows(&["replay", "parsed-data", "--group", "storage", "--from", "1", "--dry-run"]);
    assert_eq!((&dry[0]["from"], &dry[0]["to"], &dry[0]["end"]), (&3.into(), &1.into(), &5.into()));
    assert_eq!(corner.rows(&["lag", "--partitions"])[0]["committed"], 3, "a dry run moves nothing");
    let moved = corner.text(&["replay", "parsed-data", "--group", "storage", "--from", "1"]);
    assert!(moved.contains("group storage reads 4 records of parsed-data again"), "{moved}");
    assert_eq!(corner.rows(&["lag", "--partitions"])[0]["committed"], 1);
    let to_time = ["replay", "parsed-data", "--group", "storage", "--from", "10m", "--dry-run"];
    assert_eq!(corner.rows(&to_time)[0]["to"], 0, "all is younger than ten minutes");

    // Somebody is in the group: then it is left alone.
    let member = corner.kafka.subscribe(Subscription::new("storage", [Topic::ParsedData])).await.unwrap();
    while !matches!(member.next().await.unwrap(), Event::Assigned(_)) {}
    let refused =
        corner.command(&["replay", "parsed-data", "--group", "storage", "--from", "0"]).output().unwrap();
    let talk = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && talk.contains("stop the services"), "{talk}");
    let groups = corner.rows(&["groups"]);
    assert_eq!(groups[0]["members"][0]["partitions"]["parsed-data"], serde_json::json!([0, 1]), "{groups:?}");
    member.close().await;
    corner.kafka.delete_topics().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_shown_and_hostile_bytes_are_escaped() {
    let Some(corner) = Corner::find("tail", &[Topic::ParsedData]).await else { return };
    corner.put("http://a.example/1", 0).await;
    corner.put("http://a.example/2", 0).await;
    corner.put("http://b.example:8080/x", 1).await;
    let mut headers = Headers::default();
    headers.push("x-\u{1b}[2J", "\u{7}");
    let hostile = Record {
        topic: Topic::ParsedData,
        partition: Some(1),
        key: Some("\u{1b}]0;owned\u{7}".into()),
        headers,
        payload: bytes::Bytes::from_static(b"\x1b[31mred\xff"),
    };
    send(&*corner.kafka.producer(), hostile).await.unwrap();

    let text = corner.text(&["tail", "parsed-data"]);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    assert!(text.contains(r"\u{1b}]0;owned\u{7}") && text.contains("no envelope"), "{text}");
    assert!(text.contains("http://a.example/2") && text.contains("http_404"), "{text}");

    let of_host = corner.rows(&["tail", "parsed-data", "--where", "host=a.example"]);
    assert_eq!(of_host.len(), 2, "{of_host:?}");
    assert_eq!(of_host[0]["payload"]["code"], "http_404", "{}", of_host[0]);
    assert_eq!(of_host[0]["url"], "http://a.example/1");
    let with_port = corner.rows(&["tail", "parsed-data", "--where", "host=b.example:8080"]);
    assert_eq!(with_port.len(), 1);
    let both = ["tail", "parsed-data", "--where", "host=a.example", "--where", "url~/2"];
    assert_eq!(corner.rows(&both).len(), 1);
    let trace = of_host[1]["trace"].as_str().unwrap();
    assert_eq!(corner.rows(&["tail", "parsed-data", "--where", &format!("trace={trace}")]).len(), 1);
    let from = ["tail", "parsed-data", "--partition", "0", "--from", "1"];
    assert_eq!(corner.rows(&from).len(), 1);
    assert_eq!(corner.rows(&["tail", "parsed-data", "--from", "beginning", "--limit", "3"]).len(), 3);
    let raw = corner.rows(&["tail", "parsed-data", "--where", "key~owned"]);
    assert_eq!(raw[0]["payload"]["hex"], "1b5b33316d726564ff", "{}", raw[0]);

    let missing = corner.command(&["tail", "retry"]).output().unwrap();
    let talk = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && talk.contains("no such topic"), "{talk}");
    corner.kafka.delete_topics().await.unwrap();
}
