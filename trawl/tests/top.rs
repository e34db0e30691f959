//! `trawl top` over real telemetry endpoints: plain text where there is no terminal, nothing that a terminal obeys, and
//! an error where nothing answers.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use serde_json::{Value, json};
use std::process::{Command, Output};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    message::Topic,
    telemetry::{Counters, Gauges, Health, Instrument, LastLetter, Metrics, catalog, serve},
};

async fn top(arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_trawl")).arg("top").args(arguments).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_at_one_look() {
    let (metrics, health, shutdown) = (Metrics::default(), Health::default(), CancellationToken::new());
    let part = health.component("scraper: broker", "not connected yet");
    let group = metrics.group("scraper", "scraper");
    group.consumed(Topic::ScrapingTasks, 7);
    group.lag(Topic::ScrapingTasks, 0, 40, 90.0);
    group.lag(Topic::ScrapingTasks, 1, 2, 5.0);
    let (urls, fetches) = (Gauges::new(&catalog::CRAWL_URLS), Counters::new(&catalog::FETCHES));
    urls.of(&["shop", "queued"]).set(123);
    fetches.of(&["failed", "timeout_headers"]).inc_by(9);
    metrics.add([&urls as &dyn Instrument, &fetches]);
    health.detail("hosts", || {
        json!({
            "slowest": [{ "host": "slow.example", "latency_ms": 2500, "queued": 3, "under_way": 1, "blocked_for_ms": 0 }],
            "blocked": [{ "host": "shy.example", "latency_ms": 1, "queued": 0, "under_way": 0, "blocked_for_ms": 30000 }],
        })
    });
    health.gave_up(LastLetter {
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        group: "parser".to_owned(),
        code: "panic".to_owned(),
        url: Some("http://a.example/\u{1b}[2J".to_owned()),
        trace: None,
        error: "bell \u{7}".to_owned(),
    });
    let address = serve("127.0.0.1:0", metrics, health, shutdown.clone()).await.unwrap().unwrap().to_string();

    let shown = top(&[&address, "--once", "--every", "150ms"]).await;
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    for expected in [
        "scraper: broker: not connected yet",
        "1m 30s",
        "shop",
        "123",
        "slow.example",
        "2s 500ms",
        "shy.example",
        "30s",
        "timeout_headers",
        r"http://a.example/\u{1b}[2J",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    part.ready();
    let shown = top(&[&address, "127.0.0.1:9", "--once", "--json", "--every", "150ms"]).await;
    let seen: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(seen["services"][0]["service"], "scraper");
    assert_eq!(seen["services"][0]["trouble"], "");
    assert!(
        seen["services"][1]["trouble"].as_str().unwrap().len() > 3,
        "a process that is away is shown as such"
    );
    assert_eq!(
        (&seen["groups"][0]["lag"], &seen["groups"][0]["oldest_seconds"]),
        (&json!(42.0), &json!(90.0))
    );
    shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_answers_it_says_so() {
    let shown = top(&["127.0.0.1:9", "--once"]).await;
    let talk = String::from_utf8(shown.stderr).unwrap();
    assert_eq!(shown.status.code(), Some(1), "{talk}");
    assert!(talk.contains("no service answers at 127.0.0.1:9"), "{talk}");
}
