//! A frontier with a broker that only takes notes, and facts as the runtime would deliver them.

#![allow(dead_code, reason = "each test binary uses its own part")]

use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;
use trawl_shared::{
    broker::{
        Confirmation, Partition, Position, Producer, SendError,
        memory::{Memory, Retention},
    },
    message::{
        Attempt, DeadLetter, Delivery, Envelope, Input, LetterReason, Message as _, Record, Recovered,
        RetryNotice, Source, Topic,
    },
    model::{
        CanonicalUrl, FetchTask, JobId, Link, LinkKind, Origin, Outcome, ParsedPage, TaskEnded, TaskId, code,
    },
    runtime::{BatchHandler, Bus, Clock, Context, Failure, encode_root},
    sql::{DatabaseUrl, Missing},
};
use trawl_url_manager::{
    DeadLetterHandler, Dispatcher, FeedbackHandler, Frontier, JobSpec, RetryWatch, Settings, UrlState,
};

/// Takes every record.
#[derive(Default)]
pub(crate) struct Notes(pub(crate) Mutex<Vec<Record>>);

#[async_trait::async_trait]
impl Producer for Notes {
    fn enqueue(&self, record: Record) -> Result<Confirmation, (SendError, Record)> {
        self.0.lock().unwrap().push(record);
        let partition = Partition { topic: Topic::ScrapingTasks, number: 0 };
        Ok(Box::pin(std::future::ready(Ok(Position { partition, offset: 0 }))))
    }
    async fn flush(&self, _: Duration) -> Result<(), SendError> {
        Ok(())
    }
}

/// One url-manager.
pub(crate) struct Manager {
    pub(crate) frontier: Arc<Frontier>,
    notes: Arc<Notes>,
    dispatcher: Dispatcher,
}

impl Manager {
    pub(crate) async fn open(url: &DatabaseUrl, settings: Settings) -> Self {
        Self::open_later(url, settings, Duration::ZERO).await
    }

    /// A url-manager that is started so much later.
    pub(crate) async fn open_later(url: &DatabaseUrl, settings: Settings, later: Duration) -> Self {
        let wall = jiff::Timestamp::now() + later;
        let clock = Clock::Tokio { wall, at: Instant::now() };
        let frontier = Frontier::open_with_clock(url, Missing::Create, settings, clock).await.unwrap();
        let notes = Arc::new(Notes::default());
        let dispatcher = Dispatcher::new(Arc::clone(&frontier), Arc::clone(&notes) as Arc<dyn Producer>);
        Self { frontier, notes, dispatcher }
    }

    pub(crate) async fn seed(&self, spec: &JobSpec, urls: &[&str]) -> JobId {
        let urls: Vec<CanonicalUrl> = urls.iter().map(|url| url.parse().unwrap()).collect();
        self.frontier.seed(spec, &urls).await.unwrap().job
    }

    /// One round of dispatch.
    pub(crate) async fn dispatch(&self) -> Vec<FetchTask> {
        self.dispatcher.round().await.unwrap();
        let records = std::mem::take(&mut *self.notes.0.lock().unwrap());
        records.into_iter().map(|record| FetchTask::decode(record.payload).unwrap()).collect()
    }

    pub(crate) async fn feed_answers(&self, facts: &[TaskEnded]) -> Vec<Result<(), Failure>> {
        let facts = facts.iter().map(|ended| deliver(record_of(ended))).collect();
        FeedbackHandler::new(Arc::clone(&self.frontier)).handle(facts).await.unwrap()
    }

    /// Feeds facts about URLs that are known.
    pub(crate) async fn feed(&self, facts: &[TaskEnded]) {
        self.feed_answers(facts).await.into_iter().for_each(|answer| answer.unwrap());
    }

    /// What a Prometheus server would get.
    pub(crate) fn scrape(&self) -> String {
        let bus = Bus::new(Arc::new(Memory::new(Retention::Forever)));
        trawl_url_manager::service(&self.frontier).prepare(&bus);
        bus.metrics.render()
    }

    /// Feeds a fact that came from the dead letters so often.
    pub(crate) async fn feed_replayed(&self, ended: &TaskEnded, replays: u32) {
        let mut record = record_of(ended);
        let envelope = Envelope { replays, ..Envelope::read(&record).unwrap() };
        envelope.write_to(&mut record.headers);
        let handler = FeedbackHandler::new(Arc::clone(&self.frontier));
        handler.handle(vec![deliver(record)]).await.unwrap().pop().unwrap().unwrap();
    }

    pub(crate) async fn letter(&self, record: Record, group: &str) {
        let letter = letter(record, group).into_record();
        let handler = DeadLetterHandler::new(Arc::clone(&self.frontier));
        handler.handle(vec![deliver(letter)]).await.unwrap().pop().unwrap().unwrap();
    }

    /// A fact that `group` had given up, and that it handled when it was sent again.
    pub(crate) async fn recovered(&self, ended: &TaskEnded, group: &str, replays: u32) {
        let mut record = record_of(ended);
        let source = Source { topic: record.topic, partition: 0, offset: 0 };
        let envelope = Envelope {
            replays,
            target: Some(group.to_owned()),
            origin: Some(source),
            ..Envelope::read(&record).unwrap()
        };
        envelope.write_to(&mut record.headers);
        let timestamp = jiff::Timestamp::now();
        let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 1, timestamp };
        let told = Recovered::of(&delivery, &envelope, group, "storage/1", timestamp).unwrap();
        let handler = DeadLetterHandler::new(Arc::clone(&self.frontier));
        handler.handle(vec![deliver(told.into_record())]).await.unwrap().pop().unwrap().unwrap();
    }

    pub(crate) async fn wait(&self, task: &FetchTask, attempt: u32, not_before: jiff::Timestamp) {
        self.wait_after(task, attempt, not_before, code::TIMEOUT_HEADERS).await;
    }

    /// A task that waits because its last attempt ended with this code.
    pub(crate) async fn wait_after(
        &self,
        task: &FetchTask,
        attempt: u32,
        not_before: jiff::Timestamp,
        code: &str,
    ) {
        let record = encode_root(task, task.origin.job, "/test".into()).unwrap();
        let mut record = Record { topic: Topic::Retry, ..record };
        let failed = Attempt {
            at: not_before,
            took_ms: 1,
            code: code.into(),
            class: "network".into(),
            error: "no answer".into(),
            worker: "scraper/1".into(),
        };
        let target = Some("scraper".to_owned());
        let read = Envelope::read(&record).unwrap();
        let envelope =
            Envelope { attempt, not_before: Some(not_before), history: vec![failed], target, ..read };
        envelope.write_to(&mut record.headers);
        let handler = RetryWatch::new(Arc::clone(&self.frontier));
        handler.handle(vec![deliver::<RetryNotice>(record)]).await.unwrap().pop().unwrap().unwrap();
    }

    /// State, reason and depth of a URL; none where it was never found.
    pub(crate) async fn look(&self, job: JobId, url: &str) -> Option<(UrlState, Option<String>, u32)> {
        let found = self.frontier.explain(&url.parse().unwrap(), Some(job)).await.unwrap().pop()?;
        Some((found.state.0, found.recorded.code, found.recorded.depth))
    }

    #[track_caller]
    pub(crate) fn expect_state(
        &self,
        job: JobId,
        url: &str,
        state: UrlState,
        code: Option<&str>,
    ) -> impl Future<Output = ()> + Send {
        let place = std::panic::Location::caller();
        let (url, code, frontier) = (url.to_owned(), code.map(str::to_owned), Arc::clone(&self.frontier));
        async move {
            let found = frontier.explain(&url.parse().unwrap(), Some(job)).await.unwrap().pop();
            let found = found.map(|found| (found.state.0, found.recorded.code));
            assert_eq!(found, Some((state, code)), "{url} at {place}");
        }
    }

    /// Every row of a job: task and state.
    pub(crate) async fn rows(&self, job: JobId) -> BTreeMap<TaskId, UrlState> {
        let (mut rows, mut place) = (BTreeMap::new(), 0);
        while let Some((page, next)) = self.frontier.walk(job, place).await.unwrap() {
            let before = rows.len() + page.len();
            rows.extend(page);
            assert_eq!(rows.len(), before, "a URL has one row");
            place = next;
        }
        rows
    }

    /// The kept counts, which must be what there is.
    pub(crate) async fn counts(&self, job: JobId) -> BTreeMap<UrlState, u64> {
        let status = self.frontier.status(job).await.unwrap();
        let kept: BTreeMap<_, _> = status
            .counts
            .into_iter()
            .filter(|(_, urls)| *urls > 0)
            .map(|(state, urls)| (state.0, urls))
            .collect();
        assert_eq!(kept, self.frontier.counted(job).await.unwrap(), "kept counts are what there is");
        kept
    }
}

/// A job without a delay.
pub(crate) fn spec(name: &str) -> JobSpec {
    JobSpec { name: name.to_owned(), delay_ms: Some(0), ..JobSpec::default() }
}

/// A page that was stored, with these links; `!` before one asks not to follow it.
pub(crate) fn page(task: &FetchTask, links: &[&str]) -> TaskEnded {
    let link = |text: &&str| Link {
        url: text.trim_start_matches('!').to_owned(),
        raw: String::new(),
        text: "a \"link\"".to_owned(),
        rel: text.starts_with('!').then(|| "nofollow".to_owned()),
        kind: LinkKind::A,
        ..Link::default()
    };
    let page = ParsedPage { links: links.iter().map(link).collect(), ..ParsedPage::default() };
    TaskEnded { status: Some(200), page: Some(Box::new(page)), ..ended(task, Outcome::Stored, code::OK) }
}

/// An end without a page.
pub(crate) fn ended(task: &FetchTask, outcome: Outcome, code: &'static str) -> TaskEnded {
    TaskEnded::without_page(task.origin.clone(), outcome, code)
}

/// A redirect.
pub(crate) fn redirect(task: &FetchTask, target: &str) -> TaskEnded {
    let redirect_to = Some(target.to_owned());
    TaskEnded { status: Some(301), redirect_to, ..ended(task, Outcome::Redirected, code::REDIRECT) }
}

/// A task that the frontier may never have given out.
pub(crate) fn task(job: JobId, url: &str) -> FetchTask {
    let url: CanonicalUrl = url.parse().unwrap();
    FetchTask::new(Origin { depth: 1, ..Origin::of_seed(job, url) })
}

pub(crate) fn urls(tasks: &[FetchTask]) -> Vec<&str> {
    tasks.iter().map(|task| task.origin.url.as_str()).collect()
}

pub(crate) fn record_of(ended: &TaskEnded) -> Record {
    encode_root(ended, ended.origin.job, "/test".into()).unwrap()
}

pub(crate) fn task_record(task: &FetchTask) -> Record {
    encode_root(task, task.origin.job, "/test".into()).unwrap()
}

fn letter(record: Record, group: &str) -> DeadLetter {
    let reason = LetterReason {
        source: Source { topic: record.topic, partition: 0, offset: 0 },
        group: group.to_owned(),
        service: group.to_owned(),
        instance: "1".to_owned(),
        version: "0".to_owned(),
        stage: "handle".to_owned(),
        code: code::SERVER_ERROR.to_owned(),
        class: "server".to_owned(),
        message: "it always fails".to_owned(),
        causes: Vec::new(),
        attempts: 8,
        failed_at: jiff::Timestamp::now(),
        time: None,
    };
    DeadLetter { record, reason }
}

/// A record as a handler gets it.
pub(crate) fn deliver<I: Input>(record: Record) -> (I, Context) {
    let partition = Partition { topic: record.topic, number: 0 };
    let (key, headers): (Option<Bytes>, _) = (record.key.clone(), record.headers.clone());
    let timestamp = jiff::Timestamp::now();
    let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 1, timestamp };
    let envelope = I::envelope(&delivery).unwrap();
    let input = I::read(&delivery, &envelope).unwrap();
    let worker = "url-manager/test".into();
    (input, Context { envelope, key, headers, partition, offset: 0, high_watermark: 1, timestamp, worker })
}
