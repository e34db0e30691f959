//! The verbs, as library functions: what they write, and with which code they end.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use clap::Parser;
use serde_json::Value;
use std::io::Write as _;
use support::{Manager, ended, page, redirect};
use trawl_shared::{
    cli::{CliError, Exit},
    model::{Outcome, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    Frontier, Settings,
    cli::{ExplainArgs, SeedArgs, StatusArgs},
};

#[derive(Parser)]
enum Verb {
    Seed(Box<SeedArgs>),
    Status(StatusArgs),
    Explain(ExplainArgs),
}

/// What a verb wrote to standard output and standard error, and how it ended.
async fn run(frontier: &Frontier, words: &str) -> (String, String, Result<(), CliError>) {
    let (mut out, mut complaints) = (Vec::new(), Vec::new());
    let ended = match Verb::try_parse_from([&["x"], &*words.split(' ').collect::<Vec<_>>()].concat()).unwrap()
    {
        Verb::Seed(args) => args.run(frontier, &mut out, &mut complaints).await,
        Verb::Status(args) => args.run(frontier, &mut out).await,
        Verb::Explain(args) => args.run(frontier, &mut out).await,
    };
    (String::from_utf8(out).unwrap(), String::from_utf8(complaints).unwrap(), ended)
}

async fn manager() -> (tempfile::TempDir, Manager) {
    let folder = tempfile::tempdir().unwrap();
    let manager = Manager::open(&DatabaseUrl::sqlite(folder.path()), Settings::default()).await;
    (folder, manager)
}

#[tokio::test]
async fn bad_lines_are_listed_and_the_good_ones_go_in() {
    let (_folder, crawl) = manager().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"\xef\xbb\xbfhttp://a.example/1\r\n\n# a comment\nexample.org\nhttp://a.example/2\nmailto:a@b\n\xff\xfe\nhttp://a.example/1").unwrap();
    let path = file.path().display();
    let (out, complaints, ended) = run(&crawl.frontier, &format!("seed --file {path} ftp://x/")).await;
    let ended = ended.unwrap_err();
    assert_eq!(
        (ended.exit, ended.to_string()),
        (Exit::BadInput, "4 of 7 seeds are no URLs (listed above); the others went in".into())
    );
    let lines: Vec<&str> = complaints.lines().collect();
    assert_eq!(lines.len(), 4, "{complaints}");
    assert!(lines[0].starts_with("argument 1: scheme \"ftp\" is not crawled"), "{complaints}");
    assert!(
        lines[1].starts_with(&format!("{path}:4: not a URL")) && lines[1].ends_with(": example.org"),
        "{complaints}"
    );
    assert!(lines[2].starts_with(&format!("{path}:6: scheme \"mailto\"")), "{complaints}");
    assert!(lines[3].starts_with(&format!("{path}:7: ")), "{complaints}");
    assert!(out.starts_with("job a.example (") && out.ends_with("): 2 new URLs, 1 known already\n"), "{out}");

    let (out, complaints, ended) =
        run(&crawl.frontier, "seed --job a.example --depth 9 http://a.example/2 http://b.example/").await;
    assert!(ended.is_ok() && complaints.is_empty());
    assert!(
        out.starts_with("existing job a.example (") && out.ends_with("): 1 new URLs, 1 known already\n"),
        "{out}"
    );
    let status = &crawl.frontier.statuses().await.unwrap()[0];
    assert_eq!((status.spec.max_depth, status.urls()), (None, 3), "a job keeps its settings");

    let (out, _, ended) = run(&crawl.frontier, "seed --job other nonsense").await;
    assert_eq!((ended.unwrap_err().exit, out.as_str()), (Exit::BadInput, ""));
    assert_eq!(crawl.frontier.statuses().await.unwrap().len(), 1, "no job without a seed");
    let (_, _, ended) = run(&crawl.frontier, "seed --file /no/such/file").await;
    let ended = ended.unwrap_err();
    assert!(ended.exit == Exit::Failed && ended.to_string().contains("/no/such/file"), "{ended}");
}

#[tokio::test]
async fn status_in_words_and_in_json() {
    let (_folder, crawl) = manager().await;
    let (out, _, ended) = run(&crawl.frontier, "status").await;
    assert!(ended.is_ok() && out.starts_with("no jobs yet"));
    run(&crawl.frontier, "seed --job a http://a.example/").await.2.unwrap();
    run(&crawl.frontier, "seed --job b http://b.example/").await.2.unwrap();
    let tasks = crawl.dispatch().await;
    crawl.feed(&[page(&tasks[0], &["http://a.example/1", "http://c.example/"])]).await;

    let (out, ..) = run(&crawl.frontier, "status").await;
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["job", "state", "queued", "in", "flight"]);
    assert_eq!(rows[1][..5], ["a", "running", "1", "0", "1"]);
    assert_eq!(rows[2][..5], ["b", "running", "0", "1", "0"]);

    let (out, ..) = run(&crawl.frontier, "status --json --job a").await;
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&json["job"], &json["state"], &json["done"]),
        (&"a".into(), &"running".into(), &false.into())
    );
    assert_eq!(json["id"], tasks[0].origin.job.to_string());
    let counts = serde_json::json!({"queued": 1, "in_flight": 0, "stored": 1, "unchanged": 0, "redirected": 0, "excluded": 1, "gone": 0, "dead": 0});
    assert_eq!((&json["counts"], &json["hosts"]), (&counts, &2.into()));
    let (_, _, ended) = run(&crawl.frontier, "status --job nobody").await;
    assert_eq!(ended.unwrap_err().exit, Exit::NotFound);

    crawl.feed(&[page(&tasks[1], &[])]).await;
    let more = crawl.dispatch().await;
    crawl.feed(&[page(&more[0], &[])]).await;
    crawl.dispatch().await;
    let (out, _, ended) = run(&crawl.frontier, "status --watch --json").await;
    assert!(ended.is_ok() && out.lines().count() == 2, "a watch ends when all are done: {out}");
}

#[tokio::test]
async fn explain_tells_what_is_known() {
    let (_folder, crawl) = manager().await;
    let job = crawl.seed(&support::spec("a"), &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    let links = ["http://a.example/old", "http://a.example/new", "http://b.example/x"];
    crawl.feed(&[page(&home[0], &links)]).await;
    let tasks = crawl.dispatch().await;
    crawl.feed(&[redirect(&tasks[0], "http://a.example/new")]).await;
    let robots = trawl_shared::model::TaskEnded {
        detail: Some("line 3: Disallow: /new".to_owned()),
        ..ended(&tasks[1], Outcome::Excluded, code::ROBOTS_DISALLOWED)
    };
    crawl.feed(&[robots]).await;

    let says = async |url: &str, parts: &[&str]| {
        let (out, _, ended) = run(&crawl.frontier, &format!("explain {url}")).await;
        ended.unwrap();
        parts.iter().for_each(|part| assert!(out.contains(part), "{part} in {out}"));
    };
    says(
        "http://a.example/?utm_source=mail#top",
        &["in job a: stored", "as a seed", "given out 1 times, 0 failed", &home[0].origin.task.to_string()],
    )
    .await;
    says(
        "http://a.example/old",
        &["redirected", "alias of     http://a.example/new", "301", "on http://a.example/ at depth 1"],
    )
    .await;
    says("http://a.example/new", &["excluded", "robots_disallowed: line 3: Disallow: /new"]).await;
    says("http://b.example/x", &["excluded", "because      scope", "the scope is host"]).await;

    let (out, ..) = run(&crawl.frontier, "explain http://a.example/old --json --job a").await;
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&json["state"], &json["code"], &json["depth"]),
        (&"redirected".into(), &"redirect".into(), &1.into())
    );
    assert_eq!(
        (&json["found_on"], &json["redirect_to"]),
        (&"http://a.example/".into(), &"http://a.example/new".into())
    );
    assert_eq!(crawl.frontier.job_named(&job.to_string()).await.unwrap(), job);
    for (words, exit) in [
        ("explain http://a.example/never", Exit::NotFound),
        ("explain nonsense", Exit::BadInput),
        ("explain http://a.example/ --job x", Exit::NotFound),
    ] {
        assert_eq!(run(&crawl.frontier, words).await.2.unwrap_err().exit, exit, "{words}");
    }
}
