//! What is written, read back by other hands: Parquet by pyarrow, CSV by Python's csv, WARC by warcio and FastWARC.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::Duration,
};
use support::{context_of, job, page, python, take};
use trawl_shared::{
    model::{CanonicalUrl, JobId, Origin, ScrapedPage, TaskEnded},
    runtime::BatchHandler,
};
use trawl_storage::{
    Outlet, Outlets,
    row::Rows,
    sink::{OutputMode, Rotation, Target},
    store::PageStore,
    warc::{Reader, Record},
};

/// Pages with everything that a cell can hold, and items whose fields differ.
fn varied(job: JobId) -> Vec<TaskEnded> {
    let texts = ["plain", "quote \" comma , line\nbreak", "ünïcödé \u{1F98A}", ""];
    let page_of = |(n, text): (usize, &&str)| {
        let mut ended = page(job, &format!("http://a.example/page/{n}"));
        let facts = ended.page.as_mut().unwrap();
        facts.title = Some((*text).to_owned());
        facts.rules = Some("0123456789abcdef0123456789abcdef".into());
        facts.items = vec![
            json!({"type": "book", "title": text, "price": n as f64 + 0.5, "stock": n, "tags": ["a", text],
                   "seller": {"name": "x", "rating": 5}, "used": n % 2 == 0}),
            json!({"type": "note", "title": "second", "price": n}),
        ];
        if n == 3 {
            facts.links.clear();
            facts.lang = None;
        }
        ended
    };
    texts.iter().enumerate().map(page_of).collect()
}

async fn written(store: &Arc<dyn PageStore>, folder: &Path, names: &[&str], rows: Rows, pages: &[TaskEnded]) {
    let outlet = |name: &&str| Outlet::named(&Target::File(folder.join(name)), rows, None, None).unwrap();
    let outlets =
        Outlets::open(&**store, names.iter().map(outlet).collect(), OutputMode::Fresh).await.unwrap();
    let (handler, _) = outlets.handlers(store);
    take(&handler, pages).await;
    // Delivered twice, written once.
    take(&handler, pages).await;
    outlets.complete(&**store).await.unwrap();
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const READ_PARQUET: &str = r#"
import sys, json, datetime, pyarrow.parquet as pq
file = pq.ParquetFile(sys.argv[1])
shown = lambda v: v.isoformat(timespec="milliseconds").replace("+00:00", "Z") if isinstance(v, datetime.datetime) else v
print(json.dumps({f.name: str(f.type) for f in file.schema_arrow}))
for row in file.read().to_pylist():
    print(json.dumps({name: shown(value) for name, value in row.items()}))
"#;

const READ_CSV: &str = r#"
import sys, csv, json
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        print(json.dumps(row))
"#;

/// The type and the rows that another reader finds.
fn read_parquet(python: &Path, path: &Path) -> (Value, Vec<Value>) {
    let text = python::run(python, READ_PARQUET, &[path]);
    let mut values = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (values.next().unwrap(), values.collect())
}

#[tokio::test]
async fn pages_are_the_same_in_every_format() {
    let (folder, store) = support::sqlite().await;
    let names = ["pages.jsonl", "pages.csv", "pages.parquet"];
    written(&store, folder.path(), &names, Rows::Pages, &varied(job())).await;
    let expected = lines(&folder.path().join("pages.jsonl"));
    assert_eq!(expected.len(), 4);
    if let Some(python) = python::with(&["pyarrow.parquet"]) {
        let (types, rows) = read_parquet(&python, &folder.path().join("pages.parquet"));
        assert_eq!(types["status"], "int64");
        assert_eq!(types["fetched_at"], "timestamp[ms, tz=UTC]");
        assert!(types["links"].as_str().unwrap().starts_with("list<"), "{types}");
        assert_eq!(rows, expected);
    }
    if let Some(python) = python::with(&["csv"]) {
        let text = python::run(&python, READ_CSV, &[&folder.path().join("pages.csv")]);
        for (row, expected) in text.lines().zip(&expected) {
            let row: Value = serde_json::from_str(row).unwrap();
            for (name, value) in row.as_object().unwrap() {
                let shown = match &expected[name] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(value, &shown, "{name}");
            }
        }
        assert_eq!(text.lines().count(), expected.len());
    }
}

#[tokio::test]
async fn items_have_typed_columns_that_all_of_them_fit() {
    let (folder, store) = support::sqlite().await;
    let names = ["items.jsonl", "items.csv", "items.parquet"];
    written(&store, folder.path(), &names, Rows::Items, &varied(job())).await;
    let items = lines(&folder.path().join("items.jsonl"));
    assert_eq!(items.len(), 8);
    assert_eq!((&items[0]["_type"], &items[1]["_type"]), (&json!("book"), &json!("note")));
    let csv = fs::read_to_string(folder.path().join("items.csv")).unwrap();
    let head = "_url,_type,_fetched_at,price,seller.name,seller.rating,stock,tags,title,type,used";
    assert_eq!(csv.lines().next().unwrap(), head);
    if let Some(python) = python::with(&["pyarrow.parquet"]) {
        let (types, rows) = read_parquet(&python, &folder.path().join("items.parquet"));
        let of = |name: &str| types[name].as_str().unwrap().to_owned();
        assert_eq!(
            [of("price"), of("stock"), of("used"), of("title")],
            ["double", "int64", "bool", "string"]
        );
        for (row, item) in rows.iter().zip(&items) {
            for name in ["_url", "_type", "_fetched_at", "title", "stock", "used", "tags"] {
                assert_eq!(&row[name], &item[name], "{name}");
            }
            assert_eq!(row["price"].as_f64(), item["price"].as_f64());
            assert_eq!(row["seller.rating"], item["seller"]["rating"]);
        }
        assert_eq!(rows.len(), items.len());
    }
    if let Some(python) = python::with(&["csv"]) {
        let rows = python::run(&python, READ_CSV, &[&folder.path().join("items.csv")]);
        let first: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
        assert_eq!((&first["tags"], &first["used"]), (&json!(r#"["a","plain"]"#), &json!("true")));
        assert_eq!(rows.lines().count(), items.len());
    }
}

fn fetched(job: JobId, path: &str, body: &'static [u8]) -> ScrapedPage {
    let url = CanonicalUrl::parse(&format!("http://a.example/{path}")).unwrap();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    ScrapedPage {
        origin: Origin { depth: 1, found_on: Some("http://a.example/".into()), ..Origin::of_seed(job, url) },
        status: 200,
        fetched_at: "2026-11-21T01:02:03.456Z".parse().unwrap(),
        took_ms: 12,
        request_headers: vec![header("host", "a.example"), header("user-agent", "test/1")],
        headers: vec![
            header("content-type", "text/html"),
            header("content-encoding", "gzip"),
            header("x-odd", "a\r\nb: é"),
        ],
        charset: Some("UTF-8".into()),
        truncated: path.starts_with("cut"),
        address: Some("192.0.2.1".parse().unwrap()),
        body: Bytes::from_static(body),
        ..support::scraped()
    }
}

/// Every file: plain, empty, binary, and one that was there before.
fn exchanges(job: JobId) -> Vec<ScrapedPage> {
    vec![
        fetched(job, "a", b"<p>one</p>"),
        fetched(job, "b?q=1", b""),
        fetched(job, "same", b"<p>one</p>"),
        fetched(job, "cut", b"\x00\xff\r\n\r\nHTTP/1.1 200 OK\r\n"),
    ]
}

async fn archived(
    store: &Arc<dyn PageStore>,
    path: &Path,
    rotation: Option<Rotation>,
    pages: &[ScrapedPage],
) {
    let outlet = Outlet::named(&Target::File(path.to_owned()), Rows::Pages, rotation, None).unwrap();
    let outlets = Outlets::open(&**store, vec![outlet], OutputMode::Resume).await.unwrap();
    let (_, archive) = outlets.handlers(store);
    let archive = archive.unwrap();
    for page in pages.iter().chain(pages) {
        archive.handle(vec![(page.clone(), context_of(page))]).await.unwrap();
    }
    outlets.complete(&**store).await.unwrap();
}

fn records(path: &Path) -> Vec<Record> {
    Reader::new(File::open(path).unwrap()).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn an_archive_holds_each_exchange_once_and_others_agree() {
    let (folder, store) = support::sqlite().await;
    let path = folder.path().join("site.warc.gz");
    let pages = exchanges(job());
    archived(&store, &path, None, &pages).await;

    let records = records(&path);
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    let exchange = |response| [response, "request", "metadata"];
    let expected =
        [exchange("response"), exchange("response"), exchange("revisit"), exchange("response")].concat();
    assert_eq!(kinds, [vec!["warcinfo"], expected].concat());
    assert!(records.iter().all(|record| record.digests_agree() != Some(false)));
    let responses: Vec<&Record> = records.iter().filter(|record| record.kind() == "response").collect();
    for (record, page) in responses.iter().zip([&pages[0], &pages[1], &pages[3]]) {
        assert_eq!(record.payload(), &page.body[..]);
        assert_eq!(record.target_uri().unwrap(), page.origin.url.as_str());
        let message = record.http().unwrap();
        assert_eq!(message.headers.get("x-archive-orig-content-encoding"), Some("gzip"));
        assert_eq!(message.headers.get("x-odd"), Some("a  b: é"));
    }
    assert_eq!(responses[2].fields.get("WARC-Truncated"), Some("length"));
    let revisit = records.iter().find(|record| record.kind() == "revisit").unwrap();
    assert_eq!(revisit.fields.get("WARC-Refers-To"), responses[0].id());

    let index = fs::read_to_string(folder.path().join("site.cdxj")).unwrap();
    assert_eq!(index.lines().count(), 4);
    assert!(index.starts_with("com,") || index.starts_with("example,a)/a 20261121010203 {"), "{index}");
    for line in index.lines() {
        let capture: Value = serde_json::from_str(line.splitn(3, ' ').nth(2).unwrap()).unwrap();
        let offset: u64 = capture["offset"].as_str().unwrap().parse().unwrap();
        let record = records.iter().find(|record| record.offset == offset).unwrap();
        assert_eq!(record.length.to_string(), capture["length"].as_str().unwrap());
        assert_eq!(record.target_uri().unwrap(), capture["url"].as_str().unwrap());
    }
    if let Some(python) = python::with(&["warcio"]) {
        let script = "import sys; from warcio.cli import main; main(['check', '-v', sys.argv[1]])";
        let report = python::run(&python, script, &[&path]);
        assert_eq!(report.matches("digest pass").count(), 12, "{report}");
        let script = r#"
import sys, hashlib
from warcio.archiveiterator import ArchiveIterator
for record in ArchiveIterator(open(sys.argv[1], "rb"), check_digests=True):
    print(record.rec_type, hashlib.sha1(record.content_stream().read()).hexdigest(), record.digest_checker.passed)
"#;
        let read = python::run(&python, script, &[&path]);
        let ours = records.iter().map(|record| {
            use sha1::Digest as _;
            let sha1: String =
                sha1::Sha1::digest(record.payload()).iter().map(|byte| format!("{byte:02x}")).collect();
            let passed = match record.digests_agree() {
                None => "None",
                Some(true) => "True",
                Some(false) => "False",
            };
            format!("{} {sha1} {passed}\n", record.kind())
        });
        assert_eq!(read, ours.collect::<String>());
    }
    if let Some(python) = python::with(&["fastwarc"]) {
        let script = r#"
import sys
from fastwarc.warc import ArchiveIterator
blocks = [record.verify_block_digest() for record in ArchiveIterator(open(sys.argv[1], "rb"), parse_http=False)]
payload = lambda record: record.headers["WARC-Type"] != "response" or record.verify_payload_digest()
payloads = [(record.headers["WARC-Type"], payload(record)) for record in ArchiveIterator(open(sys.argv[1], "rb"))]
for block, (kind, payload) in zip(blocks, payloads):
    print(kind, block and payload)
"#;
        let read = python::run(&python, script, &[&path]);
        let ours: String = records.iter().map(|record| format!("{} True\n", record.kind())).collect();
        assert_eq!(read, ours);
    }
}

#[tokio::test]
async fn files_of_an_archive_end_by_size_and_are_whole_each() {
    let (folder, store) = support::sqlite().await;
    let path = folder.path().join("archive/all.warc.gz");
    let rotation = Rotation { bytes: 1500, age: Duration::from_secs(3600) };
    archived(&store, &path, Some(rotation), &exchanges(job())).await;
    let mut names: Vec<String> = fs::read_dir(folder.path().join("archive"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let whole: Vec<_> = names.iter().filter(|name| name.ends_with(".warc.gz")).collect();
    assert!(whole.len() > 1, "{names:?}");
    assert_eq!(names.iter().filter(|name| name.ends_with(".cdxj")).count(), whole.len());
    assert!(!names.iter().any(|name| name.ends_with(".growing")), "{names:?}");
    let mut responses = 0;
    for name in whole {
        let records = records(&folder.path().join("archive").join(name));
        assert_eq!(records[0].kind(), "warcinfo");
        assert_eq!(records[0].fields.get("WARC-Filename"), Some(name.as_str()));
        responses += records.iter().filter(|record| matches!(record.kind(), "response" | "revisit")).count();
    }
    assert_eq!(responses, 4);
}
