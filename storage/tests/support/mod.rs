//! Ended tasks as the runtime would deliver them, and stores to put them in.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod flaky;
pub(crate) mod python;

use bytes::Bytes;
use std::sync::Arc;
use trawl_shared::{
    broker::Partition,
    message::{Delivery, Envelope, Input, Message, Record, Topic},
    model::{
        CanonicalUrl, ExtractSettings, JobId, Link, LinkKind, MessageId, Origin, Outcome, ParsedPage,
        RobotsPolicy, ScrapedPage, TaskEnded, code,
    },
    runtime::{BatchHandler, Context, Failure, encode_root},
    sql::{DatabaseUrl, Missing},
};
use trawl_storage::{
    EndedTask, StoreHandler,
    store::{self, PageStore},
};

/// A job of the test's own.
pub(crate) fn job() -> JobId {
    JobId::fresh()
}

/// A store in a folder that goes with the guard.
pub(crate) async fn sqlite() -> (tempfile::TempDir, Arc<dyn PageStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = store::open(&DatabaseUrl::sqlite(folder.path()), Missing::Create).await.unwrap();
    (folder, store)
}

/// The first fetch of a URL, without an answer.
pub(crate) fn ended(job: JobId, url: &str, outcome: Outcome) -> TaskEnded {
    let url = CanonicalUrl::parse(url).unwrap();
    let found_on = Some("http://a.example/".into());
    let origin = Origin { depth: 1, found_on, ..Origin::of_seed(job, url) };
    TaskEnded::without_page(origin, outcome, code::OK)
}

/// A page with two links and a title that asks for quotes everywhere.
pub(crate) fn page(job: JobId, url: &str) -> TaskEnded {
    let link = |url: &str, rel: Option<&str>| Link {
        url: url.into(),
        raw: "raw".into(),
        text: "a \"text\"".into(),
        rel: rel.map(Into::into),
        kind: LinkKind::A,
        ..Link::default()
    };
    TaskEnded {
        status: Some(200),
        fetched_at: Some("2026-11-21T01:02:03.456789Z".parse().unwrap()),
        content_type: Some("text/html; charset=utf-8".into()),
        body_bytes: 1234,
        page: Some(Box::new(ParsedPage {
            url: url.into(),
            title: Some("Title, \"quoted\"\nand é".into()),
            description: Some("What it is about".into()),
            lang: Some("en".into()),
            canonical: Some("http://a.example/canonical".into()),
            meta_robots: Some("noarchive".into()),
            links: vec![link("http://a.example/1", None), link("http://b.example/2#x", Some("nofollow"))],
            ..ParsedPage::default()
        })),
        ..ended(job, url, Outcome::Stored)
    }
}

/// Many pages.
pub(crate) fn pages(job: JobId, count: usize) -> Vec<TaskEnded> {
    (0..count).map(|n| page(job, &format!("http://a.example/page/{n}"))).collect()
}

/// The id of the message that a task's end would have.
pub(crate) fn message_id(ended: &TaskEnded) -> MessageId {
    MessageId::from(ended.origin.task).child(<TaskEnded as Message>::KIND, 0)
}

/// As delivered under that id.
pub(crate) fn delivered_as(ended: &TaskEnded, id: MessageId) -> (EndedTask, Context) {
    let record = encode_root(ended, ended.origin.job, "/test/1".into()).unwrap();
    with_payload(record.payload.clone(), record, id)
}

/// As delivered.
pub(crate) fn delivered(ended: &TaskEnded) -> (EndedTask, Context) {
    delivered_as(ended, message_id(ended))
}

/// Any payload, under an ended task's envelope.
pub(crate) fn with_payload(payload: Bytes, record: Record, id: MessageId) -> (EndedTask, Context) {
    let record = Record { payload, ..record };
    let mut envelope = Envelope::read(&record).unwrap();
    envelope.id = id;
    let timestamp = envelope.time;
    let headers = record.headers.clone();
    let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 1, timestamp };
    let input = EndedTask::read(&delivery, &envelope).unwrap();
    let partition = Partition { topic: Topic::ParsedData, number: 0 };
    let context = Context {
        envelope,
        key: None,
        headers,
        partition,
        offset: 0,
        high_watermark: 1,
        timestamp,
        worker: "storage/test".into(),
    };
    (input, context)
}

/// Handles a batch; answers stand in order.
pub(crate) async fn handle(
    handler: &StoreHandler,
    batch: &[TaskEnded],
) -> Result<Vec<Result<(), Failure>>, Failure> {
    handler.handle(batch.iter().map(delivered).collect()).await
}

/// Handles a batch that must be taken as a whole.
pub(crate) async fn take(handler: &StoreHandler, batch: &[TaskEnded]) {
    for answer in handle(handler, batch).await.expect("the batch is stored") {
        answer.expect("the message is stored");
    }
}

/// A page as it was fetched, with nothing on it.
pub(crate) fn scraped() -> ScrapedPage {
    let (job, url) = (job(), CanonicalUrl::parse("http://a.example/").unwrap());
    let ended = ended(job, url.as_str(), Outcome::Stored);
    ScrapedPage {
        origin: ended.origin,
        status: 200,
        fetched_at: "2026-11-21T01:02:03.456Z".parse().unwrap(),
        took_ms: 0,
        request_headers: Vec::new(),
        headers: Vec::new(),
        mime: None,
        charset: None,
        charset_source: None,
        address: None,
        truncated: false,
        crawl_delay_ms: None,
        sitemaps: Vec::new(),
        robots: RobotsPolicy::Obey,
        robot_name: None,
        extract: ExtractSettings::default(),
        kept_body: None,
        body: Bytes::new(),
    }
}

/// What comes with a page as it was fetched.
pub(crate) fn context_of(page: &ScrapedPage) -> Context {
    let record = encode_root(page, page.origin.job, "/test/1".into()).unwrap();
    let mut envelope = Envelope::read(&record).unwrap();
    envelope.id = MessageId::from(page.origin.task).child(<ScrapedPage as Message>::KIND, 0);
    let timestamp = envelope.time;
    Context {
        envelope,
        key: None,
        headers: record.headers.clone(),
        partition: Partition { topic: Topic::ScrapedData, number: 0 },
        offset: 0,
        high_watermark: 1,
        timestamp,
        worker: "storage/test".into(),
    }
}
