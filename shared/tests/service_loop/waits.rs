//! Waits: of a message, of a handler that asks for it, of a service whose circuit is open.

use super::scripted::{Run, Scripted, broker, pass, produce, service, subjects, task};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use trawl_shared::{
    broker::send,
    message::{Envelope, Record, Topic},
    model::{FetchTask, Outcome, TaskEnded},
    runtime::{Clock, Context, Failure, FailureClass, GroupSettings, Handler, Service},
};

#[tokio::test(start_paused = true)]
async fn not_yet_costs_no_attempt() {
    let broker = broker().await;
    let handler = Scripted::new();
    produce(&broker, &["held"]).await;
    let run = Run::start(&broker, service(handler));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let waiting = run.bus.health.not_ready();
    assert!(waiting.iter().any(|(_, why)| why.contains("the database")), "readiness says why: {waiting:?}");
    pass(10).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["held"]);
    assert!(broker.records(Topic::Retry).is_empty(), "short waits stay in place");
    assert!(run.bus.health.not_ready().is_empty());
    run.stop().await;

    produce(&broker, &["later"]).await;
    let run = Run::start(&broker, service(Scripted::new()));
    pass(30).await;
    let waiting = Envelope::read(&broker.records(Topic::Retry)[0]).unwrap();
    assert_eq!((waiting.attempt, waiting.target.as_deref()), (0, Some("scripted")));
    pass(40).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["held", "later"]);
    run.stop().await;
}

/// Asks a database that is away, which takes half a second to find out.
struct Asking(Arc<AtomicU32>);

impl Handler for Asking {
    const NAME: &'static str = "scripted";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, _: &Context) -> Result<TaskEnded, Failure> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)) {
            Ok(_) => Err(Failure::later(Duration::from_secs(1), "the database")),
            Err(_) => Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_comes_back_only_when_an_attempt_gets_through() {
    const LOOK: Duration = Duration::from_millis(100);
    let broker = broker().await;
    let failures = Arc::new(AtomicU32::new(4));
    let handler = Asking(Arc::clone(&failures));
    let run = Run::start(&broker, Service::new("test").handler(handler, GroupSettings::default()));
    pass(1).await;
    assert!(run.bus.health.not_ready().is_empty());
    produce(&broker, &["a"]).await;
    while failures.load(Ordering::Relaxed) == 4 {
        tokio::time::sleep(LOOK).await;
    }
    let mut looks = 0;
    while subjects(&broker, Topic::ParsedData).is_empty() {
        let why = run.bus.health.not_ready();
        assert!(why.iter().any(|(_, why)| why == "waiting: the database"), "look {looks}: {why:?}");
        looks += 1;
        tokio::time::sleep(LOOK).await;
    }
    // Four waits of a second, each with half a second to the next answer.
    assert!(looks > 50, "{looks} looks");
    tokio::time::sleep(LOOK).await;
    assert!(run.bus.health.not_ready().is_empty(), "{:?}", run.bus.health.not_ready());
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_on_retry_stands_before_no_short_one() {
    let broker = broker().await;
    let clock = Clock::tokio();
    let waiting = |path: &str, seconds: u64, partition| {
        let mut record = task(path);
        let mut envelope = Envelope::read(&record).unwrap();
        envelope.not_before = Some(clock.now() + Duration::from_secs(seconds));
        envelope.target = Some("scripted".into());
        envelope.origin =
            Some(trawl_shared::message::Source { topic: Topic::ScrapingTasks, partition: 0, offset: 0 });
        envelope.attempt = 1;
        envelope.write_to(&mut record.headers);
        Record { topic: Topic::Retry, partition: Some(partition), ..record }
    };
    // All in one partition, the longest first: the heap keeps the order right even so.
    for (path, seconds) in [("hour", 3_600), ("minute", 60), ("second", 1)] {
        send(&broker, waiting(path, seconds, 0)).await.unwrap();
    }
    let mut foreign = waiting("foreign", 0, 0);
    foreign.headers.set("ce_targetgroup", "somebody");
    send(&broker, foreign).await.unwrap();
    let handler = Scripted::new();
    let calls = Arc::clone(&handler.calls);
    let run = Run::start(&broker, service(handler));
    pass(2).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["second"]);
    pass(62).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["second", "minute"]);
    pass(3_600).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["second", "minute", "hour"]);
    assert!(!calls.lock().unwrap().contains_key("/foreign"));
    run.stop().await;
}

/// Every effect is refused until it is mended.
#[derive(Clone, Default)]
struct Broken(Arc<std::sync::atomic::AtomicBool>);

impl Handler for Broken {
    const NAME: &'static str = "scripted";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, _: &Context) -> Result<TaskEnded, Failure> {
        if self.0.load(Ordering::Relaxed) {
            return Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"));
        }
        Err(Failure::reject(FailureClass::Storage, "store_refused", anyhow::anyhow!("no such column")))
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_at_everything_stops_and_goes_on_by_itself() {
    let memory = broker().await;
    let paths: Vec<String> = (0..200).map(|n| format!("p{n}")).collect();
    produce(&memory, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let handler = Broken::default();
    let group = GroupSettings { concurrency: 4, ..GroupSettings::default() };
    let run = Run::start(&memory, Service::new("test").handler(handler.clone(), group));
    pass(600).await;
    let letters = memory.records(Topic::DeadLetter).len();
    assert!(letters < 20, "{letters} dead letters of 200 messages");
    let (_, why) = run.bus.health.not_ready().swap_remove(0);
    assert!(why.contains("circuit open") && why.contains("no such column"), "{why}");
    assert!(run.metric("trawl_circuit_open{service=\"test\",group=\"scripted\"} 1"));
    handler.0.store(true, Ordering::Relaxed);
    pass(400).await;
    assert_eq!(memory.records(Topic::ParsedData).len() + letters, 200, "the rest passed");
    assert_eq!(memory.records(Topic::DeadLetter).len(), letters);
    assert!(run.bus.health.not_ready().is_empty());
    assert!(run.metric("trawl_circuit_open{service=\"test\",group=\"scripted\"} 0"));
    run.stop().await;
}
