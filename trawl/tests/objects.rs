//! `trawl crawl --out URL` from outside: files are seen there when they are whole, also over `kill -9`; and bodies that
//! are too large for the bus.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use support::{
    Process, Site, assert_success, crawl, rows, wait_for,
    web::{Answer, Served},
};
use trawl_storage::visit_pages;

/// `trawl crawl` that writes to URLs of a folder.
fn crawl_to(site: &Site, folder: &Path) -> Command {
    let url = |name: &str| PathBuf::from(format!("file://{}/there/{name}", folder.display()));
    let mut command = crawl(site, &folder.join("data"), &url("pages.jsonl"));
    for name in ["pages.parquet", "site.warc.gz"] {
        command.arg("--out").arg(url(name));
    }
    command
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_crawl_that_is_killed_while_files_go_up_goes_on_to_whole_ones() {
    let site = Site::docs(2, 120);
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    let path = there.strip_prefix("/").unwrap();
    let staging = folder.path().join("data/staging/file").join(path);
    // Once in the middle, and then between the first file that is whole and the last that is up.
    let growing = staging.join("pages.jsonl.growing");
    let written = || fs::read_to_string(&growing).map_or(0, |text| text.lines().count());
    let is_complete = || staging.join("site.warc.gz").exists() || there.join("site.warc.gz").exists();
    let middle: &dyn Fn() -> bool = &|| written() > 20;
    for (round, moment) in [middle, &is_complete].into_iter().enumerate() {
        let mut command = crawl_to(&site, folder.path());
        if round > 0 {
            command.arg("--resume");
        }
        let child = Process(command.stderr(Stdio::null()).spawn().unwrap());
        wait_for("the moment", 90, || moment().then_some(()));
        child.kill();
    }
    let up = names(&there);
    eprintln!("killed with {up:?} up, and {:?} here", names(&staging));
    if !up.contains("pages.parquet") || names(&staging).iter().any(|name| !name.ends_with(".sent")) {
        assert_success(&crawl_to(&site, folder.path()).arg("--resume").output().unwrap());
    }
    let whole = ["pages.jsonl", "pages.parquet", "site.cdxj", "site.warc.gz"];
    assert!(whole.iter().all(|name| names(&there).contains(*name)), "{:?}", names(&there));

    let lines = rows(&there.join("pages.jsonl"));
    site.check(&lines);
    let fetched: BTreeSet<&str> = lines
        .iter()
        .filter(|row| row["outcome"] == "stored")
        .map(|row| row["url"].as_str().unwrap())
        .collect();
    let mut archived = Vec::new();
    visit_pages(&[there.join("site.warc.gz")], |page| {
        archived.push(page.url);
        Ok::<_, trawl_storage::archived::CopyError>(())
    })
    .unwrap();
    assert_eq!(archived.len(), fetched.len(), "each once");
    assert_eq!(archived.iter().map(String::as_str).collect::<BTreeSet<_>>(), fetched);
}

/// Far more than the bus holds at once: parser and archive get it from the folder, and that goes with the crawl.
#[test]
fn a_page_of_20_mb_is_parsed_and_archived() {
    const LENGTH: usize = 20 * 1024 * 1024;
    let site = Served::start(|_| {
        |target: &str| match target {
            "/" => {
                let mut body = b"<title>large</title><a href=/small>small</a><!--".to_vec();
                body.resize(LENGTH, b'x');
                Answer::of(200, "text/html", body)
            }
            "/small" => Answer::of(200, "text/html", "<title>small</title>"),
            _ => Answer::of(404, "text/plain", ""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (data, warc) = (folder.path().join("data"), folder.path().join("site.warc.gz"));
    let jsonl = folder.path().join("pages.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.args(["crawl", &format!("http://127.0.0.1:{}/", site.port), "--allow-private-addresses"]);
    command.args(["--delay", "0s", "--quiet", "--max-body", "32MiB", "--data"]).arg(&data);
    assert_success(&command.arg("--out").arg(&jsonl).arg("--out").arg(&warc).output().unwrap());
    let titles: Vec<_> = rows(&jsonl).iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles, ["large", "small"]);
    let mut lengths = Vec::new();
    visit_pages(&[warc], |page| {
        lengths.push(page.body.len());
        Ok::<_, trawl_storage::archived::CopyError>(())
    })
    .unwrap();
    assert_eq!(lengths, [LENGTH, "<title>small</title>".len()]);
    assert!(!data.join("bodies").exists(), "no body stays when the crawl is done");
}

/// Without the feature there is a word about it, before anything is opened.
#[test]
fn what_this_program_can_not_write_to_is_said_first() {
    let folder = tempfile::tempdir().unwrap();
    let run = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
        command
            .args(["crawl", "http://127.0.0.1:9/", "--out", out, "--data"])
            .arg(folder.path().join("data"));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = run("ftp://a/b.jsonl");
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("write s3://BUCKET/PATH"), "{error}");
    if !trawl_shared::blob::CLOUD {
        let (code, error) = run("s3://bucket/pages.jsonl");
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains("--features object-store"), "{error}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was opened");
}
