//! The verbs as commands.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Parser;
use serde_json::{Value, json};
use std::{io::Write as _, iter::once};
use trawl_scraper::cli::{CharsetArgs, RobotsArgs, SitemapArgs};
use trawl_shared::cli::{CliError, Exit};

#[derive(Parser)]
enum Command {
    Robots(RobotsArgs),
    Sitemap(SitemapArgs),
    Charset(CharsetArgs),
}

/// Runs a verb; the lines it prints.
fn run(args: &[&str], input: &[u8]) -> (Vec<Value>, Result<(), CliError>) {
    let mut out = Vec::new();
    let ended = match Command::parse_from(once("scraper").chain(args.iter().copied())) {
        Command::Robots(args) => args.run(input, &mut out),
        Command::Sitemap(args) => args.run(input, &mut out),
        Command::Charset(args) => args.run(input, &mut out),
    };
    let lines = std::str::from_utf8(&out).unwrap().lines();
    (lines.map(|line| serde_json::from_str(line).unwrap()).collect(), ended)
}

fn lines(questions: &[Value]) -> Vec<u8> {
    questions.iter().map(|question| format!("{question}\n")).collect::<String>().into_bytes()
}

/// Asks `scraper robots --jsonl`.
pub(crate) fn ask_robots(questions: &[Value]) -> Vec<Value> {
    let (answers, ended) = run(&["robots", "--jsonl"], &lines(questions));
    assert_eq!(answers.len(), questions.len());
    assert!(ended.is_ok() || answers.iter().any(|answer| answer["error"].is_string()));
    answers
}

#[track_caller]
fn assert_bad_input(ended: Result<(), CliError>) {
    assert_eq!(ended.unwrap_err().exit, Exit::BadInput);
}

fn file(body: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(body).unwrap();
    file
}

const ROBOTS: &str =
    "Sitemap: /s.xml\nUser-agent: bot\nUser-agent: *\nDisallow: /x\nAllow: /x/y\nCrawl-delay: 1.5";

#[test]
fn robots_answers_with_the_line_and_goes_on_after_bad_lines() {
    let questions = [
        json!({"robots": ROBOTS, "agent": "Bot/1.0 (+https://a.example)", "url": "https://a.example/x/1?y#z"}),
        json!({"robots_b64": STANDARD.encode(ROBOTS), "agents": ["a", "b"], "url": "/x/y"}),
        json!({"robots": "", "url": "https://a.example/x"}),
        json!({"agent": "bot", "url": "/"}),
        json!({"robots": "", "agent": "bot", "url": "http://["}),
        json!("nonsense"),
        json!({"robots": "", "robots_b64": "", "url": "/"}),
        json!({"robots_b64": "?", "url": "/"}),
    ];
    let (answers, ended) = run(&["robots", "--jsonl"], &lines(&questions));
    assert_eq!(
        answers[..3],
        [
            json!({"allowed": false, "rule": "Disallow: /x", "line": 4, "crawl_delay": 1.5,
                "sitemaps": ["https://a.example/s.xml"]}),
            json!({"allowed": true, "rule": "Allow: /x/y", "line": 5, "crawl_delay": 1.5,
                "sitemaps": ["http://localhost/s.xml"]}),
            json!({"allowed": true, "rule": null, "line": null, "crawl_delay": null, "sitemaps": []}),
        ]
    );
    assert_eq!(answers.len(), questions.len());
    for answer in &answers[3..] {
        assert!(answer["error"].is_string() && answer.get("allowed").is_none(), "{answer}");
    }
    assert_bad_input(ended);
}

#[test]
fn robots_asks_a_file_about_urls() {
    let file = file(ROBOTS.as_bytes());
    let path = file.path().to_str().unwrap();
    let (answers, ended) = run(&["robots", path, "/x", "/z", "--agent", "bot"], b"");
    ended.unwrap();
    assert_eq!(answers.iter().map(|a| a["allowed"] == true).collect::<Vec<_>>(), [false, true]);
    let (answers, ended) = run(&["robots", path], b"/x/y\nhttp://[\n");
    assert_eq!((&answers[0]["line"], answers.len()), (&json!(5), 2));
    assert_bad_input(ended);
    assert_eq!(run(&["robots", "/no/such/file", "/"], b"").1.unwrap_err().exit, Exit::Failed);
}

#[test]
fn sitemap_prints_its_entries() {
    let body =
        b"<urlset><url><loc>https://a.example/1</loc><lastmod>2024-05-01</lastmod><priority>0.5</priority>\
        <changefreq>daily</changefreq></url><url><loc>/2</loc></url>";
    let (entries, ended) = run(&["sitemap", "-", "--url", "https://a.example/sitemap.xml"], body);
    ended.unwrap();
    assert_eq!(
        entries,
        [
            json!({"loc": "https://a.example/1", "lastmod": "2024-05-01T00:00:00Z", "priority": 0.5,
                "changefreq": "daily", "index": false}),
            json!({"loc": "https://a.example/2", "lastmod": null, "priority": null, "changefreq": null,
                "index": false}),
        ]
    );
    let file = file(body);
    let (entries, ended) = run(&["sitemap", file.path().to_str().unwrap()], b"");
    ended.unwrap();
    assert_eq!(entries.len(), 1, "what is relative to nothing is left out");
}

#[test]
fn sitemap_says_what_a_file_is_instead() {
    let (entries, ended) = run(&["sitemap", "-"], b"<html><body>");
    let error = ended.unwrap_err();
    assert_eq!((entries.len(), error.exit), (0, Exit::Failed));
    assert!(error.to_string().contains("begins with <html>"), "{error}");
}

#[test]
fn charset_names_the_encoding_and_who_says_so() {
    let body = |bytes: &[u8]| STANDARD.encode(bytes);
    let questions = [
        json!({"content_type": "text/html; charset=latin1", "body_base64": body(b"\xef\xbb\xbfa")}),
        json!({"content_type": "text/html; charset=latin1", "body_base64": body(b"a")}),
        json!({"content_type": null, "body_base64": body(b"<meta charset=koi8-r>")}),
        json!({"body_base64": body("é".as_bytes()), "url": "https://a.example/"}),
        json!({"body_base64": "?"}),
        json!({}),
    ];
    let (answers, ended) = run(&["charset", "--jsonl"], &lines(&questions));
    let expected = [("UTF-8", "bom"), ("windows-1252", "header"), ("KOI8-R", "meta"), ("UTF-8", "detected")];
    for (answer, (encoding, source)) in answers.iter().zip(expected) {
        assert_eq!(*answer, json!({"encoding": encoding, "source": source}));
    }
    assert!(answers[4]["error"].as_str().unwrap().contains("base64"));
    assert_eq!(answers[5]["encoding"], "UTF-8");
    assert_bad_input(ended);

    let file = file(b"caf\xe9 au lait");
    let (answers, ended) = run(&["charset", file.path().to_str().unwrap()], b"");
    ended.unwrap();
    assert_eq!(answers, [json!({"encoding": "windows-1252", "source": "detected"})]);
}
