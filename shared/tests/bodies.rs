//! Bodies that are too large for a record: put aside and brought back, in a folder; and past a real Kafka topic that
//! would not take them.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod kafka;

use bytes::Bytes;
use kafka::{Real, spec};
use std::{collections::BTreeMap, fs, path::PathBuf};
use trawl_shared::{
    blob::{Blobs, Bodies, BodiesSettings},
    broker::{self, Broker as _, TopicSpec, conformance::Reader},
    message::{Message as _, Topic},
    model::{CanonicalUrl, ExtractSettings, JobId, KeptBody, Origin, RobotsPolicy, ScrapedPage},
    runtime::{Failure, encode_root},
};

fn page(body: impl Into<Bytes>) -> ScrapedPage {
    let (job, url) = (JobId::fresh(), CanonicalUrl::parse("http://a.example/large").unwrap());
    ScrapedPage {
        origin: Origin::of_seed(job, url),
        status: 200,
        fetched_at: "2026-11-21T01:02:03.456Z".parse().unwrap(),
        took_ms: 0,
        request_headers: Vec::new(),
        headers: Vec::new(),
        mime: None,
        charset: None,
        charset_source: None,
        truncated: false,
        address: None,
        sitemaps: Vec::new(),
        crawl_delay_ms: None,
        robots: RobotsPolicy::Obey,
        robot_name: None,
        extract: ExtractSettings::default(),
        kept_body: None,
        body: body.into(),
    }
}

fn code(failure: Failure) -> (&'static str, String) {
    match failure {
        Failure::Retry(fault) => ("retry", fault.code.into_owned()),
        Failure::Reject(fault) => ("reject", fault.code.into_owned()),
        Failure::Later { why, .. } => ("later", why),
    }
}

/// A store in a folder for bodies of more than eight bytes, and the one file in it.
fn store() -> (tempfile::TempDir, Bodies, impl Fn() -> PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let bodies = Bodies::of(Blobs::in_folder(folder.path()), 8);
    let below = folder.path().join("sha256");
    let only = move |folder: PathBuf| fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    (folder, bodies, move || only(only(below.clone())))
}

#[tokio::test]
async fn a_large_body_leaves_its_record_and_comes_back() {
    let (_folder, bodies, file) = store();
    let small = page("8 bytes.");
    assert_eq!(bodies.put_aside(small.clone()).await.unwrap(), small, "a small one stays");
    let large = page("more than eight bytes");
    let aside = bodies.put_aside(large.clone()).await.unwrap();
    assert!(aside.body.is_empty() && aside.kept_body.as_ref().is_some_and(|kept| kept.bytes == 21));
    assert_eq!(fs::read(file()).unwrap(), *large.body);
    // Once more is the same once more.
    assert_eq!(bodies.put_aside(large.clone()).await.unwrap(), aside);
    let read = ScrapedPage::decode(aside.encode().unwrap()).unwrap();
    assert_eq!(bodies.bring_back(read).await.unwrap(), large);
}

#[tokio::test]
async fn a_body_that_is_gone_or_another_one_is_no_empty_page() {
    let (_folder, bodies, file) = store();
    let aside = bodies.put_aside(page("more than eight bytes")).await.unwrap();
    let brought = async || code(bodies.bring_back(aside.clone()).await.unwrap_err());
    for other in ["another one of 21 by.", "shorter", "and another one that is longer"] {
        fs::write(file(), other).unwrap();
        assert_eq!(brought().await, ("retry", "body_altered".to_owned()), "{other}");
    }
    fs::remove_file(file()).unwrap();
    assert_eq!(brought().await, ("retry", "body_missing".to_owned()));

    let nowhere = Bodies::open(&BodiesSettings::default()).unwrap();
    assert_eq!(code(nowhere.bring_back(aside.clone()).await.unwrap_err()).1, "body_missing");
    let kept_body = Some(KeptBody { sha256: "../../etc/passwd".to_owned(), bytes: 21 });
    let lying = ScrapedPage { kept_body, ..aside };
    assert_eq!(code(bodies.bring_back(lying).await.unwrap_err()), ("reject", "undecodable".to_owned()));
}

#[tokio::test]
async fn a_store_that_takes_nothing_costs_an_attempt_and_no_body() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let bodies = Bodies::of(Blobs::in_folder(&file), 8);
    let failed = bodies.put_aside(page("more than eight bytes")).await.unwrap_err();
    assert_eq!(code(failed), ("retry", "body_not_kept".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_20_mb_passes_a_topic_of_1_mib() {
    let Some(cluster) = Real::find() else { return };
    let kafka = cluster.kafka(cluster.settings(), &[]).await;
    let topic = TopicSpec { max_message_bytes: 1024 * 1024, ..spec(1) };
    kafka.ensure_topics(&BTreeMap::from([(Topic::ScrapedData, topic)])).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let bodies = Bodies::open(&BodiesSettings { store, ..BodiesSettings::default() }).unwrap();

    // What can't be compressed.
    let mut random = fastrand::Rng::with_seed(7);
    let large = page((0..20 * 1024 * 1024).map(|_| random.u8(..)).collect::<Vec<_>>());
    let record = |page: &ScrapedPage| encode_root(page, page.origin.job, "/test/1".into()).unwrap();
    let producer = kafka.producer();
    let refused = broker::send_all(&*producer, vec![record(&large)]).await;
    assert!(refused.is_err(), "as it is, the topic does not take it");

    let aside = record(&bodies.put_aside(large.clone()).await.unwrap());
    assert!(aside.size() < 4096, "{}", aside.size());
    broker::send_all(&*producer, vec![aside]).await.unwrap();
    let mut reader = Reader::join(&cluster, &kafka, "bodies", Topic::ScrapedData).await;
    reader.reads(1).await;
    let payload = reader.seen().records[0].record.payload.clone();
    let page = bodies.bring_back(ScrapedPage::decode(payload).unwrap()).await.unwrap();
    assert!(page == large, "the page is what it was, to the byte");
    reader.close().await;
    cluster.clean_up().await;
}
