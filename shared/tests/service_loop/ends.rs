//! What becomes of messages that pass, fail, repeat, or are no messages at all.

use super::scripted::{Batched, Run, Scripted, broker, committed, pass, produce, service, subjects, task};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use trawl_shared::{
    broker::send,
    message::{DeadLetter, Headers, Message, Record, Topic},
    model::{FetchTask, RetryRule, TaskEnded},
    runtime::{GroupSettings, Service, encode_root},
};

#[tokio::test(start_paused = true)]
async fn every_message_ends_in_an_output_or_a_letter() {
    let broker = broker().await;
    let handler = Scripted::new();
    let calls = Arc::clone(&handler.calls);
    produce(&broker, &["a", "reject", "always", "twice", "panic", "hang", "b"]).await;
    let run = Run::start(&broker, service(handler));
    pass(600).await;

    let mut stored = subjects(&broker, Topic::ParsedData);
    stored.sort();
    assert_eq!(stored, ["a", "b", "twice"]);
    let letters: BTreeMap<_, _> = broker
        .records(Topic::DeadLetter)
        .iter()
        .map(|record| {
            let letter = DeadLetter::from_record(record).unwrap();
            let envelope = letter.envelope().unwrap();
            let path = envelope.subject.clone().unwrap().rsplit('/').next().unwrap().to_owned();
            assert_eq!(letter.record.payload, task(&path).payload, "byte for byte");
            assert_eq!(letter.reason.source.topic, Topic::ScrapingTasks);
            assert_eq!(envelope.history.len(), letter.reason.attempts as usize, "every attempt is told");
            (path, (letter.reason.code, letter.reason.attempts, letter.reason.message))
        })
        .collect();
    let expect = |code: &str, attempts, message: &str| (code.to_owned(), attempts, message.to_owned());
    assert_eq!(letters["reject"], expect("no", 1, "asked: never"));
    assert_eq!(letters["always"], expect("down", 4, "try 3"));
    assert_eq!(letters["panic"], expect("panic", 2, "the handler panicked: as told"));
    assert_eq!(letters["hang"].0, "handler_timeout");
    assert_eq!(letters.len(), 4);
    assert_eq!(calls.lock().unwrap()["/twice"], 3);
    assert_eq!(committed(&broker), Some(7));
    assert!(run.bus.health.not_ready().is_empty(), "{:?}", run.bus.health.not_ready());
    assert!(run.metric(
        r#"trawl_messages_dead_lettered_total{service="test",topic="scraping-tasks",code="down"} 1"#
    ));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_has_its_own_way_to_retry() {
    let broker = broker().await;
    let rule: RetryRule = "server:attempts=2,base=100s,jitter=0".parse().unwrap();
    let mut patient = FetchTask::decode(task("always").payload).unwrap();
    patient.fetch.retry = [rule].into_iter().collect();
    send(&broker, encode_root(&patient, patient.origin.job, "/test".into()).unwrap()).await.unwrap();
    let run = Run::start(&broker, service(Scripted::new()));
    pass(99).await;
    assert!(broker.records(Topic::DeadLetter).is_empty(), "the job waits for longer than others");
    pass(3).await;
    let letter = DeadLetter::from_record(&broker.records(Topic::DeadLetter)[0]).unwrap();
    assert_eq!(letter.reason.attempts, 2, "and gives up sooner");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_counted_and_not_handled() {
    let broker = broker().await;
    let handler = Scripted::new();
    let calls = Arc::clone(&handler.calls);
    let run = Run::start(&broker, service(handler));
    produce(&broker, &["a"]).await;
    pass(1).await;
    produce(&broker, &["a", "a"]).await;
    pass(2).await;
    assert_eq!(calls.lock().unwrap()["/a"], 1);
    assert!(run.metric(
        r#"trawl_messages_duplicate_total{service="test",group="scripted",topic="scraping-tasks"} 2"#
    ));
    assert_eq!(committed(&broker), Some(3));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn poison_goes_to_the_dead_letters_byte_for_byte() {
    let broker = broker().await;
    let mut headers = Headers::default();
    headers.push("x", &b"\xff"[..]);
    let bare = Record {
        topic: Topic::ScrapingTasks,
        partition: None,
        key: Some(Bytes::from_static(b"\xfe\x00")),
        headers,
        payload: Bytes::from_static(b"\x80{"),
    };
    let mut garbage = task("a");
    garbage.payload = Bytes::from_static(b"{\"origin\":7}");
    let mut newer = task("b");
    newer.headers.set("ce_type", "trawl.fetch-task.v9");
    let poison = [bare, garbage, newer];
    for record in &poison {
        send(&broker, record.clone()).await.unwrap();
    }
    produce(&broker, &["good"]).await;
    let run = Run::start(&broker, service(Scripted::new()));
    pass(5).await;
    let letters: Vec<_> =
        broker.records(Topic::DeadLetter).iter().map(|r| DeadLetter::from_record(r).unwrap()).collect();
    let mut found: Vec<_> =
        letters.iter().map(|l| (l.record.key.clone(), l.record.payload.clone())).collect();
    let mut sent: Vec<_> = poison.iter().map(|r| (r.key.clone(), r.payload.clone())).collect();
    found.sort();
    sent.sort();
    assert_eq!(found, sent);
    assert!(
        letters
            .iter()
            .all(|l| l.reason.stage == "decode" && l.reason.code == "undecodable" && l.reason.attempts == 1)
    );
    assert!(
        letters
            .iter()
            .any(|l| l.reason.message.contains("trawl.fetch-task.v9") && l.reason.message.contains("newer"))
    );
    assert_eq!(subjects(&broker, Topic::ParsedData), ["good"]);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_message_fails_alone_although_its_batch_fails() {
    let broker = broker().await;
    produce(&broker, &["a", "b", "poison", "c"]).await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let group = GroupSettings { concurrency: 1, ..GroupSettings::default() };
    let run = Run::start(&broker, Service::new("test").batch_handler(Batched(Arc::clone(&sizes)), group));
    pass(5).await;
    assert_eq!(*sizes.lock().unwrap(), [4, 1, 1, 1, 1], "together, then each alone");
    assert_eq!(subjects(&broker, Topic::DeadLetter), ["poison"]);
    assert_eq!(committed(&broker), Some(4));
    run.stop().await;
}

#[test]
fn the_topology_is_read_off_the_types() {
    let flows = service(Scripted::new()).flows();
    assert_eq!(flows.len(), 1);
    assert_eq!(flows[0].input, Some((Topic::ScrapingTasks, FetchTask::KIND)));
    assert_eq!(flows[0].outputs, [(Topic::ParsedData, TaskEnded::KIND)]);
}
