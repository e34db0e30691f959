//! `scraper fetch`.

use crate::site::{Ask, Reply, Site};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Parser;
use serde_json::Value;
use std::{io::Cursor, time::Duration};
use trawl_scraper::{Settings, cli::FetchCommand};
use trawl_shared::cli::{CliError, Exit};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    fetch: FetchCommand,
}

/// Runs the verb; its lines of output.
pub(crate) async fn run(args: &[&str], input: &[u8]) -> (Vec<Value>, Result<(), CliError>) {
    let command = Command::parse_from([&["fetch"], args].concat());
    let mut out = Vec::new();
    let input = Cursor::new(input.to_vec());
    let ended = command.fetch.run(&Settings::default(), input, &mut out).await;
    let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), ended)
}

/// Runs the verb for one URL.
pub(crate) async fn fetch(args: &[&str]) -> (Value, Result<(), CliError>) {
    let (mut lines, ended) = run(args, b"").await;
    assert_eq!(lines.len(), 1, "one line");
    (lines.remove(0), ended)
}

async fn site() -> Site {
    Site::start(|ask: &Ask| match ask.path.as_str() {
        "/robots.txt" => Reply::page("User-agent: *\nDisallow: /private"),
        "/start" => Reply::redirect("/middle"),
        "/middle" => Reply::redirect("/page"),
        "/out" => Reply::redirect("/private/x"),
        "/page" => Reply::page("hello"),
        "/404" => Reply::new(404, &[], "nothing here"),
        _ => Reply::redirect(&format!("{}x", ask.path)),
    })
    .await
}

#[tokio::test]
async fn a_page_behind_redirects_is_printed() {
    let site = site().await;
    let (json, ended) = fetch(&[&site.url("/start"), "--allow-private-addresses"]).await;
    ended.unwrap();
    assert_eq!(
        (&json["outcome"], &json["code"], &json["status"]),
        (&"fetched".into(), &"ok".into(), &200.into())
    );
    assert_eq!(json["url"], site.url("/start"));
    assert_eq!(json["final_url"], site.url("/page"));
    assert_eq!(json["redirects"], serde_json::json!([site.url("/start"), site.url("/middle")]));
    assert_eq!(json["charset"], "UTF-8");
    assert_eq!(json["truncated"], false);
    assert_eq!(STANDARD.decode(json["body_base64"].as_str().unwrap()).unwrap(), b"hello");
    assert!(json["timings"]["total_ms"].is_u64());
    assert!(json["headers"].as_array().unwrap().contains(&serde_json::json!(["content-length", "5"])));
}

#[tokio::test]
async fn failures_say_why_in_json_and_by_exit_code() {
    let site = site().await;
    let free = ["--allow-private-addresses"].as_slice();
    for (path, flags, outcome, code) in [
        ("/404", free, "gone", "http_404"),
        ("/out", free, "excluded", "robots_disallowed"),
        ("/loop", free, "excluded", "too_many_redirects"),
        ("/page", &[], "excluded", "ssrf_blocked"),
    ] {
        let url = site.url(path);
        let (json, ended) = fetch(&[&[url.as_str()], flags].concat()).await;
        assert_eq!((&json["outcome"], &json["code"]), (&outcome.into(), &code.into()), "{json}");
        let error = ended.unwrap_err();
        assert_eq!(error.exit, Exit::Failed);
        let reason = json["reason"].as_str().unwrap();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let hops = site.paths().iter().filter(|path| path.starts_with("/loop")).count();
    assert_eq!(hops, 11);
}

#[tokio::test]
async fn bounds_and_overrides_are_flags() {
    let site = site().await;
    let port = site.address.port();
    let (json, ended) = fetch(&[
        &format!("http://a.example:{port}/page"),
        "--resolve",
        &format!("*:{port}:127.0.0.1"),
        "--allow-private-addresses",
        "--ignore-robots",
        "--max-body",
        "4B",
        "--timeout",
        "5s",
    ])
    .await;
    ended.unwrap();
    assert_eq!((&json["truncated"], &json["body_base64"]), (&true.into(), &STANDARD.encode("hell").into()));
    assert_eq!(site.paths(), ["/page"]);
}

#[tokio::test]
async fn a_url_that_is_none_says_so() {
    let (json, ended) = fetch(&["example.org"]).await;
    assert_eq!((&json["outcome"], &json["code"]), (&"excluded".into(), &"bad_url".into()));
    assert!(ended.unwrap_err().to_string().contains("not a URL"));
}

#[tokio::test]
async fn lines_are_answered_in_order_and_none_stops_it() {
    let site = Site::start(|ask: &Ask| {
        let slow = Duration::from_millis(if ask.path == "/1" { 200 } else { 0 });
        Reply::page(&ask.path).after(slow)
    })
    .await;
    let input = format!(
        "{}\n{{\"url\": \"{}\"}}\nnonsense\n{{\"no\": 1}}\n\n\u{ff}\n\"{}\"",
        site.url("/1"),
        site.url("/2"),
        site.url("/3")
    );
    let input: Vec<u8> = input.chars().map(|c| c as u8).collect();
    let args = ["--jsonl", "--allow-private-addresses", "--ignore-robots"];
    let (lines, ended) = run(&args, &input).await;
    assert_eq!(ended.unwrap_err().exit, Exit::BadInput);
    let said: Vec<String> = lines
        .iter()
        .map(|line| match line["error"].as_str() {
            Some(_) => "error".to_owned(),
            None => format!("{} {}", line["code"].as_str().unwrap(), line["url"].as_str().unwrap()),
        })
        .collect();
    let ok = |path: &str| format!("ok {}", site.url(path));
    let expected = [
        ok("/1"),
        ok("/2"),
        "bad_url nonsense".into(),
        "error".into(),
        "bad_url ".into(),
        "error".into(),
        ok("/3"),
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_dry_run_opens_no_connection() {
    let site = site().await;
    let url = site.url("/page");
    let (lines, ended) = run(&["--dry-run", &url, "http://8.8.8.8/", "ftp://x/"], b"").await;
    ended.unwrap();
    let verdicts: Vec<&Value> = lines.iter().map(|line| &line["verdict"]).collect();
    assert_eq!(verdicts, ["block", "allow", "reject"]);
    let (lines, ended) =
        run(&["--dry-run", "--jsonl"], format!("{{\"url\":\"{url}\"}}\n{{}}\n").as_bytes()).await;
    assert!(ended.is_err() && lines[0]["url"] == url && lines[1]["error"].is_string(), "{lines:?}");
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn user_and_password_of_a_url_are_for_its_host_only() {
    let site = Site::start(|ask: &Ask| match ask.header("authorization") {
        Some(authorization) => Reply::redirect(&format!("http://localhost:1/{authorization}")),
        None => Reply::new(401, &[], ""),
    })
    .await;
    let url = site.url("/").replace("http://", "http://me:p%40ss@");
    let (json, _) =
        fetch(&[&url, "--allow-private-addresses", "--ignore-robots", "--max-redirects", "0"]).await;
    assert_eq!(json["status"], 302, "{json}");
    assert_eq!(json["url"], site.url("/"), "they are not shown");
    assert_eq!(site.asks()[0].header("authorization"), Some("Basic bWU6cEBzcw=="));
}

#[tokio::test]
async fn credentials_for_nobody_are_a_mistake() {
    let (_, ended) = run(&["--jsonl", "--auth", "bearer:t"], b"").await;
    let error = ended.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.to_string().contains("--auth-host"), "{error}");
}

#[tokio::test]
async fn a_circle_of_redirects_is_seen_at_once() {
    let site = Site::start(|ask: &Ask| Reply::redirect(if ask.path == "/a" { "/b" } else { "/a" })).await;
    let (json, _) = fetch(&[&site.url("/a"), "--allow-private-addresses", "--ignore-robots"]).await;
    assert_eq!((&json["code"], site.paths().len()), (&"too_many_redirects".into(), 2));
}
