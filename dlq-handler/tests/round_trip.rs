//! A message dies, is replayed, dies again, is replayed again and lives: over the in-process broker, with
//! the real loops on both sides.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};
use support::{id_of, task, until};
use tokio_util::sync::CancellationToken;
use trawl_dlq_handler::{
    Settings, State, Summary,
    replay::{Letters, Outcome, Replayer, Sending, Speed},
};
use trawl_shared::{
    broker::{
        Broker,
        memory::{Memory, Retention},
        send,
    },
    message::Topic,
    model::{FetchTask, JobId},
    runtime::{Bus, Context, Failure, FailureClass, Handler, RuntimeSettings, Service},
};

/// Rejects everything until it is healed.
#[derive(Clone, Default)]
struct Sick(Arc<AtomicBool>, Arc<AtomicU32>);

impl Handler for Sick {
    const NAME: &'static str = "scraper";
    type In = FetchTask;
    type Out = ();
    async fn handle(&self, _: FetchTask, _: &Context) -> Result<(), Failure> {
        if self.0.load(Ordering::SeqCst) {
            self.1.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        Err(Failure::reject(
            FailureClass::Network,
            "tls_failed",
            anyhow::anyhow!("the certificate has expired"),
        ))
    }
}

#[tokio::test]
async fn from_death_to_life() {
    let (_folder, ledger) = support::sqlite().await;
    let memory = Memory::new(Retention::Forever);
    memory.make_topics(|_| 2);
    let shutdown = CancellationToken::new();
    let bus = Bus::new(Arc::new(memory.clone()));
    let sick = Sick::default();
    let settings = Settings { batch_wait_ms: 1, ..Settings::default() };
    let services = [
        Service::new("scraper").handler(sick.clone(), trawl_shared::runtime::GroupSettings::default()),
        trawl_dlq_handler::service(&ledger, &settings),
    ];
    let mut running = Vec::new();
    for service in services {
        running.push(service.start(bus.clone(), RuntimeSettings::default(), shutdown.clone()).await.unwrap());
    }

    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    send(&*memory.producer(), record).await.unwrap();
    let letter = async |state: State, generation: u32| -> Option<Summary> {
        let found = ledger.summary(id).await.unwrap();
        found.filter(|letter| letter.state == state && letter.generation == generation)
    };
    let replay = async || {
        let producer = memory.producer();
        let mut run = Replayer::new(&*ledger, &*producer, "test", Sending::now(12));
        let sent =
            run.send(&Letters::Ids(vec![id]), Speed::default(), &CancellationToken::new(), |_| ()).await;
        assert_eq!(sent.unwrap().outcome, Outcome::Sent);
    };
    let first = until("the first letter", async || letter(State::Open, 0).await).await;
    assert_eq!((first.code.as_str(), first.error.as_str()), ("tls_failed", "the certificate has expired"));

    replay().await;
    until("its second death", async || letter(State::Open, 1).await).await;
    let deaths = ledger.deaths(id).await.unwrap();
    assert_eq!(deaths.len(), 2);
    assert_eq!(deaths[1].history.len(), 2, "the history travels with the replay");
    assert_eq!(deaths[0].source, deaths[1].source, "the record's first place is remembered");

    sick.0.store(true, Ordering::SeqCst);
    replay().await;
    until("life", async || (sick.1.load(Ordering::SeqCst) == 1).then_some(())).await;
    until("the letter to be resolved by itself", async || letter(State::Resolved, 1).await).await;
    let told: Vec<_> = ledger.events(id).await.unwrap().iter().map(|event| event.state).collect();
    assert_eq!(told.iter().filter(|state| **state == State::Replayed).count(), 2, "{told:?}");
    assert_eq!(memory.records(Topic::DeadLetter).len(), 3, "two deaths and one recovery");
    shutdown.cancel();
    for service in running {
        service.wait().await.unwrap();
    }
}

/// Rejects everything; all of it is of one host, which opens no circuit.
struct Hopeless;

impl Handler for Hopeless {
    const NAME: &'static str = "scraper";
    type In = FetchTask;
    type Out = ();
    async fn handle(&self, _: FetchTask, _: &Context) -> Result<(), Failure> {
        Err(Failure::reject(FailureClass::Network, "timeout", anyhow::anyhow!("never")))
    }
}

#[tokio::test]
async fn a_storm_of_replays_stops_by_itself() {
    const LETTERS: i64 = 400;
    let (_folder, ledger) = support::sqlite().await;
    let job = JobId::fresh();
    let record = |n: i64| task(job, &format!("http://a.example/{n}"));
    support::deliver(&ledger, (0..LETTERS).map(|n| support::death(record(n), "scraper", 0, n))).await;
    let memory = Memory::new(Retention::Forever);
    memory.make_topics(|_| 2);
    let (shutdown, bus) = (CancellationToken::new(), Bus::new(Arc::new(memory.clone())));
    let settings = Settings { batch_wait_ms: 1, ..Settings::default() };
    let hopeless = Service::new("scraper").handler(Hopeless, trawl_shared::runtime::GroupSettings::default());
    let mut running = Vec::new();
    for service in [hopeless, trawl_dlq_handler::service(&ledger, &settings)] {
        running.push(service.start(bus.clone(), RuntimeSettings::default(), shutdown.clone()).await.unwrap());
    }
    let producer = memory.producer();
    let mut run = Replayer::new(&*ledger, &*producer, "test", Sending::now(12));
    let open = Letters::Where("state=open".parse().unwrap());
    let report = run.send(&open, "100/s".parse().unwrap(), &CancellationToken::new(), |_| ()).await.unwrap();
    assert_eq!((report.outcome, report.resolved), (Outcome::Storm, 0), "{report:?}");
    assert!(report.back >= 10 && report.sent < LETTERS as u64, "{report:?}");
    let untouched = ledger.count(&"replays=0 state=open".parse().unwrap()).await.unwrap();
    assert!(untouched > 0, "the others were left alone");
    shutdown.cancel();
    for service in running {
        service.wait().await.unwrap();
    }
}
