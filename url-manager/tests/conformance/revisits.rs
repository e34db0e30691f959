//! Pages that are fetched again.

use crate::support::{Manager, ended, page, spec, urls};
use std::time::Duration;
use trawl_shared::{
    model::{FetchTask, Outcome, TaskEnded, Validators, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    Adaptive, JobSpec, JobState, Recrawl, Settings,
    UrlState::{Gone, InFlight, Stored, Unchanged},
};

const HOUR_MS: u64 = 3_600_000;

/// A url-manager that runs so much later.
async fn after(url: &DatabaseUrl, minutes: u64) -> Manager {
    Manager::open_later(url, Settings::default(), Duration::from_secs(minutes * 60)).await
}

fn version(task: &FetchTask, etag: &str) -> TaskEnded {
    let validators = Validators { etag: Some(etag.to_owned()), last_modified: None };
    TaskEnded {
        validators: Some(validators),
        content_hash: Some(format!("hash of {etag}")),
        ..page(task, &[])
    }
}

fn asked(task: &FetchTask) -> (u32, Option<&str>) {
    (task.origin.round, task.validators.as_ref().and_then(|validators| validators.etag.as_deref()))
}

pub(crate) async fn a_page_is_fetched_again_and_asked_for_news(url: DatabaseUrl) {
    let crawl = after(&url, 0).await;
    let job = JobSpec { recrawl: Some(Recrawl::every(HOUR_MS)), ..spec("a") };
    let job = crawl.seed(&job, &["http://a.example/", "http://a.example/gone"]).await;
    let tasks = crawl.dispatch().await;
    assert_eq!(tasks.iter().map(asked).collect::<Vec<_>>(), [(0, None), (0, None)]);
    crawl.feed(&[version(&tasks[0], "one"), ended(&tasks[1], Outcome::Gone, "http_404")]).await;
    assert_eq!(crawl.dispatch().await, []);
    assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Running, "it is idle, not done");
    assert_eq!(after(&url, 58).await.dispatch().await, []);

    let crawl = after(&url, 61).await;
    let again = crawl.dispatch().await;
    assert_eq!(again.iter().map(asked).collect::<Vec<_>>(), [(1, Some("one")), (1, None)]);
    assert_ne!(again[0].origin.task, tasks[0].origin.task);
    assert_eq!(crawl.counts(job).await, [(InFlight, 2)].into());
    crawl.feed(&[version(&tasks[0], "late")]).await;
    assert_eq!(crawl.counts(job).await, [(InFlight, 2)].into(), "a fact of another round says nothing");
    let unchanged = ended(&again[0], Outcome::Unchanged, code::OK);
    crawl.feed(&[unchanged.clone(), ended(&again[1], Outcome::Gone, "http_404"), unchanged]).await;
    assert_eq!(crawl.counts(job).await, [(Unchanged, 1), (Gone, 1)].into());

    let crawl = after(&url, 122).await;
    let third = crawl.dispatch().await;
    assert_eq!(
        third.iter().map(asked).collect::<Vec<_>>(),
        [(2, Some("one")), (2, None)],
        "what is known stays"
    );
    crawl.feed(&[page(&third[0], &["http://a.example/new"])]).await;
    assert_eq!(urls(&crawl.dispatch().await), ["http://a.example/new"]);
    let last = after(&url, 183).await.dispatch().await;
    assert!(last.iter().any(|task| asked(task) == (3, None)), "the new version has no validators");
}

pub(crate) async fn an_interval_follows_its_page(url: DatabaseUrl) {
    let adaptive =
        Adaptive { min_ms: HOUR_MS / 4, max_ms: 4 * HOUR_MS, grow_percent: 100, shrink_percent: 50 };
    let recrawl = Recrawl { every_ms: HOUR_MS, adaptive: Some(adaptive) };
    let crawl = after(&url, 0).await;
    let job = JobSpec { recrawl: Some(recrawl), ..spec("a") };
    let (news, archive) = ("http://a.example/news", "http://a.example/archive");
    let job = crawl.seed(&job, &[news, archive]).await;
    let mut fetched = Vec::new();
    for minutes in [0, 61, 93, 110, 183, 190] {
        let crawl = after(&url, minutes).await;
        for task in crawl.dispatch().await {
            let is_news = task.origin.url.as_str() == news;
            let etag = if is_news { format!("news at {minutes}") } else { "the archive".to_owned() };
            crawl.feed(&[version(&task, &etag)]).await;
            fetched.push((minutes, if is_news { "news" } else { "archive" }));
        }
        crawl.frontier.close().await;
    }
    let expected = [
        (0, "news"),
        (0, "archive"),
        (61, "news"),
        (61, "archive"),
        (93, "news"),
        (110, "news"),
        (183, "news"),
        (183, "archive"),
    ];
    assert_eq!(fetched[..8], expected);
    assert_eq!(after(&url, 0).await.counts(job).await, [(Stored, 2)].into());
}

pub(crate) async fn a_page_whose_fetch_was_given_up_comes_again(url: DatabaseUrl) {
    let crawl = after(&url, 0).await;
    let job = JobSpec { recrawl: Some(Recrawl::every(HOUR_MS)), ..spec("a") };
    crawl.seed(&job, &["http://a.example/"]).await;
    let task = crawl.dispatch().await.remove(0);
    crawl.feed(&[version(&task, "one")]).await;
    let crawl = after(&url, 61).await;
    let again = crawl.dispatch().await.remove(0);
    crawl.letter(crate::support::task_record(&again), "scraper").await;
    assert_eq!(crawl.dispatch().await, []);
    assert_eq!(
        after(&url, 125).await.dispatch().await.iter().map(asked).collect::<Vec<_>>(),
        [(2, Some("one"))]
    );
}
