//! `scraper fetch`.

use crate::site::{Ask, Reply, Site};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Parser;
use serde_json::Value;
use trawl_scraper::{Settings, cli::FetchArgs};
use trawl_shared::cli::{CliError, Exit};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    fetch: FetchArgs,
}

async fn fetch(args: &[&str]) -> (Value, Result<(), CliError>) {
    let command = Command::parse_from([&["fetch"], args].concat());
    let mut out = Vec::new();
    let ended = command.fetch.run(&Settings::default(), &mut out).await;
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
    (serde_json::from_slice(&out).unwrap(), ended)
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

#[test]
fn a_url_that_is_none_is_a_usage_error() {
    let error = Command::try_parse_from(["fetch", "example.org"]).err().unwrap();
    assert!(error.to_string().contains("not a URL"), "{error}");
}
