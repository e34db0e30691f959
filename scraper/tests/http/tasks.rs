//! Tasks, and the handler called the way the runtime calls it.

use std::sync::Arc;
use trawl_scraper::{FetchHandler, Settings};
use trawl_shared::{
    broker::Partition,
    message::{Envelope, Headers, Topic, TraceContext},
    model::{
        CanonicalUrl, ExtractSettings, FetchSettings, FetchTask, JobId, MessageId, Origin, RobotsPolicy,
        ScrapedPage, TaskEnded,
    },
    runtime::{Context, Failure, Fault, Handler as _},
};

/// A task without robots.txt, pace and guard, with a short time-out: what a test is about, it
/// switches on.
pub(crate) fn task(url: &str) -> FetchTask {
    let url = CanonicalUrl::parse(url).unwrap();
    let job = JobId::fresh();
    FetchTask {
        origin: Origin::of_seed(job, url),
        fetch: FetchSettings {
            robots: RobotsPolicy::Ignore,
            timeout_ms: 10_000,
            delay_ms: 0,
            per_host: 8,
            allow_private_addresses: true,
            ..FetchSettings::default()
        },
        extract: ExtractSettings::default(),
        earliest_fetch_at: None,
        validators: None,
    }
}

/// A handler with default settings, changed.
pub(crate) fn handler(change: impl FnOnce(&mut Settings)) -> FetchHandler {
    let mut settings = Settings::default();
    change(&mut settings);
    FetchHandler::new(&settings).unwrap()
}

/// Handles a task.
pub(crate) async fn handle(
    handler: &FetchHandler,
    task: FetchTask,
) -> Result<(Option<ScrapedPage>, Option<TaskEnded>), Failure> {
    let context = context(&task);
    handler.handle(task, &context).await
}

/// The page that a task gives.
#[track_caller]
pub(crate) fn page(answer: Result<(Option<ScrapedPage>, Option<TaskEnded>), Failure>) -> ScrapedPage {
    match answer.unwrap() {
        (Some(page), None) => page,
        other => panic!("no page: {other:?}"),
    }
}

/// The end of a task that gives no page.
#[track_caller]
pub(crate) fn end(answer: Result<(Option<ScrapedPage>, Option<TaskEnded>), Failure>) -> TaskEnded {
    match answer.unwrap() {
        (None, Some(end)) => end,
        other => panic!("no end: {other:?}"),
    }
}

/// The fault of a task that is to be tried again.
#[track_caller]
pub(crate) fn fault(answer: Result<(Option<ScrapedPage>, Option<TaskEnded>), Failure>) -> Fault {
    match answer.unwrap_err() {
        Failure::Retry(fault) => fault,
        other => panic!("not to be tried again: {other:?}"),
    }
}

fn context(task: &FetchTask) -> Context {
    let now = jiff::Timestamp::now();
    Context {
        envelope: Envelope {
            id: MessageId::from(task.origin.task),
            kind: "trawl.fetch-task.v1".into(),
            source: "/test".into(),
            time: now,
            content_type: "application/json".into(),
            subject: None,
            correlation: Some(task.origin.job),
            causation: None,
            trace: TraceContext::root(),
            attempt: 0,
            not_before: None,
            target: None,
            origin: None,
            history: Vec::new(),
            replays: 0,
        },
        key: None,
        headers: Headers::default(),
        partition: Partition { topic: Topic::ScrapingTasks, number: 0 },
        offset: 0,
        high_watermark: 1,
        timestamp: now,
        worker: Arc::from("scraper/test"),
    }
}
