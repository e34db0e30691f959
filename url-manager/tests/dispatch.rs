//! The dispatch loop, on a clock that only the test moves and a broker that does what it is told.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::{Manager, page, spec, task};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{MockProducer, Partition, Position, SendError},
    message::Topic,
    model::JobId,
    sql::DatabaseUrl,
    telemetry::Health,
};
use trawl_url_manager::{Dispatcher, JobSpec, Settings, UrlState, dispatch::DispatchError};

/// Keeps tokio from moving the clock by itself while it waits for the database's thread.
struct ClockHeld(#[expect(dead_code, reason = "its drop is the message")] std::sync::mpsc::Sender<()>);

fn hold_clock() -> ClockHeld {
    tokio::time::pause();
    let (sender, receiver) = std::sync::mpsc::channel();
    tokio::task::spawn_blocking(move || receiver.recv().is_ok());
    ClockHeld(sender)
}

/// Lets everything run until something holds; fails after ten real seconds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::task::yield_now().await;
    }
}

struct Loop {
    manager: Manager,
    job: JobId,
    health: Health,
    sent: Arc<AtomicUsize>,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), DispatchError>>,
    _clock: ClockHeld,
    _folder: tempfile::TempDir,
}

impl Loop {
    /// Runs dispatch over a broker that answers the `n`-th record with `answer(n)`.
    async fn start(
        spec: JobSpec,
        settings: Settings,
        seeds: &[&str],
        answer: impl Fn(usize) -> Result<(), SendError> + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = hold_clock();
        let manager = Manager::open(&DatabaseUrl::sqlite(folder.path()), settings).await;
        let job = manager.seed(&spec, seeds).await;
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let mut producer = MockProducer::new();
        producer.expect_enqueue().returning(move |_| {
            let partition = Partition { topic: Topic::ScrapingTasks, number: 0 };
            let answer = answer(count.fetch_add(1, Ordering::SeqCst));
            Ok(Box::pin(std::future::ready(answer.map(|()| Position { partition, offset: 0 }))))
        });
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let component = health.component("dispatch", "not yet");
        let dispatcher = Dispatcher::new(Arc::clone(&manager.frontier), Arc::new(producer));
        let stop = shutdown.clone();
        let running = tokio::spawn(async move { dispatcher.run(&component, stop).await });
        Self { manager, job, health, sent, shutdown, running, _clock: clock, _folder: folder }
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    async fn count(&self, state: UrlState) -> u64 {
        self.manager.frontier.status(self.job).await.unwrap().count(state)
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
        self.manager.frontier.close().await;
    }
}

#[tokio::test]
async fn what_the_broker_does_not_take_is_given_out_again() {
    let refuse_once = |n| if n == 0 { Err(SendError::Timeout("it is down".into())) } else { Ok(()) };
    let seeds = ["http://a.example/1", "http://a.example/2"];
    let dispatch = Loop::start(spec("a"), Settings::default(), &seeds, refuse_once).await;
    until("the failure shows", async || {
        dispatch.health.not_ready().iter().any(|(_, why)| why.contains("it is down"))
    })
    .await;
    assert_eq!(
        (dispatch.sent(), dispatch.count(UrlState::Queued).await, dispatch.count(UrlState::InFlight).await),
        (2, 1, 1)
    );
    let refused = tokio::time::Instant::now();
    until("it is given out again", async || {
        tokio::time::advance(Duration::from_millis(50)).await;
        dispatch.count(UrlState::InFlight).await == 2
    })
    .await;
    assert!(refused.elapsed() >= Duration::from_secs(1), "after a pause");
    until("and all is well", async || dispatch.health.not_ready().is_empty()).await;
    assert_eq!(dispatch.sent(), 3);
    dispatch.stop().await;
}

#[tokio::test]
async fn feedback_is_not_kept_waiting_for_the_poll() {
    let settings = Settings { poll_ms: 3_600_000, ..Settings::default() };
    let dispatch = Loop::start(spec("a"), settings, &["http://a.example/"], |_| Ok(())).await;
    until("the seed goes out", async || dispatch.sent() == 1).await;
    let home = task(dispatch.job, "http://a.example/");
    dispatch.manager.feed(&[page(&home, &["http://a.example/1"])]).await;
    until("the link goes out", async || {
        tokio::time::advance(Duration::from_millis(1)).await;
        dispatch.sent() == 2
    })
    .await;
    dispatch.stop().await;
}

#[tokio::test]
async fn a_host_gets_its_next_request_when_it_is_due() {
    let slow = JobSpec { delay_ms: Some(60_000), ..spec("a") };
    let settings = Settings { horizon_ms: 5_000, ..Settings::default() };
    let dispatch =
        Loop::start(slow, settings, &["http://a.example/1", "http://a.example/2"], |_| Ok(())).await;
    until("the first goes out", async || dispatch.sent() == 1).await;
    let began = tokio::time::Instant::now();
    until("the second goes out", async || {
        tokio::time::advance(Duration::from_millis(100)).await;
        dispatch.sent() == 2
    })
    .await;
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(54), "{waited:?}");
    dispatch.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_lost_for_good_ends_it() {
    let fatal = |_| Err(SendError::Fatal("fenced".into()));
    let dispatch = Loop::start(spec("a"), Settings::default(), &["http://a.example/"], fatal).await;
    let ended = dispatch.running.await.unwrap();
    assert!(matches!(ended, Err(DispatchError::Broker(SendError::Fatal(_)))), "{ended:?}");
    assert_eq!(dispatch.manager.frontier.status(dispatch.job).await.unwrap().count(UrlState::Queued), 1);
}
