//! The verbs that change jobs, and `canonicalize`.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use clap::Parser;
use serde_json::Value;
use support::{Manager, page, spec};
use trawl_shared::{
    cli::{CliError, Exit},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    Frontier, Settings,
    cli::{CanonicalizeArgs, JobsArgs},
};

#[derive(Parser)]
enum Verb {
    Jobs(JobsArgs),
}

async fn run(frontier: &Frontier, words: &str) -> (String, Result<(), CliError>) {
    let mut out = Vec::new();
    let Verb::Jobs(args) = Verb::try_parse_from(["x", "jobs"].into_iter().chain(words.split(' '))).unwrap();
    let ended = args.run(frontier, &mut out).await;
    (String::from_utf8(out).unwrap(), ended)
}

#[tokio::test]
async fn jobs_are_paused_resumed_changed_stopped_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let crawl = Manager::open(&DatabaseUrl::sqlite(folder.path()), Settings::default()).await;
    crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let says = async |words: &str, part: &str| {
        let (out, ended) = run(&crawl.frontier, words).await;
        ended.unwrap_or_else(|error| panic!("{words}: {error}"));
        assert!(out.contains(part), "{part:?} in {out}");
    };
    let refuses = async |words: &str, exit: Exit, part: &str| {
        let error = run(&crawl.frontier, words).await.1.unwrap_err();
        assert!(error.exit == exit && error.to_string().contains(part), "{words}: {error}");
    };
    says("pause a", "job a is paused; 0 URLs in flight").await;
    assert!(crawl.dispatch().await.is_empty());
    says("resume a", "job a goes on; 1 URLs wait").await;
    let home = crawl.dispatch().await;
    crawl.feed(&[page(&home[0], &["http://a.example/1", "http://a.example/2"])]).await;

    refuses("update a", Exit::Usage, "nothing to change").await;
    says("update a --deny /2 --max-pages 9", "0 URLs came in by it, 1 went out").await;
    says("show a", "denied                   1").await;
    let (out, _) = run(&crawl.frontier, "show a --json").await;
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["settings"]["max_pages"], &json["settings"]["delay_ms"]), (&9.into(), &0.into()));
    assert_eq!(json["excluded_by"], serde_json::json!({"denied": 1}));
    says("list", "running").await;

    refuses("delete a", Exit::Failed, "stop it first").await;
    says("stop a", "1 URLs are excluded").await;
    refuses("resume a", Exit::Failed, "stopped for good").await;
    refuses("pause a", Exit::Failed, "stopped already").await;
    says("delete a", "its 3 URLs are forgotten").await;
    refuses("show a", Exit::NotFound, "no job a").await;
}

fn canonicalize(words: &[&str], input: &str) -> (Vec<Value>, Result<(), CliError>) {
    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        args: CanonicalizeArgs,
    }
    let flags = Flags::try_parse_from([&["x"], words].concat()).unwrap();
    let mut out = Vec::new();
    let ended = flags.args.run(input.as_bytes(), &mut out);
    let lines = String::from_utf8(out).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), ended)
}

#[test]
fn urls_are_answered_line_by_line() {
    let input = "HTTP://www.Example.co.uk:80/a/../b?z=1&a=2#top\nnot a url at all:\nhttps://[::1]:8443/\n";
    let (lines, ended) = canonicalize(&[], input);
    assert_eq!(ended.unwrap_err().exit, Exit::BadInput);
    let expected = serde_json::json!({
        "resolved": "http://www.example.co.uk/b?z=1&a=2#top",
        "canonical": "http://www.example.co.uk/b?a=2&z=1",
        "host_key": "www.example.co.uk",
        "registrable_domain": "example.co.uk",
    });
    assert_eq!(lines[0], expected);
    assert!(lines[1]["error"].is_string());
    assert_eq!(
        (&lines[2]["host_key"], &lines[2]["registrable_domain"]),
        (&"[::1]:8443".into(), &Value::Null)
    );

    let input =
        "{\"url\": \"../b/index.html?utm_source=x\", \"base\": \"https://example.org/x/y\"}\n{\"no\": 1}\n";
    let (lines, _) = canonicalize(&["--jsonl", "--profile", "crawl", "--drop-index"], input);
    assert_eq!(lines[0]["canonical"], "https://example.org/b/");
    assert!(lines[1]["error"].as_str().unwrap().contains("url"));
    let (lines, ended) = canonicalize(&["--unicode-hosts", "http://xn--bcher-kva.de/"], "");
    assert_eq!((&lines[0]["canonical"], ended.is_ok()), (&"http://bücher.de/".into(), true));
}
