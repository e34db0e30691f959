//! Wire formats as golden files: every version ever written still reads, and what is written now is
//! byte for byte what the newest golden holds.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use bytes::Bytes;
use std::{fs, path::PathBuf};
use trawl_shared::{
    message::{Envelope, Message, Record, TraceContext},
    model::{
        CanonicalUrl, ExtractSettings, FetchSettings, FetchTask, JobId, KeptBody, Link, LinkKind, LinkKinds,
        Origin, Outcome, ParsedPage, RobotsPolicy, ScrapedPage, TaskEnded, TaskId,
    },
    runtime::{Lineage, Outputs},
};
use uuid::Uuid;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(name)
}

/// The payload written now must be the golden one, and the golden one must read as `message`. Set
/// `TRAWL_TEST_BLESS=1` to write a new golden: only for a new version, never over an old one.
#[track_caller]
fn check<M: Message + PartialEq + std::fmt::Debug>(name: &str, message: &M) {
    let path = golden(name);
    let written = message.encode().unwrap();
    if std::env::var_os("TRAWL_TEST_BLESS").is_some() && !path.exists() {
        fs::write(&path, &written).unwrap();
    }
    let held = Bytes::from(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    assert_eq!(&M::decode(held.clone()).unwrap(), message, "{name} does not read as it was written");
    assert!(
        written == held,
        "{name}: the schema changed; add a version instead\n{}",
        String::from_utf8_lossy(&written)
    );
}

fn origin() -> Origin {
    let url = CanonicalUrl::parse("http://a.example:8080/p%C3%A4th?q=1").unwrap();
    let job = JobId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001));
    Origin {
        job,
        task: TaskId::derive(job, &url, 2),
        url,
        depth: 3,
        found_on: Some("http://a.example/".into()),
        round: 2,
        redirects: 1,
        job_name: None,
    }
}

fn task() -> FetchTask {
    FetchTask {
        origin: origin(),
        fetch: FetchSettings {
            user_agent: "golden/1".into(),
            robots: RobotsPolicy::Ignore,
            timeout_ms: 1,
            max_body: 2,
            per_host: 3,
            delay_ms: 4,
            allow_private_addresses: true,
            ..FetchSettings::default()
        },
        extract: ExtractSettings { text: true, ..ExtractSettings::default() },
        earliest_fetch_at: Some("2026-11-21T01:02:03.456Z".parse().unwrap()),
        validators: None,
    }
}

fn scraped() -> ScrapedPage {
    ScrapedPage {
        origin: origin(),
        status: 200,
        fetched_at: "2026-11-21T01:02:03.456Z".parse().unwrap(),
        took_ms: 12,
        request_headers: Vec::new(),
        headers: vec![("content-type".into(), "text/html".into()), ("x".into(), "é".into())],
        charset: Some("UTF-8".into()),
        truncated: true,
        mime: None,
        charset_source: None,
        address: None,
        sitemaps: Vec::new(),
        crawl_delay_ms: Some(500),
        robots: RobotsPolicy::Obey,
        robot_name: None,
        extract: ExtractSettings { text: true, ..ExtractSettings::default() },
        kept_body: None,
        body: Bytes::from_static(b"\x00\xff<html>"),
    }
}

fn ended() -> TaskEnded {
    let link = Link {
        url: "http://a.example/b".into(),
        raw: "b".into(),
        text: "to b".into(),
        rel: Some("NoFollow x".into()),
        kind: LinkKind::A,
        ..Link::default()
    };
    TaskEnded {
        detail: Some("why".into()),
        status: Some(200),
        fetched_at: Some("2026-11-21T01:02:03.456Z".parse().unwrap()),
        content_type: Some("text/html".into()),
        body_bytes: 9,
        redirect_to: Some("http://b.example/".into()),
        crawl_delay_ms: Some(500),
        follow: false,
        page: Some(Box::new(ParsedPage {
            url: "http://a.example/".into(),
            title: Some("t".into()),
            description: Some("d".into()),
            lang: Some("en".into()),
            canonical: Some("http://a.example/c".into()),
            meta_robots: Some("noindex".into()),
            links: vec![
                link.clone(),
                Link { raw: String::new(), text: String::new(), rel: None, kind: LinkKind::Refresh, ..link },
            ],
            text: Some("text".into()),
            ..ParsedPage::default()
        })),
        ..TaskEnded::without_page(origin(), Outcome::Stored, "ok")
    }
}

#[test]
fn fetch_task_v1() {
    check("fetch-task.v1.json", &task());
}

#[test]
fn scraped_page_v1() {
    check("scraped-page.v1.bin", &scraped());
}

/// A body that is too large to travel is named, and the frame ends behind the metadata.
#[test]
fn scraped_page_v2() {
    let kept_body = Some(KeptBody {
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        bytes: 20_971_520,
    });
    check("scraped-page.v2.bin", &ScrapedPage { kept_body, body: Bytes::new(), ..scraped() });
}

#[test]
fn task_ended_v1() {
    check("task-ended.v1.json", &ended());
}

/// Everything that a page may have.
fn page() -> ParsedPage {
    let json = r#"{
        "url": "http://a.example/", "title": "t", "lang": "en", "lang_detected": "de", "author": "A; B",
        "published": "2026-11-21", "modified": "2026-11-21T01:02:03Z", "meta": [{"name": "og:type", "content": "x"}],
        "links": [
            {"url": "http://a.example/i.png", "kind": "img", "follow": true},
            {"url": "http://a.example/s", "kind": "sitemap", "priority": 30, "lastmod": "2026-11-21T01:02:03Z"}
        ],
        "other_links": {"mailto": 2}, "feeds": [{"url": "http://a.example/f", "type": "application/rss+xml"}],
        "icons": [{"url": "http://a.example/i", "rel": "icon", "sizes": "16x16"}],
        "json_ld": [{"@type": "Thing"}], "microdata": [{"type": "Thing", "properties": {}}],
        "rdfa": [{"@id": "http://a.example/"}], "text": "x", "markdown": "*x*", "items": [{"a": 1}],
        "content_hash": "00", "simhash": "11", "outcome": "ok"
    }"#;
    serde_json::from_str(json).unwrap()
}

#[test]
fn task_ended_v2() {
    check("task-ended.v2.json", &TaskEnded { page: Some(Box::new(page())), ..ended() });
}

#[test]
fn fetch_task_v2() {
    let extract = ExtractSettings {
        text: true,
        markdown: true,
        metadata: true,
        structured: true,
        fingerprints: true,
        links: LinkKinds::NONE.with(LinkKind::Img),
        raw_links: false,
        follow: Some(LinkKinds::NONE.with(LinkKind::A)),
        rules: None,
    };
    check("fetch-task.v2.json", &FetchTask { extract, ..task() });
}

/// The headers of a whole record, in order.
#[test]
fn envelope_headers() {
    let parent = Envelope::read(
        &trawl_shared::runtime::encode_root(&task(), origin().job, "/golden/0".into()).unwrap(),
    )
    .unwrap();
    let lineage =
        Lineage { parent, source: "/golden/1".into(), now: "2026-11-21T01:02:03.456Z".parse().unwrap() };
    let record: Record = ended().encode(&lineage).unwrap().remove(0);
    let mut envelope = Envelope::read(&record).unwrap();
    assert_eq!(envelope.trace.trace_id, lineage.parent.trace.trace_id, "a child stays in its parent's trace");
    // The only part that is drawn at random.
    envelope.trace = TraceContext { trace_id: 1, span_id: 2, flags: 1 };
    let mut headers = record.headers.clone();
    envelope.write_to(&mut headers);
    let lines: String =
        headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value))).collect();
    let path = golden("task-ended.headers.txt");
    if std::env::var_os("TRAWL_TEST_BLESS").is_some() && !path.exists() {
        fs::write(&path, &lines).unwrap();
    }
    assert_eq!(lines, fs::read_to_string(path).unwrap());
}

/// Truncated, oversized and lying frames are refused, never read past their end.
#[test]
fn broken_frames_are_refused() {
    let frame = Message::encode(&scraped()).unwrap();
    for cut in [0, 3, 4, 5, frame.len() - scraped().body.len() - 1] {
        assert!(ScrapedPage::decode(frame.slice(..cut)).is_err(), "cut at {cut}");
    }
    let mut lying = frame.to_vec();
    lying[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(ScrapedPage::decode(Bytes::from(lying)).is_err());
}
