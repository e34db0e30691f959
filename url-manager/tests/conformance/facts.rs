//! What facts do to URLs.

use crate::{
    manager,
    support::{ended, page, record_of, redirect, spec, task, task_record, urls},
};
use trawl_shared::{
    model::{Outcome, TaskEnded, code},
    runtime::Failure,
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    JobState,
    UrlState::{Dead, Excluded, Gone, InFlight, Queued, Stored},
};

pub(crate) async fn a_crawl_runs_to_its_end_and_knows_each_url_once(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/", "http://a.example/#again"]).await;
    let mut fetched = Vec::new();
    loop {
        let tasks = crawl.dispatch().await;
        if tasks.is_empty() {
            break;
        }
        let pages: Vec<TaskEnded> = tasks
            .iter()
            .map(|task| match task.origin.url.as_str() {
                "http://a.example/" => page(
                    task,
                    &["http://a.example/x", "http://a.example/gone", "http://b.example/", "mailto:a@b"],
                ),
                "http://a.example/x" => {
                    page(task, &["http://a.example/#top", "http://a.example/y", "http://a.example/y#z"])
                }
                "http://a.example/gone" => ended(task, Outcome::Gone, "http_404"),
                _ => page(task, &["http://a.example/x"]),
            })
            .collect();
        crawl.feed(&pages).await;
        crawl.counts(job).await;
        fetched.extend(tasks);
    }
    assert_eq!(
        urls(&fetched),
        ["http://a.example/", "http://a.example/x", "http://a.example/gone", "http://a.example/y"]
    );
    let found: Vec<_> =
        fetched.iter().map(|task| (task.origin.depth, task.origin.found_on.as_deref())).collect();
    let home = Some("http://a.example/");
    assert_eq!(found, [(0, None), (1, home), (1, home), (2, Some("http://a.example/x"))]);
    assert_eq!(crawl.counts(job).await, [(Stored, 3), (Excluded, 1), (Gone, 1)].into());
    crawl.expect_state(job, "http://b.example/", Excluded, Some(code::SCOPE)).await;
    let status = crawl.frontier.status(job).await.unwrap();
    assert_eq!((status.state, status.hosts, status.urls()), (JobState::Done, 2, 5));
    assert!(status.finished_at.is_some());
    crawl.feed(&[page(&fetched[3], &["http://a.example/late"])]).await;
    assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Running, "more came in");
    assert_eq!(urls(&crawl.dispatch().await), ["http://a.example/late"]);
}

pub(crate) async fn facts_may_come_twice(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    let batch = [page(
        &home[0],
        &["http://a.example/1", "http://a.example/2", "http://a.example/3", "http://b.example/"],
    )];
    crawl.feed(&batch).await;
    let tasks = crawl.dispatch().await;
    let facts = [
        page(&tasks[0], &["http://a.example/4"]),
        redirect(&tasks[1], "http://a.example/5"),
        ended(&tasks[2], Outcome::Gone, "http_410"),
    ];
    crawl.feed(&facts).await;
    let (rows, counts) = (crawl.rows(job).await, crawl.counts(job).await);
    assert_eq!(rows.len(), 7);
    // To another process too, that has seen nothing yet, and in one batch.
    let other = manager(&url).await;
    other.feed(&batch).await;
    other.feed(&[facts.clone().as_slice(), facts.as_slice()].concat()).await;
    other.feed(&[ended(&tasks[0], Outcome::Gone, "http_404")]).await;
    assert_eq!((other.rows(job).await, other.counts(job).await), (rows, counts));
}

pub(crate) async fn dead_letters_and_replays(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job =
        crawl.seed(&spec("a"), &["http://a.example/1", "http://a.example/2", "http://a.example/3"]).await;
    let tasks = crawl.dispatch().await;
    crawl.letter(task_record(&tasks[0]), "scraper").await;
    crawl.expect_state(job, "http://a.example/1", Dead, Some(code::SERVER_ERROR)).await;
    crawl.feed(&[page(&tasks[0], &[])]).await;
    crawl.expect_state(job, "http://a.example/1", Stored, Some(code::OK)).await;
    crawl.letter(task_record(&tasks[0]), "scraper").await;
    crawl.expect_state(job, "http://a.example/1", Stored, Some(code::OK)).await;

    // A page that could not be stored, in both orders; the fact itself changes nothing any more.
    let stored = page(&tasks[1], &["http://a.example/found"]);
    crawl.letter(record_of(&stored), "storage").await;
    crawl.feed(std::slice::from_ref(&stored)).await;
    crawl.expect_state(job, "http://a.example/2", Dead, Some(code::SERVER_ERROR)).await;
    crawl.expect_state(job, "http://a.example/found", Queued, None).await;
    crawl.feed(&[page(&tasks[2], &[])]).await;
    crawl.letter(record_of(&page(&tasks[2], &[])), "storage").await;
    crawl.expect_state(job, "http://a.example/3", Dead, Some(code::SERVER_ERROR)).await;
    crawl.feed_replayed(&stored, 1).await;
    crawl.expect_state(job, "http://a.example/2", Stored, Some(code::OK)).await;
    // The frontier's own replay is addressed to it; that of another group is told when that group is through.
    crawl.recovered(&page(&tasks[2], &[]), "storage", 1).await;
    crawl.expect_state(job, "http://a.example/3", Stored, Some(code::OK)).await;
    crawl.letter(record_of(&page(&tasks[2], &[])), "storage").await;
    crawl.expect_state(job, "http://a.example/3", Stored, Some(code::OK)).await;
    crawl.counts(job).await;

    // Bytes that nobody can read: the headers say what they were about. A letter about nothing
    // of ours is taken and forgotten.
    let found = crawl.dispatch().await;
    let broken = trawl_shared::message::Record {
        payload: bytes::Bytes::from_static(b"\xff"),
        ..task_record(&found[0])
    };
    crawl.letter(broken, "scraper").await;
    crawl.expect_state(job, "http://a.example/found", Dead, Some(code::SERVER_ERROR)).await;
    crawl
        .letter(task_record(&task(trawl_shared::model::JobId::fresh(), "http://a.example/")), "scraper")
        .await;
    crawl.counts(job).await;
}

pub(crate) async fn facts_about_strangers_are_refused_alone(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let tasks = crawl.dispatch().await;
    let strange_job = task(trawl_shared::model::JobId::fresh(), "http://a.example/");
    let facts =
        [&strange_job, &task(job, "http://b.example/"), &task(job, "http://a.example/never"), &tasks[0]];
    let answers = crawl.feed_answers(&facts.map(|task| page(task, &["http://a.example/x"]))).await;
    assert!(answers[..3].iter().all(|answer| matches!(answer, Err(Failure::Reject(_)))), "{answers:?}");
    assert!(answers[3].is_ok());
    assert_eq!(crawl.counts(job).await, [(Stored, 1), (Queued, 1)].into());
}

pub(crate) async fn text_that_a_database_can_not_hold_is_mended(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let tasks = crawl.dispatch().await;
    let detail = Some("zero\0and a \u{1f578}, 'quoted' \"twice\" \\".to_owned());
    crawl.feed(&[TaskEnded { detail, ..ended(&tasks[0], Outcome::Gone, "http_404") }]).await;
    let found = crawl.frontier.explain(&tasks[0].origin.url, Some(job)).await.unwrap().remove(0);
    assert_eq!(found.recorded.detail.as_deref(), Some("zero and a \u{1f578}, 'quoted' \"twice\" \\"));
    let odd = "http://a.example/'%00%22?q=%27%5C%F0%9F%95%B8";
    crawl.feed(&[page(&tasks[0], &[odd])]).await;
    assert_eq!(urls(&crawl.dispatch().await), [odd]);
}

pub(crate) async fn going_on_after_everything_in_memory_was_lost(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl
        .seed(
            &spec("a"),
            &["http://a.example/1", "http://a.example/2", "http://a.example/3", "http://a.example/4"],
        )
        .await;
    let tasks = crawl.dispatch().await;
    let gone = TaskEnded { status: Some(404), ..ended(&tasks[2], Outcome::Gone, "http_404") };
    let robots = ended(&tasks[3], Outcome::Excluded, code::ROBOTS_DISALLOWED);
    crawl.feed(&[page(&tasks[0], &[]), page(&tasks[1], &["http://a.example/5"]), gone, robots]).await;
    assert_eq!(crawl.dispatch().await.len(), 1);

    let again = manager(&url).await;
    assert_eq!(again.frontier.release_all_leases().await.unwrap(), 1);
    let stored = [tasks[1].origin.task, tasks[2].origin.task].map(Ok::<_, trawl_url_manager::FrontierError>);
    let requeued = again.frontier.reconcile(job, futures_util::stream::iter(stored)).await.unwrap();
    assert_eq!(requeued, 1);
    assert_eq!(urls(&again.dispatch().await), ["http://a.example/1", "http://a.example/5"]);
    assert_eq!(again.counts(job).await, [(InFlight, 2), (Stored, 1), (Gone, 1), (Excluded, 1)].into());
}
