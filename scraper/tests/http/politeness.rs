//! Pace as a server sees it.

use crate::{
    site::{Ask, Reply, Site, Then},
    tasks::{fault, handle, handler, page, task},
};
use std::{sync::Arc, time::Duration};
use trawl_scraper::FetchHandler;
use trawl_shared::{
    model::{FetchTask, RobotsPolicy},
    runtime::Failure,
};

/// Handles all tasks at once.
async fn all(handler: FetchHandler, tasks: Vec<FetchTask>) {
    let handler = Arc::new(handler);
    let mut running = Vec::new();
    for task in tasks {
        let handler = Arc::clone(&handler);
        running.push(tokio::spawn(async move { handle(&handler, task).await.map(drop) }));
    }
    for one in running {
        one.await.unwrap().unwrap();
    }
}

fn gaps(site: &Site) -> Vec<Duration> {
    let asks = site.asks();
    asks.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

#[tokio::test]
async fn requests_at_once_stay_within_the_jobs_bound() {
    let site = Site::start(|_: &Ask| Reply::page("x").after(Duration::from_millis(10))).await;
    let tasks = (0..40).map(|n| {
        let mut task = task(&site.url(&format!("/{n}")));
        task.fetch.per_host = 3;
        task
    });
    all(handler(|_| {}), tasks.collect()).await;
    assert_eq!(site.asks().len(), 40);
    assert_eq!(site.peak(), 3);
}

#[tokio::test]
async fn requests_over_all_hosts_stay_within_the_setting() {
    let site = Site::start(|_: &Ask| Reply::page("x").after(Duration::from_millis(10))).await;
    let port = site.address.port();
    let handler = handler(|settings| {
        settings.concurrency = 4;
        settings.resolve.push(format!("*:{port}:127.0.0.1").parse().unwrap());
    });
    let tasks = (0..40).map(|n| task(&format!("http://h{n}.example:{port}/"))).collect();
    all(handler, tasks).await;
    assert_eq!(site.peak(), 4);
}

#[tokio::test]
async fn starts_are_a_delay_apart_robots_included() {
    let site =
        Site::start(
            |ask: &Ask| if ask.path == "/robots.txt" { Reply::new(404, &[], "") } else { Reply::page("x") },
        )
        .await;
    let tasks = (0..5).map(|n| {
        let mut task = task(&site.url(&format!("/{n}")));
        task.fetch.robots = RobotsPolicy::Obey;
        task.fetch.delay_ms = 100;
        task
    });
    all(handler(|_| {}), tasks.collect()).await;
    assert_eq!(site.paths()[0], "/robots.txt");
    assert!(gaps(&site).iter().all(|gap| *gap >= Duration::from_millis(100)), "{:?}", gaps(&site));
}

#[tokio::test]
async fn a_slow_answer_and_none_at_all_are_followed_by_the_whole_delay() {
    let slowness = Duration::from_millis(300);
    let site = Site::start(move |ask: &Ask| {
        let reply = if ask.path == "/0" { Reply::raw("", Then::Close) } else { Reply::page("x") };
        reply.after(slowness)
    })
    .await;
    let handler = handler(|_| {});
    for n in 0..3 {
        let mut task = task(&site.url(&format!("/{n}")));
        task.fetch.delay_ms = 100;
        let outcome = handle(&handler, task).await;
        assert_eq!(outcome.is_err(), n == 0, "{outcome:?}");
    }
    let least = slowness + Duration::from_millis(100);
    assert!(gaps(&site).iter().all(|gap| *gap >= least), "{:?}", gaps(&site));
}

#[tokio::test]
async fn a_task_waits_for_its_instant() {
    let site = Site::start(|_: &Ask| Reply::page("x")).await;
    let earliest = jiff::Timestamp::now() + Duration::from_millis(150);
    let mut task = task(&site.url("/"));
    task.earliest_fetch_at = Some(earliest);
    let page = page(handle(&handler(|_| {}), task).await);
    assert!(page.fetched_at >= earliest);
}

#[tokio::test]
async fn a_crawl_delay_above_the_jobs_wins() {
    let site = Site::start(|ask: &Ask| {
        if ask.path == "/robots.txt" {
            Reply::page("User-agent: *\nCrawl-delay: 0.15")
        } else {
            Reply::page("x")
        }
    })
    .await;
    let tasks = (0..3).map(|n| {
        let mut task = task(&site.url(&format!("/{n}")));
        task.fetch.robots = RobotsPolicy::Obey;
        task.fetch.delay_ms = 1;
        task
    });
    all(handler(|_| {}), tasks.collect()).await;
    assert!(gaps(&site).iter().all(|gap| *gap >= Duration::from_millis(150)), "{:?}", gaps(&site));
}

#[tokio::test]
async fn a_throttled_host_sends_the_next_task_away() {
    let site = Site::start(|_: &Ask| Reply::new(429, &["Retry-After: 300"], "")).await;
    let handler = handler(|_| {});
    fault(handle(&handler, task(&site.url("/1"))).await);
    match handle(&handler, task(&site.url("/2"))).await.unwrap_err() {
        Failure::Later { after, .. } => assert!(after > Duration::from_secs(250), "{after:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(site.paths(), ["/1"]);
}
