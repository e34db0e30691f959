//! Whose turn it is: budgets, leases, slots, fairness.

use crate::{
    manager,
    support::{Manager, ended, page, spec, urls},
};
use std::collections::BTreeSet;
use std::time::Duration;
use trawl_shared::{
    model::{Outcome, TaskEnded, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    JobSpec, JobState, Settings,
    UrlState::{Excluded, Gone, InFlight, Queued, Stored},
};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn a_budget_is_kept(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&JobSpec { max_pages: Some(4), ..spec("a") }, &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    let links: Vec<String> = (0..10).map(|n| format!("http://a.example/{n}")).collect();
    crawl.feed(&[page(&home[0], &links.iter().map(String::as_str).collect::<Vec<_>>())]).await;
    let three = crawl.dispatch().await;
    assert_eq!(three.len(), 3, "with the one that is stored that makes four");
    assert_eq!(crawl.dispatch().await, []);
    crawl
        .feed(&[ended(&three[0], Outcome::Gone, "http_404"), page(&three[1], &[]), page(&three[2], &[])])
        .await;
    let last = crawl.dispatch().await;
    assert_eq!(last.len(), 1, "what was not there costs no page");
    crawl.feed(&[page(&last[0], &["http://a.example/more"])]).await;
    assert_eq!(crawl.dispatch().await, []);
    crawl.dispatch().await;
    assert_eq!(crawl.counts(job).await, [(Stored, 4), (Gone, 1), (Excluded, 7)].into());
    crawl.expect_state(job, "http://a.example/more", Excluded, Some(code::BUDGET)).await;
    assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Done);
}

pub(crate) async fn an_ended_lease_gives_the_same_task_again(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let first = crawl.dispatch().await;
    assert_eq!(crawl.dispatch().await, []);
    let later = Manager::open_later(&url, Settings::default(), HOUR).await;
    let again = later.dispatch().await;
    assert_eq!(again[0].origin, first[0].origin);
    later.feed(&[page(&again[0], &[])]).await;
    later.feed(&[page(&first[0], &[])]).await;
    assert_eq!(later.counts(job).await, [(Stored, 1)].into());
}

pub(crate) async fn a_task_that_waits_keeps_its_lease(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let tasks = crawl.dispatch().await;
    crawl.wait(&tasks[0], 1, jiff::Timestamp::now() + HOUR).await;
    crawl.wait(&tasks[0], 1, jiff::Timestamp::now()).await;
    crawl.expect_state(job, "http://a.example/", InFlight, Some(code::TIMEOUT_HEADERS)).await;
    let found = crawl.frontier.explain(&tasks[0].origin.url, None).await.unwrap().remove(0);
    assert_eq!((found.recorded.failures, found.recorded.dispatches), (1, 1));
    assert_eq!(Manager::open_later(&url, Settings::default(), HOUR).await.dispatch().await, []);
    assert_eq!(Manager::open_later(&url, Settings::default(), 2 * HOUR).await.dispatch().await.len(), 1);
}

pub(crate) async fn the_gap_between_requests_is_kept_by_all_jobs_together(url: DatabaseUrl) {
    let settings = Settings { horizon_ms: 60_000, ..Settings::default() };
    let slow = |name| JobSpec { delay_ms: Some(700), ..spec(name) };
    let seeds = [
        "http://a.example/1",
        "http://a.example/2",
        "http://a.example/3",
        "http://a.example/4",
        "http://a.example/5",
        "http://a.example/6",
    ];
    let crawl = Manager::open(&url, settings.clone()).await;
    let job = crawl.seed(&slow("a"), &seeds).await;
    crawl.seed(&slow("b"), &seeds).await;
    let mut tasks = crawl.dispatch().await;
    assert_eq!(tasks.len(), 2 * 4, "so many as two seconds hold, and one");
    // Another process goes on where the slots end.
    crawl.frontier.close().await;
    let other = Manager::open(&url, settings).await;
    other
        .feed(&[
            TaskEnded { crawl_delay_ms: Some(5_000), ..page(&tasks[0], &[]) },
            page(&tasks[1], &[]),
            page(&tasks[2], &[]),
        ])
        .await;
    let more = other.dispatch().await;
    assert_eq!(more.len(), 1, "the host asks for five seconds, of which two are ahead");
    assert_eq!(more[0].fetch.delay_ms, 5_000);
    tasks.extend(more);
    let mut slots: Vec<_> = tasks[1..].iter().map(|task| task.earliest_fetch_at.unwrap()).collect();
    slots.sort_unstable();
    let gaps: Vec<_> =
        slots.windows(2).map(|pair| (pair[1] - pair[0]).total(jiff::Unit::Millisecond).unwrap()).collect();
    assert!(gaps.iter().all(|gap| *gap >= 699.0), "{gaps:?}");
    other.counts(job).await;
}

pub(crate) async fn a_slot_beyond_the_horizon_is_not_given_out(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let spec = JobSpec { delay_ms: Some(30_000), ..spec("a") };
    crawl.seed(&spec, &["http://a.example/1", "http://a.example/2", "http://b.example/"]).await;
    let tasks = crawl.dispatch().await;
    assert_eq!(tasks.len(), 2, "one for each host");
    crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
    assert_eq!(crawl.dispatch().await, []);
    let soon = Manager::open_later(&url, Settings::default(), Duration::from_secs(25)).await;
    assert_eq!(urls(&soon.dispatch().await), ["http://a.example/2"]);
}

pub(crate) async fn a_hot_host_starves_nobody(url: DatabaseUrl) {
    let settings = Settings { max_in_flight: 20, queue_ahead: 16, ..Settings::default() };
    let crawl = Manager::open(&url, settings).await;
    let hot: Vec<String> = (0..500).map(|n| format!("http://hot.example/{n}")).collect();
    let hot: Vec<&str> = hot.iter().map(String::as_str).collect();
    let big = crawl.seed(&spec("big"), &[hot.as_slice(), &["http://cold.example/"]].concat()).await;
    let small = crawl.seed(&spec("small"), &["http://small.example/1", "http://small.example/2"]).await;
    let tasks = crawl.dispatch().await;
    assert_eq!(
        tasks.len(),
        19,
        "two of the small job, one of the cold host, as many as it may of the hot one"
    );
    assert_eq!(tasks.iter().filter(|task| task.origin.job == small).count(), 2);
    assert!(urls(&tasks).contains(&"http://cold.example/"));
    assert_eq!(crawl.dispatch().await, []);
    crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
    assert_eq!(crawl.dispatch().await.len(), 16);
    crawl.counts(big).await;
}

pub(crate) async fn a_host_of_many_urls_delays_no_small_job(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let hot: Vec<String> = (0..30_000).map(|n| format!("http://hot.example/{}/{n}", n / 100)).collect();
    crawl.seed(&spec("big"), &hot.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let small = crawl.seed(&spec("small"), &["http://small.example/"]).await;
    for link in ["http://small.example/1", "http://small.example/2"] {
        let tasks = crawl.dispatch().await;
        assert!(tasks.len() > 100, "the hot host has its share as well");
        let of_small = tasks.iter().filter(|task| task.origin.job == small).count();
        assert_eq!(of_small, 1, "what the small job has to fetch goes out at once");
        crawl
            .feed(
                &tasks
                    .iter()
                    .map(|task| {
                        page(task, if task.origin.job == small { std::slice::from_ref(&link) } else { &[] })
                    })
                    .collect::<Vec<_>>(),
            )
            .await;
    }
}

pub(crate) async fn the_best_urls_go_first(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { max_in_flight: 1, ..Settings::default() }).await;
    crawl.seed(&spec("a"), &["http://a.example/old", "http://a.example/young"]).await;
    let mut order = Vec::new();
    while let Some(task) = crawl.dispatch().await.pop() {
        let links: &[&str] = if order.is_empty() { &["http://a.example/deep"] } else { &[] };
        crawl.feed(&[page(&task, links)]).await;
        order.push(task.origin.url.to_string());
    }
    assert_eq!(order, ["http://a.example/old", "http://a.example/young", "http://a.example/deep"]);
}

pub(crate) async fn a_paused_job_gives_nothing_out(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    crawl.frontier.pause(job).await.unwrap();
    assert_eq!(crawl.dispatch().await, []);
    assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Paused);
    crawl.frontier.resume(job).await.unwrap();
    assert_eq!(crawl.dispatch().await.len(), 1);
}

pub(crate) async fn two_dispatchers_never_give_out_the_same(url: DatabaseUrl) {
    let settings = Settings { queue_ahead: 1000, max_in_flight: 2000, batch: 40, ..Settings::default() };
    let (one, two) = (Manager::open(&url, settings.clone()).await, Manager::open(&url, settings).await);
    let seeds: Vec<String> = (0..600).map(|n| format!("http://h{}.example/{n}", n % 7)).collect();
    let job = one.seed(&spec("a"), &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let drain = async |manager: &Manager| {
        let mut taken = Vec::new();
        while manager.frontier.status(job).await.unwrap().count(Queued) > 0 {
            let tasks = manager.dispatch().await;
            manager
                .feed(&tasks.iter().map(|task| page(task, &["http://h0.example/common"])).collect::<Vec<_>>())
                .await;
            taken.extend(tasks.into_iter().map(|task| task.origin.url.to_string()));
        }
        taken
    };
    let (first, second) = tokio::join!(drain(&one), drain(&two));
    let all: Vec<_> = first.into_iter().chain(second).collect();
    assert_eq!(all.len(), 601);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 601);
    assert_eq!(one.counts(job).await, [(Stored, 601)].into());
}

pub(crate) async fn more_jobs_than_room_take_turns(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { max_in_flight: 2, ..Settings::default() }).await;
    for name in ["a", "b", "c", "d"] {
        let seeds: Vec<String> = (0..9).map(|n| format!("http://{name}.example/{n}")).collect();
        crawl.seed(&spec(name), &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let mut jobs = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let tasks = crawl.dispatch().await;
        jobs.extend(tasks.iter().map(|task| task.origin.job));
        crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
    }
    assert_eq!(jobs.len(), 4);
}
