//! The embedded crawl from outside: the real binary, a web with a known answer, kills and bad input.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use bench::web::{Preset, Profile};
use std::{
    fs,
    process::{Command, Stdio},
};
use support::{Process, Site, assert_success, audit, crawl, rows, wait_for};

#[test]
fn every_page_of_a_wild_web_is_stored_once_and_the_audit_balances() {
    let site = Site::wild(5, 150);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pages.jsonl");
    let output = crawl(&site, &folder.path().join("data"), &out).output().unwrap();
    assert_success(&output);
    site.check(&rows(&out));
    let audit = audit(&["--data", folder.path().join("data").to_str().unwrap()]);
    assert_eq!(audit["balanced"], true, "{audit}");
    assert_eq!(audit["states"]["dead"].as_u64().unwrap() as usize, site.dead().len(), "{audit}");
}

#[test]
fn kill_9_at_any_moment_and_resume_lose_and_double_nothing() {
    let site = Site::docs(4, 400);
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("pages.jsonl"));
    let total = site.expected().len();
    let growing = folder.path().join("pages.jsonl.growing");
    let written = || fs::read_to_string(&growing).map_or(0, |text| text.lines().count());
    for (round, share) in [5, 3, 2].into_iter().enumerate() {
        let mut command = crawl(&site, &data, &out);
        if round > 0 {
            command.arg("--resume");
        }
        let child = Process(command.stderr(Stdio::null()).spawn().unwrap());
        wait_for("some pages", 60, || (written() >= total / share / 2).then_some(()));
        child.kill();
        assert!(written() < total, "the kill came too late to show anything");
        assert!(!out.exists(), "a file that is not complete has not its name");
    }
    assert_success(&crawl(&site, &data, &out).arg("--resume").output().unwrap());
    site.check(&rows(&out));
    let audit = audit(&["--data", data.to_str().unwrap()]);
    assert_eq!(audit["balanced"], true, "{audit}");
}

#[test]
fn who_is_interrupted_asks_no_site_for_pages_that_reach_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    let site = Site::logged(8, 400, Profile::preset(Preset::Docs), Some(&log));
    let (data, out) = (folder.path().join("data"), folder.path().join("pages.jsonl"));
    let asked = || fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    let mut polite = Command::new(env!("CARGO_BIN_EXE_trawl"));
    polite.arg("crawl").args(&site.seeds).arg("--data").arg(&data).arg("--out").arg(&out);
    polite.args(["--resolve", &site.resolve(), "--allow-private-addresses", "--delay", "100ms", "--quiet"]);
    let mut child = Process(polite.stderr(Stdio::null()).spawn().unwrap());
    wait_for("the crawl to get going", 60, || (asked() >= 60).then_some(()));
    let before = asked();
    assert!(Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap().success());
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    // A second of the crawl is 80 requests; what was under way at the signal may still be noted.
    let after = asked() - before;
    assert!(after <= 40, "{after} requests after the signal");
    assert_success(&crawl(&site, &data, &out).arg("--resume").output().unwrap());
    site.check(&rows(&out));
}

#[test]
fn budgets_depth_and_scope_hold() {
    let site = Site::docs(3, 90);
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, flags: &[&str]| {
        let out = folder.path().join(format!("{name}.jsonl"));
        assert_success(&crawl(&site, &folder.path().join(name), &out).args(flags).output().unwrap());
        rows(&out)
    };
    assert_eq!(run("budget", &["--max-pages", "17"]).len(), 17);
    let shallow = run("depth", &["--depth", "1"]);
    assert!(shallow.iter().all(|row| row["depth"].as_u64().unwrap() <= 1));
    assert!(shallow.iter().any(|row| row["depth"] == 1) && shallow.len() < site.expected().len());
    let mut one = Command::new(env!("CARGO_BIN_EXE_trawl"));
    let out = folder.path().join("one.jsonl");
    one.args([
        "crawl",
        &site.seeds[0],
        "--allow-private-addresses",
        "--delay",
        "0s",
        "--quiet",
        "--resolve",
        &site.resolve(),
    ]);
    assert_success(
        &one.arg("--out").arg(&out).arg("--data").arg(folder.path().join("one")).output().unwrap(),
    );
    assert!(
        rows(&out).iter().all(|row| row["url"].as_str().unwrap().starts_with(&site.seeds[0])),
        "one host only"
    );
}

#[test]
fn bad_seeds_are_named_and_the_good_ones_are_crawled() {
    let site = Site::docs(1, 5);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pages.jsonl");
    let output = crawl(&site, folder.path(), &out).args(["mailto:a@b.example", "no url"]).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{talk}");
    assert!(talk.contains("mailto:a@b.example") && talk.contains("\"no url\""), "{talk}");
    site.check(&rows(&out));
}

#[test]
fn a_full_disk_stops_the_crawl_and_loses_nothing() {
    let site = Site::docs(2, 60);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = crawl(&site, &data, "/dev/full".as_ref()).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{talk}");
    assert!(talk.contains("/dev/full") && talk.to_lowercase().contains("no space"), "{talk}");
    let out = folder.path().join("pages.jsonl");
    assert_success(&crawl(&site, &data, &out).arg("--resume").output().unwrap());
    site.check(&rows(&out));
}

#[test]
fn rows_go_to_standard_output_and_talk_to_standard_error() {
    let site = Site::docs(1, 12);
    let folder = tempfile::tempdir().unwrap();
    let mut command = crawl(&site, folder.path(), "-".as_ref());
    let output = command.output().unwrap();
    assert_success(&output);
    let rows: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    site.check(&rows);
    assert!(output.stderr.is_empty(), "quiet says nothing: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn exit_codes_of_what_can_not_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_trawl"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["crawl"]).0, 2, "no seed");
    assert_eq!(run(&["crawl", "--resume"]).0, 8, "nothing to resume");
    let (code, talk) = run(&["crawl", "http://a.example/", "--out", "pages.xlsx"]);
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("pages.xlsx") && talk.contains(".jsonl"), "{talk}");
    fs::write(folder.path().join("file"), "").unwrap();
    let (code, talk) = run(&["crawl", "http://a.example/", "--data", "file"]);
    assert_eq!(code, 6, "{talk}");
    assert!(talk.contains("file"), "{talk}");
    // Nothing listens there.
    let (code, talk) = run(&["crawl", "http://127.0.0.1:9/", "--quiet"]);
    assert_eq!(code, 1, "{talk}");
    assert!(talk.contains("ssrf_blocked") && talk.contains("--allow-private-addresses"), "{talk}");
}
