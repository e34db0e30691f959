//! Files of every format from outside: one crawl writes all of them, is killed, resumed, and complete.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use support::{Process, Site, assert_success, crawl, rows, wait_for};
use trawl_storage::{visit_pages, warc::Reader};

const NAMES: [&str; 4] = ["pages.jsonl", "pages.csv", "pages.parquet", "site.warc.gz"];

/// `trawl crawl` that writes every format.
fn crawl_all(site: &Site, folder: &Path) -> Command {
    let mut command = crawl(site, &folder.join("data"), &folder.join(NAMES[0]));
    for name in &NAMES[1..] {
        command.arg("--out").arg(folder.join(name));
    }
    command
}

/// The values of a column of a Parquet file, in its order.
fn column(path: &Path, name: &str) -> Vec<String> {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::Field,
    };
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        match row.get_column_iter().find(|(column, _)| *column == name).unwrap().1 {
            Field::Str(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    })
    .collect()
}

/// The URLs of pages in an archive, in its order.
fn archived(path: &Path) -> Vec<String> {
    for record in Reader::new(File::open(path).unwrap()).unwrap() {
        assert_ne!(record.unwrap().digests_agree(), Some(false));
    }
    let mut urls = Vec::new();
    visit_pages(&[path.to_owned()], |page| {
        urls.push(page.url);
        Ok::<_, trawl_storage::archived::CopyError>(())
    })
    .unwrap();
    urls
}

#[test]
fn a_killed_crawl_leaves_whole_files_only_and_each_row_once_when_resumed() {
    let site = Site::docs(3, 240);
    let folder = tempfile::tempdir().unwrap();
    let total = site.expected().len();
    let growing = folder.path().join("pages.jsonl.growing");
    let written = || fs::read_to_string(&growing).map_or(0, |text| text.lines().count());
    let files: Vec<PathBuf> = NAMES.iter().map(|name| folder.path().join(name)).collect();
    for round in 0..3 {
        let mut command = crawl_all(&site, folder.path());
        if round > 0 {
            command.arg("--resume");
        }
        let child = Process(command.stderr(Stdio::null()).spawn().unwrap());
        let enough = total * (round + 1) / 5;
        wait_for("some pages", 60, || (written() >= enough).then_some(()));
        child.kill();
        for file in &files {
            assert!(!file.exists(), "{} is there before it is complete", file.display());
        }
    }
    assert_success(&crawl_all(&site, folder.path()).arg("--resume").output().unwrap());
    let left =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<String> =
        NAMES.iter().chain(&["data", "site.cdxj"]).map(|name| (*name).to_owned()).collect();
    assert_eq!(left.collect::<BTreeSet<_>>(), expected);

    let lines = rows(&files[0]);
    site.check(&lines);
    let urls: Vec<&str> = lines.iter().map(|row| row["url"].as_str().unwrap()).collect();
    assert_eq!(column(&files[2], "url"), urls);
    let csv: Vec<String> = fs::read_to_string(&files[1]).unwrap().lines().skip(1).map(first_field).collect();
    assert_eq!(csv, urls);
    // Redirects and pages that are gone have a row and no body.
    let fetched: BTreeSet<&str> = lines
        .iter()
        .filter(|row| row["outcome"] == "stored")
        .map(|row| row["url"].as_str().unwrap())
        .collect();
    let archived = archived(&files[3]);
    assert_eq!(archived.len(), fetched.len(), "each once");
    assert_eq!(archived.iter().map(String::as_str).collect::<BTreeSet<_>>(), fetched);
}

fn first_field(line: &str) -> String {
    line.split(',').next().unwrap().trim_matches('"').to_owned()
}

const RULES: &str = r#"
[[pages]]
name = "page"
[pages.fields]
title = "title"
"#;

#[test]
fn rules_that_are_written_later_are_applied_to_what_was_archived() {
    let site = Site::docs(2, 40);
    let folder = tempfile::tempdir().unwrap();
    let (data, warc) = (folder.path().join("data"), folder.path().join("site.warc.gz"));
    assert_success(&crawl(&site, &data, &warc).output().unwrap());
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, RULES).unwrap();
    let reparse = |out: &Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
        command
            .args(["reparse", "--rules"])
            .arg(&rules)
            .arg("--data")
            .arg(&data)
            .arg("--out")
            .arg(out)
            .args(more);
        // The site is not asked: it is not even there.
        assert_success(&command.output().unwrap());
        rows(out)
    };
    let pages = archived(&warc);
    drop(site);
    let items = reparse(&folder.path().join("items.jsonl"), &[]);
    assert_eq!(items.len(), pages.len());
    assert!(
        items.iter().all(|item: &Value| item["_type"] == "page" && item["title"].is_string()),
        "{:?}",
        items[0]
    );
    let again = reparse(&folder.path().join("again.jsonl"), &["--from", "warc", warc.to_str().unwrap()]);
    assert_eq!(again, items, "the same rules over the same pages give the same items, once");
}
