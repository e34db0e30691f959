//! Outputs that are URLs: files grow here, and are up when they are complete; `file://`, and S3 as moto speaks it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use bytes::Bytes;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use support::{context_of, job, pages, python, take};
use trawl_shared::{
    blob::{Blobs, Bodies},
    model::{CanonicalUrl, ScrapedPage, TaskEnded, TaskId},
    runtime::{BatchHandler as _, Failure},
    sql::{DatabaseUrl, Missing},
};
use trawl_storage::{
    Outlet, Outlets,
    row::Rows,
    sink::{OutputMode, Rotation, Target},
    store::{self, PageStore},
    visit_pages,
    warc::Reader,
};

const NAMES: [&str; 3] = ["pages.jsonl", "pages.parquet", "site.warc.gz"];

async fn open(
    store: &Arc<dyn PageStore>,
    base: &str,
    staging: &Path,
    rotation: Option<Rotation>,
    mode: OutputMode,
) -> Outlets {
    let outlet = |name: &&str| {
        let target = format!("{base}/{name}").parse::<Target>().unwrap().staged_in(staging);
        Outlet::named(&target, Rows::Pages, rotation, None).unwrap()
    };
    Outlets::open(&**store, NAMES.iter().map(outlet).collect(), mode).await.unwrap()
}

/// A page as it was fetched, for each one that ended.
fn fetched(ended: &[TaskEnded]) -> Vec<ScrapedPage> {
    let page = |ended: &TaskEnded| ScrapedPage {
        origin: ended.origin.clone(),
        body: format!("<p>{}", ended.origin.url).into(),
        ..support::scraped()
    };
    ended.iter().map(page).collect()
}

/// Gives pages to rows and archives, each twice.
async fn write(store: &Arc<dyn PageStore>, outlets: &Outlets, ended: &[TaskEnded], fetched: &[ScrapedPage]) {
    let (rows, archive) = outlets.handlers(store);
    let archive = archive.unwrap();
    for _ in 0..2 {
        take(&rows, ended).await;
        let batch = fetched.iter().map(|page| (page.clone(), context_of(page))).collect();
        archive.handle(batch).await.unwrap();
    }
}

/// The files below a folder, by their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// The URLs in all files of a format.
fn urls(folder: &Path, end: &str) -> Vec<String> {
    let files: Vec<PathBuf> =
        files(folder).into_iter().filter(|path| path.to_string_lossy().ends_with(end)).collect();
    let mut urls = Vec::new();
    match end {
        ".jsonl" => {
            for file in files {
                let text = fs::read_to_string(file).unwrap();
                let row = |line| serde_json::from_str::<Value>(line).unwrap();
                urls.extend(text.lines().map(|line| row(line)["url"].as_str().unwrap().to_owned()));
            }
        }
        ".parquet" => {
            use parquet::file::reader::{FileReader as _, SerializedFileReader};
            for file in files {
                let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
                for row in reader.get_row_iter(None).unwrap() {
                    let row = row.unwrap();
                    let url = row.get_column_iter().find(|(name, _)| *name == "url").unwrap().1.to_string();
                    urls.push(url.trim_matches('"').to_owned());
                }
            }
        }
        _ => {
            for file in &files {
                let mut records = Reader::new(File::open(file).unwrap()).unwrap();
                assert!(records.all(|record| record.unwrap().digests_agree() != Some(false)));
            }
            visit_pages(&files, |page| {
                urls.push(page.url);
                Ok::<_, trawl_storage::archived::CopyError>(())
            })
            .unwrap();
        }
    }
    urls
}

#[track_caller]
fn assert_each_once(folder: &Path, ended: &[TaskEnded]) {
    let expected: BTreeSet<String> = ended.iter().map(|ended| ended.origin.url.to_string()).collect();
    for end in [".jsonl", ".parquet", ".warc.gz"] {
        let found = urls(folder, end);
        assert_eq!(found.len(), expected.len(), "{end}: each once: {found:?}");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{end}");
    }
}

const SOON: Rotation = Rotation { bytes: 1, age: Duration::from_secs(3600) };

#[tokio::test]
async fn complete_files_go_where_the_url_says_and_nothing_stays() {
    let (folder, store) = support::sqlite().await;
    let (there, staging) = (folder.path().join("there"), folder.path().join("staging"));
    let base = format!("file://{}", there.display());
    let ended = pages(job(), 9);
    let outlets = open(&store, &base, &staging, None, OutputMode::Fresh).await;
    write(&store, &outlets, &ended, &fetched(&ended)).await;
    assert_eq!(names(&there), [""; 0], "nothing is seen before it is complete");
    outlets.complete(&*store).await.unwrap();
    assert_eq!(names(&there), ["pages.jsonl", "pages.parquet", "site.cdxj", "site.warc.gz"]);
    assert_each_once(&there, &ended);
    assert_eq!(names(&staging), [""; 0]);
}

/// What a kill between completion and upload leaves is what an upload that fails leaves: whole files in staging.
#[tokio::test]
async fn whole_files_that_did_not_go_up_go_up_at_the_next_start() {
    for rotation in [Some(SOON), None] {
        let (folder, store) = support::sqlite().await;
        let (there, staging) = (folder.path().join("there"), folder.path().join("staging"));
        let base = format!("file://{}", there.display());
        let ended = pages(job(), 6);
        let pages = fetched(&ended);
        let outlets = open(&store, &base, &staging, rotation, OutputMode::Fresh).await;
        let (rows, archive) = outlets.handlers(&store);
        take(&rows, &ended[..3]).await;
        fs::remove_dir_all(&there).unwrap();
        fs::write(&there, "in the way").unwrap();
        let batch = pages[..3].iter().map(|page| (page.clone(), context_of(page))).collect();
        // One that rotates is complete after its first batch.
        assert_eq!(archive.unwrap().handle(batch).await.is_err(), rotation.is_some());
        assert!(outlets.complete(&*store).await.is_err(), "the folder is a file");
        let left = names(&staging);
        assert!(left.iter().any(|name| name.ends_with(".warc.gz")), "whole, and not up: {left:?}");
        drop(outlets);

        fs::remove_file(&there).unwrap();
        let outlets = open(&store, &base, &staging, rotation, OutputMode::Resume).await;
        write(&store, &outlets, &ended, &pages).await;
        match rotation {
            Some(_) => outlets.rotate(&*store).await.unwrap(),
            None => outlets.complete(&*store).await.map(drop).unwrap(),
        }
        assert_each_once(&there, &ended);
        let left = names(&staging);
        assert!(left.iter().all(|name| rotation.is_some() && name.ends_with(".growing")), "{left:?}");
    }
}

#[tokio::test]
async fn an_output_that_can_not_be_written_is_told_at_the_start() {
    let (folder, store) = support::sqlite().await;
    fs::write(folder.path().join("a-file"), "").unwrap();
    let url = format!("file://{}/a-file/pages.jsonl", folder.path().display());
    let target = url.parse::<Target>().unwrap().staged_in(folder.path());
    let outlet = Outlet::named(&target, Rows::Pages, None, None).unwrap();
    let Err(error) = Outlets::open(&*store, vec![outlet], OutputMode::Fresh).await else {
        panic!("it opened")
    };
    let error = error.to_string();
    assert!(error.starts_with(&url) && error.contains("give this user leave"), "{error}");
}

/// The archive gets large bodies back, a few at a time, and says which one it can't have.
#[tokio::test]
async fn an_archive_holds_bodies_that_its_records_only_name() {
    let (folder, store) = support::sqlite().await;
    let job = job();
    let bodies = Bodies::of(Blobs::in_folder(&folder.path().join("bodies")), 1024);
    let mut batch = Vec::new();
    for n in 0..5_u8 {
        let url = CanonicalUrl::parse(&format!("http://a.example/{n}")).unwrap();
        let mut page = support::scraped();
        page.origin.task = TaskId::derive(job, &url, 0);
        (page.origin.job, page.origin.url, page.body) = (job, url, Bytes::from(vec![n; 12 * 1024 * 1024]));
        batch.push(bodies.put_aside(page).await.unwrap());
    }
    let lost = batch[3].kept_body.clone().unwrap().sha256;
    fs::remove_file(folder.path().join(format!("bodies/sha256/{}/{lost}", &lost[..2]))).unwrap();

    let path = folder.path().join("site.warc.gz");
    let outlet = Outlet::named(&Target::File(path.clone()), Rows::Pages, None, None).unwrap();
    let outlets = Outlets::open(&*store, vec![outlet], OutputMode::Fresh).await.unwrap().with_bodies(bodies);
    let archive = outlets.handlers(&store).1.unwrap();
    let batch = batch.into_iter().map(|page| (page.clone(), context_of(&page))).collect();
    let answers = archive.handle(batch).await.unwrap();
    let failed: Vec<_> = answers.iter().map(|answer| answer.as_ref().err()).collect();
    assert!(matches!(failed[3], Some(Failure::Retry(fault)) if fault.code == "body_missing"), "{failed:?}");
    assert_eq!(failed.iter().filter(|failed| failed.is_some()).count(), 1);
    outlets.complete(&*store).await.unwrap();
    let mut lengths = Vec::new();
    visit_pages(&[path], |page| {
        assert!(page.body.iter().all(|byte| *byte == page.body[0]));
        lengths.push(page.body.len());
        Ok::<_, trawl_storage::archived::CopyError>(())
    })
    .unwrap();
    assert_eq!(lengths, [12 * 1024 * 1024; 4]);
}

/// A server that goes with the test.
struct Moto(Child);

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for the server, makes the bucket.
const MAKE_BUCKET: &str = r#"
import sys, time, boto3, botocore
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
deadline = time.monotonic() + 60
while True:
    try:
        s3.create_bucket(Bucket="shop")
        break
    except botocore.exceptions.EndpointConnectionError:
        if time.monotonic() > deadline:
            raise
"#;

/// Fetches every object into a folder; says how many uploads were begun and left.
const FETCH_ALL: &str = r#"
import sys, os, boto3
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
for object in s3.list_objects_v2(Bucket="shop").get("Contents", []):
    path = os.path.join(sys.argv[2], object["Key"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    s3.download_file("shop", object["Key"], path)
print(len(s3.list_multipart_uploads(Bucket="shop").get("Uploads", [])))
"#;

/// This test again, in a process whose environment says where the store is.
const CHILD: &str = "TRAWL_TEST_OBJECTS_FOLDER";

/// Larger than one part of an upload, and not to be compressed.
const LARGE: usize = 20 * 1024 * 1024;

async fn write_to_s3(folder: &Path) {
    let store = store::open(&DatabaseUrl::sqlite(folder), Missing::Create).await.unwrap();
    let staging = folder.join("staging");
    let ended = pages(job(), 12);
    let mut pages = fetched(&ended);
    let mut random = 7_u64;
    let byte = |_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    };
    pages[4].body = (0..LARGE).map(byte).collect();
    let outlets = open(&store, "s3://shop/a folder", &staging, Some(SOON), OutputMode::Resume).await;
    for at in 0..3 {
        let part = at * 4..at * 4 + 4;
        write(&store, &outlets, &ended[part.clone()], &pages[part]).await;
        outlets.rotate(&*store).await.unwrap();
    }
    store.close().await;
    assert!(names(&staging).iter().all(|name| name.ends_with(".growing")), "{:?}", names(&staging));
    let urls: Vec<_> = ended.iter().map(|ended| ended.origin.url.to_string()).collect();
    fs::write(folder.join("expected.json"), serde_json::to_string(&urls).unwrap()).unwrap();
}

#[tokio::test]
async fn s3_has_what_was_written() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return write_to_s3(Path::new(&folder)).await;
    }
    let Some(python) = python::with(&["moto.server", "boto3"]) else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut server = Command::new(&python);
    server.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    let _server = Moto(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    python::run(&python, MAKE_BUCKET, &[Path::new(&endpoint)]);

    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "s3_has_what_was_written", "--nocapture"]).env(CHILD, folder.path());
    let credentials = |command: &mut Command| {
        command.env("AWS_ENDPOINT", &endpoint).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    };
    credentials(&mut child);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut export = Command::new(env!("CARGO_BIN_EXE_storage"));
    export.args(["--database-url", &format!("sqlite://{}", folder.path().display()), "export", "--out"]);
    export.arg("s3://shop/exported/pages.parquet");
    credentials(&mut export);
    let output = export.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let there = folder.path().join("there");
    let left = python::run(&python, FETCH_ALL, &[Path::new(&endpoint), &there]);
    assert_eq!(left.trim(), "0", "no upload was left half done");
    let text = fs::read_to_string(folder.path().join("expected.json")).unwrap();
    let expected: BTreeSet<String> =
        serde_json::from_str::<Vec<String>>(&text).unwrap().into_iter().collect();
    for (folder, end) in
        [("a folder", ".jsonl"), ("a folder", ".parquet"), ("a folder", ".warc.gz"), ("exported", ".parquet")]
    {
        let found = urls(&there.join(folder), end);
        assert_eq!(found.len(), expected.len(), "{folder} {end}: each once");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{folder} {end}");
    }
    let largest = files(&there).iter().map(|file| file.metadata().unwrap().len()).max().unwrap();
    assert!(largest > LARGE as u64, "one went up in parts: {largest}");
    eprintln!("{} objects were read back", files(&there).len());

    // A bucket that is not there is told before anything is written, with what to do.
    let mut export = Command::new(env!("CARGO_BIN_EXE_storage"));
    export.args(["--database-url", &format!("sqlite://{}", folder.path().display()), "export", "--out"]);
    export.arg("s3://no-such-bucket/pages.jsonl");
    credentials(&mut export);
    let output = export.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(7), "{error}");
    assert!(
        error.contains("s3://no-such-bucket/pages.jsonl") && error.contains("make the bucket"),
        "{error}"
    );
}
