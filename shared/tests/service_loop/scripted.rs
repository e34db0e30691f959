//! A handler that does what it is told, and a run of it over a broker in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{
        Partition,
        memory::{Memory, Retention},
        send,
    },
    message::{Envelope, Record, Topic},
    model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, TaskEnded},
    runtime::{
        BatchHandler, Bus, Clock, Context, Failure, FailureClass, GroupSettings, Handler, RunError,
        RuntimeSettings, Service, encode_root,
    },
};

/// Does what the task's URL path says, and keeps count.
pub(crate) struct Scripted {
    pub(crate) calls: Arc<Mutex<BTreeMap<String, u32>>>,
    pub(crate) gate: Arc<tokio::sync::Semaphore>,
    pub(crate) waits: AtomicU32,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        Self {
            calls: Arc::default(),
            gate: Arc::new(tokio::sync::Semaphore::new(0)),
            waits: AtomicU32::new(0),
        }
    }

    async fn act(&self, task: FetchTask, attempt: u32) -> Result<TaskEnded, Failure> {
        let path = task.origin.url.as_url().path().to_owned();
        *self.calls.lock().unwrap().entry(path.clone()).or_default() += 1;
        match path.trim_start_matches('/') {
            "reject" => {
                return Err(Failure::reject(
                    FailureClass::Server,
                    "no",
                    anyhow::anyhow!("never").context("asked"),
                ));
            }
            "always" => {
                return Err(Failure::retry(FailureClass::Server, "down", anyhow::anyhow!("try {attempt}")));
            }
            "twice" if attempt < 2 => {
                return Err(Failure::retry(FailureClass::Server, "down", anyhow::anyhow!("not yet")));
            }
            "panic" => panic!("as told"),
            "hang" => std::future::pending().await,
            "held" if self.waits.fetch_add(1, Ordering::Relaxed) < 3 => {
                return Err(Failure::later(Duration::from_secs(1), "the database"));
            }
            "later" if self.waits.fetch_add(1, Ordering::Relaxed) < 1 => {
                return Err(Failure::later(Duration::from_secs(60), "the host"));
            }
            "gate" => self.gate.acquire().await.unwrap().forget(),
            _ => {}
        }
        Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"))
    }
}

impl Handler for Scripted {
    const NAME: &'static str = "scripted";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, context: &Context) -> Result<TaskEnded, Failure> {
        self.act(task, context.envelope.attempt).await
    }
}

/// The same in batches: a batch with `poison` in it fails as a whole.
pub(crate) struct Batched(pub(crate) Arc<Mutex<Vec<usize>>>);

impl BatchHandler for Batched {
    const NAME: &'static str = "scripted";
    type In = FetchTask;
    type Out = ();
    async fn handle(&self, batch: Vec<(FetchTask, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        self.0.lock().unwrap().push(batch.len());
        if batch.iter().any(|(task, _)| task.origin.url.as_url().path() == "/poison") {
            return Err(Failure::reject(FailureClass::Storage, "bad_row", anyhow::anyhow!("one of them")));
        }
        Ok(batch.iter().map(|_| Ok(())).collect())
    }
}

pub(crate) fn task(path: &str) -> Record {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://host.example/{path}")).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test".into()).unwrap()
}

pub(crate) async fn broker() -> Memory {
    let broker = Memory::new(Retention::Forever);
    broker.make_topics(|topic| if topic == Topic::Retry { 12 } else { 1 });
    broker
}

pub(crate) struct Run {
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), RunError>>,
    pub(crate) bus: Bus,
}

impl Run {
    pub(crate) fn start(broker: &Memory, service: Service) -> Self {
        let shutdown = CancellationToken::new();
        let bus = Bus::new(Arc::new(broker.clone()));
        let settings = RuntimeSettings {
            clock: Clock::tokio(),
            drain_timeout: Duration::from_secs(2),
            ..RuntimeSettings::default()
        };
        let task = tokio::spawn(service.run(bus.clone(), settings, shutdown.clone()));
        Self { shutdown, task, bus }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub(crate) fn metric(&self, line: &str) -> bool {
        self.bus.metrics.render().lines().any(|l| l == line)
    }
}

pub(crate) fn service(handler: Scripted) -> Service {
    Service::new("test").handler(handler, GroupSettings { timeout_ms: 5_000, ..GroupSettings::default() })
}

/// Time is paused: it jumps to the next timer as soon as nothing else can run.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub(crate) async fn produce(broker: &Memory, paths: &[&str]) {
    for path in paths {
        send(broker, task(path)).await.unwrap();
    }
}

pub(crate) fn subjects(broker: &Memory, topic: Topic) -> Vec<String> {
    let of = |record: &Record| {
        Envelope::read(record).unwrap().subject.unwrap().rsplit('/').next().unwrap().to_owned()
    };
    broker.records(topic).iter().map(of).collect()
}

pub(crate) fn committed(broker: &Memory) -> Option<i64> {
    broker.committed("scripted", Partition { topic: Topic::ScrapingTasks, number: 0 })
}
