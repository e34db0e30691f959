//! Dead letters as the runtime writes them, and a ledger to put them in.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod chromium;
pub(crate) mod web;

use bytes::Bytes;
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use trawl_dlq_handler::{
    LedgerHandler, LetterId,
    store::{self, Ledger, Query},
};
use trawl_shared::{
    broker::Partition,
    message::{
        Attempt, DeadLetter, Delivery, Envelope, Headers, Input, LetterNews, LetterReason, Record, Recovered,
        Source, Topic,
    },
    model::{CanonicalUrl, FetchTask, JobId, Origin},
    runtime::{BatchHandler, Context, encode_root},
    sql::{DatabaseUrl, Missing},
};

/// A ledger in a folder that goes with the guard.
pub(crate) async fn sqlite() -> (tempfile::TempDir, Arc<dyn Ledger>) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = store::open(&DatabaseUrl::sqlite(folder.path()), Missing::Create).await.unwrap();
    (folder, ledger)
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_222_923 + second).unwrap()
}

/// The record of a URL's task.
pub(crate) fn task(job: JobId, url: &str) -> Record {
    let url = CanonicalUrl::parse(url).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test/1".into()).unwrap()
}

/// That record's `replays + 1`-th death in `group`, at a second of the test's day.
pub(crate) fn death(mut record: Record, group: &str, replays: u32, second: i64) -> DeadLetter {
    if let Ok(mut envelope) = Envelope::read(&record) {
        envelope.attempt = 2;
        envelope.replays = replays;
        envelope.history = (0..2 * i64::from(replays + 1))
            .map(|n| Attempt {
                at: at(n),
                took_ms: 7,
                code: "timeout".into(),
                class: "network".into(),
                error: format!("try {n}: no answer\x1b[2J"),
                worker: "scraper/host-1".into(),
            })
            .collect();
        envelope.write_to(&mut record.headers);
    }
    let reason = LetterReason {
        source: Source { topic: record.topic, partition: 3, offset: 40 + i64::from(replays) },
        group: group.into(),
        service: group.into(),
        instance: "host-1".into(),
        version: "0.1.0".into(),
        stage: "handle".into(),
        code: "timeout".into(),
        class: "network".into(),
        message: format!("gave up after replay {replays}\x1b]0;owned\x07"),
        causes: vec!["the crawl ended".into(), format!("gave up after replay {replays}\x1b]0;owned\x07")],
        attempts: 2,
        failed_at: at(second),
        time: Some(at(-5)),
    };
    DeadLetter { record, reason }
}

/// Bytes that are nothing: no envelope, no UTF-8.
pub(crate) fn garbage() -> Record {
    let mut headers = Headers::default();
    headers.push("x-foreign", &b"\xff\x00"[..]);
    headers.push("x-foreign", "again");
    let payload = Bytes::from_static(b"\x80\x00\x1b[31m");
    Record {
        topic: Topic::ScrapedData,
        partition: None,
        key: Some(Bytes::from_static(b"\xfe")),
        headers,
        payload,
    }
}

/// Delivers letters to a handler over the ledger, as records of `dead-letter`.
pub(crate) async fn deliver(ledger: &Arc<dyn Ledger>, letters: impl IntoIterator<Item = DeadLetter>) {
    deliver_records(ledger, letters.into_iter().map(DeadLetter::into_record)).await;
}

/// Delivers records of `dead-letter`.
pub(crate) async fn deliver_records(ledger: &Arc<dyn Ledger>, records: impl IntoIterator<Item = Record>) {
    let batch = records.into_iter().map(|record| {
        let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 1, timestamp: at(0) };
        let envelope = <LetterNews as Input>::envelope(&delivery).unwrap();
        let news = LetterNews::read(&delivery, &envelope).unwrap();
        let context = Context {
            envelope,
            key: None,
            headers: Headers::default(),
            partition: Partition { topic: Topic::DeadLetter, number: 0 },
            offset: 0,
            high_watermark: 1,
            timestamp: at(0),
            worker: "dlq-handler/test".into(),
        };
        (news, context)
    });
    let answers = LedgerHandler::new(Arc::clone(ledger)).handle(batch.collect()).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
}

/// What the runtime says when `group` has handled the `replays`-th replay of a record.
pub(crate) fn recovery(record: &Record, group: &str, replays: u32, second: i64) -> Record {
    let envelope = Envelope {
        replays,
        target: Some(group.into()),
        origin: Some(Source { topic: record.topic, partition: 3, offset: 40 }),
        ..Envelope::read(record).unwrap()
    };
    let mut record = record.clone();
    envelope.write_to(&mut record.headers);
    let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 1, timestamp: at(0) };
    Recovered::of(&delivery, &envelope, group, "scraper/host-2", at(second)).unwrap().into_record()
}

/// The letters of a filter, as ids.
pub(crate) async fn found(ledger: &dyn Ledger, filter: &str) -> Vec<LetterId> {
    let query = Query::new(filter.parse().unwrap(), 1000);
    ledger.list(&query).await.unwrap().iter().map(|letter| letter.id).collect()
}

/// The id of a record's letter.
pub(crate) fn id_of(record: &Record, group: &str) -> LetterId {
    LetterId::derive(Envelope::read(record).unwrap().id, group)
}

/// Looks until something holds.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            match look().await {
                Some(found) => return found,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.unwrap_or_else(|_| panic!("never: {what}"))
}
