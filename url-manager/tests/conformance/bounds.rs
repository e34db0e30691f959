//! Bounds that span hosts, and what is learnt of a host that keeps its pace over a restart.

use crate::support::{Manager, page, spec, urls};
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::collections::BTreeSet;
use trawl_shared::{
    model::{TaskEnded, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{JobSpec, Settings};

const AT_ONCE: Settings = Settings {
    max_in_flight: 256,
    batch: 256,
    queue_ahead: 128,
    queue_ahead_ms: 2_000,
    horizon_ms: 10_000,
    lease_ms: 300_000,
    poll_ms: 0,
    settle_ms: 5,
    per_domain: 0,
    per_address: 0,
    max_per_minute: 0,
    shard_lease_ms: 10_000,
    seen_front: 1024,
};

pub(crate) async fn hosts_of_one_domain_share_a_bound(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { per_domain: 3, ..AT_ONCE }).await;
    let mut seeds: Vec<String> = (0..10).map(|n| format!("http://h{n}.many.example/")).collect();
    seeds.push("http://other.example/1".to_owned());
    seeds.push("http://other.example/2".to_owned());
    crawl.seed(&spec("a"), &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let tasks = crawl.dispatch().await;
    let (many, other): (Vec<_>, Vec<_>) =
        tasks.iter().partition(|task| task.origin.url.as_str().contains("many"));
    assert_eq!((many.len(), other.len()), (3, 2));
    assert_eq!(crawl.dispatch().await, []);
    crawl.feed(&[page(many[0], &[]), page(many[1], &[])]).await;
    assert_eq!(crawl.dispatch().await.len(), 2);
    assert_eq!(crawl.dispatch().await, []);
}

pub(crate) async fn hosts_of_one_address_share_a_bound(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { per_address: 2, ..AT_ONCE }).await;
    let hosts = ["a.example", "b.example", "c.example", "d.example"];
    let seeds: Vec<String> = hosts.iter().map(|host| format!("http://{host}/")).collect();
    crawl.seed(&spec("a"), &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let homes = crawl.dispatch().await;
    assert_eq!(homes.len(), 4, "nobody knows yet where they live");
    let address =
        |url: &str| Some(if url.contains("d.example") { "192.0.2.9" } else { "192.0.2.1" }.parse().unwrap());
    let pages: Vec<TaskEnded> = homes
        .iter()
        .map(|task| {
            let home = task.origin.url.as_str();
            let links = [format!("{home}1"), format!("{home}2")];
            TaskEnded { address: address(home), ..page(task, &links.each_ref().map(String::as_str)) }
        })
        .collect();
    crawl.feed(&pages).await;
    let tasks = crawl.dispatch().await;
    let alone = tasks.iter().filter(|task| task.origin.url.as_str().contains("d.example")).count();
    assert_eq!((tasks.len(), alone), (4, 2), "{:?}", urls(&tasks));
}

pub(crate) async fn all_hosts_together_keep_a_rate(url: DatabaseUrl) {
    let settings = Settings { max_per_minute: 600, ..AT_ONCE };
    let crawl = Manager::open(&url, settings.clone()).await;
    let seeds: Vec<String> = (0..50).map(|n| format!("http://h{n}.example/")).collect();
    crawl.seed(&spec("a"), &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let began = Timestamp::now();
    let mut tasks = crawl.dispatch().await;
    assert_eq!(tasks.len(), 21, "two seconds of ten a second, and one");
    crawl.frontier.close().await;
    let other = Manager::open(&url, settings).await;
    tasks.extend(other.dispatch().await);
    let slots: BTreeSet<Timestamp> = tasks.iter().filter_map(|task| task.earliest_fetch_at).collect();
    assert!(slots.len() + 1 >= tasks.len(), "each has a slot of its own, but one that may go at once");
    let slots: Vec<_> = slots.into_iter().collect();
    let least = slots.windows(2).map(|pair| pair[1].duration_since(pair[0])).min().unwrap();
    assert!(least >= SignedDuration::from_millis(99), "{least}");
    let past = Timestamp::now().duration_since(began).as_millis();
    assert!((tasks.len() as i128) <= 22 + past / 100, "{} tasks after {past} ms", tasks.len());
}

pub(crate) async fn a_host_that_throttles_is_left_alone_over_a_restart(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { max_in_flight: 1, ..AT_ONCE }).await;
    crawl.seed(&spec("a"), &["http://a.example/1", "http://a.example/2"]).await;
    let tasks = crawl.dispatch().await;
    let due = Timestamp::now() + 5.seconds();
    crawl.wait_after(&tasks[0], 1, due, code::THROTTLED).await;
    crawl.frontier.close().await;
    let other = Manager::open(&url, AT_ONCE).await;
    let next = other.dispatch().await;
    assert_eq!(urls(&next), ["http://a.example/2"]);
    let slot = next[0].earliest_fetch_at.unwrap();
    assert!(slot.as_millisecond() >= due.as_millisecond(), "{slot} is before {due}");
}

pub(crate) async fn a_late_request_moves_the_next_slot(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { max_in_flight: 1, ..AT_ONCE }).await;
    let spec = JobSpec { delay_ms: Some(700), ..spec("a") };
    crawl.seed(&spec, &["http://a.example/1", "http://a.example/2"]).await;
    let tasks = crawl.dispatch().await;
    let late = Timestamp::now() + 2.seconds();
    crawl.feed(&[TaskEnded { fetched_at: Some(late), ..page(&tasks[0], &[]) }]).await;
    crawl.frontier.close().await;
    let other = Manager::open(&url, AT_ONCE).await;
    let slot = other.dispatch().await[0].earliest_fetch_at.unwrap();
    let gap = slot.as_millisecond() - late.as_millisecond();
    assert!(gap >= 700, "{gap}");
}
