//! Exactly once as the loop sees it, over the in-process broker with transactions that a script decides on: what is
//! called off is written again without being handled again, and what can't be written is given up alone.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{
        Broker, BrokerError, Commit, Connection, Consumer, Producer, SendError, Subscription, TopicSpec,
        TopicState, TransactionError, TransactionalId, Transactions,
        memory::{Memory, Retention},
        send, send_all,
    },
    message::{DeadLetter, Envelope, Record, Topic},
    model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, TaskEnded},
    runtime::{
        Bus, Clock, Context, DeliveryMode, Failure, FailureClass, GroupSettings, Handler, RuntimeSettings,
        Service, encode_root,
    },
};

/// Answers each task; `retry` only at the second attempt.
#[derive(Clone, Default)]
struct Echo(Arc<AtomicU32>);

impl Handler for Echo {
    const NAME: &'static str = "echo";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, context: &Context) -> Result<TaskEnded, Failure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if task.origin.url.as_url().path() == "/retry" && context.envelope.attempt == 0 {
            return Err(Failure::retry(FailureClass::Server, "down", anyhow::anyhow!("not yet")));
        }
        Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"))
    }
}

/// How a transaction ends.
type Ending = fn(&[Record]) -> Result<(), TransactionError>;

/// The in-process broker, with transactions.
#[derive(Clone)]
struct Scripted {
    memory: Memory,
    /// Endings of the first transactions; those that follow are committed.
    script: Arc<Mutex<VecDeque<Ending>>>,
    committed: Arc<Mutex<Vec<Commit>>>,
}

impl Transactions for Scripted {
    fn write(
        &self,
        records: Vec<Record>,
        commits: Vec<Commit>,
    ) -> BoxFuture<'static, Result<(), TransactionError>> {
        let this = self.clone();
        Box::pin(async move {
            let next = this.script.lock().unwrap().pop_front();
            next.map_or(Ok(()), |ending| ending(&records))?;
            send_all(&this.memory, records).await.unwrap();
            this.committed.lock().unwrap().extend(commits);
            Ok(())
        })
    }
}

#[async_trait]
impl Broker for Scripted {
    fn producer(&self) -> Arc<dyn Producer> {
        self.memory.producer()
    }
    async fn subscribe(&self, _: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        unreachable!("offsets are committed in transactions only")
    }
    async fn subscribe_with_transactions(
        &self,
        subscription: Subscription,
        name: TransactionalId,
    ) -> Result<(Box<dyn Consumer>, Arc<dyn Transactions>), BrokerError> {
        assert!(["echo.a.0", "test.retry.a"].contains(&name.id.as_str()), "{}", name.id);
        Ok((self.memory.subscribe(subscription).await?, Arc::new(self.clone())))
    }
    async fn ensure_topics(
        &self,
        topics: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, TopicState>, BrokerError> {
        self.memory.ensure_topics(topics).await
    }
    fn connection(&self) -> Connection {
        Connection::Up
    }
}

fn task(path: &str) -> Record {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://host.example/{path}")).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test".into()).unwrap()
}

async fn memory(clock: Clock, paths: &[&str]) -> Memory {
    let memory = Memory::with_clock(Retention::Forever, clock);
    memory.make_topics(|topic| if topic == Topic::Retry { 12 } else { 1 });
    for path in paths {
        send(&memory, task(path)).await.unwrap();
    }
    memory
}

fn settings(clock: Clock) -> RuntimeSettings {
    RuntimeSettings {
        clock,
        delivery: DeliveryMode::ExactlyOnce,
        instance: "a".to_owned(),
        ..RuntimeSettings::default()
    }
}

/// What a run over these tasks left behind.
struct Left {
    memory: Memory,
    handled: u32,
    commits: Vec<Commit>,
    not_ready: usize,
}

async fn run(paths: &[&str], script: &[Ending]) -> Left {
    let clock = Clock::tokio();
    let memory = memory(clock, paths).await;
    let script = Arc::new(Mutex::new(script.iter().copied().collect()));
    let broker = Scripted { memory: memory.clone(), script, committed: Arc::default() };
    let committed = Arc::clone(&broker.committed);
    let echo = Echo::default();
    let handled = Arc::clone(&echo.0);
    let bus = Bus::new(Arc::new(broker));
    let health = bus.health.clone();
    let service = Service::new("test").only_messages().handler(echo, GroupSettings::default());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service.run(bus, settings(clock), shutdown.clone()));
    // Time is paused: it jumps to the next timer as soon as nothing else can run.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let not_ready = health.not_ready().len();
    shutdown.cancel();
    running.await.unwrap().unwrap();
    let commits = committed.lock().unwrap().clone();
    Left { memory, handled: handled.load(Ordering::Relaxed), commits, not_ready }
}

impl Left {
    fn paths(&self, topic: Topic) -> Vec<String> {
        let of = |record: &Record| {
            Envelope::read(record).unwrap().subject.unwrap().rsplit('/').next().unwrap().to_owned()
        };
        let mut paths: Vec<_> = self.memory.records(topic).iter().map(of).collect();
        paths.sort();
        paths
    }

    fn offset(&self) -> Option<i64> {
        let of_tasks = |commit: &&Commit| commit.partition.topic == Topic::ScrapingTasks;
        self.commits.iter().rfind(of_tasks).map(|commit| commit.offset)
    }
}

#[tokio::test(start_paused = true)]
async fn outputs_retries_and_offsets_go_through_transactions() {
    let left = run(&["a", "b", "retry", "c"], &[]).await;
    assert_eq!(left.paths(Topic::ParsedData), ["a", "b", "c", "retry"]);
    assert_eq!((left.handled, left.offset(), left.not_ready), (5, Some(4), 0));
    let waited = left.commits.iter().filter(|commit| commit.partition.topic == Topic::Retry);
    assert_eq!(
        waited.map(|commit| commit.offset).max(),
        Some(1),
        "the waiting record is done in a transaction, too"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_called_off_is_written_again_and_not_handled_again() {
    let aborted: Ending = |_| Err(TransactionError::Aborted("a rebalance".to_owned()));
    let left = run(&["a", "b", "c"], &[aborted, aborted]).await;
    assert_eq!(left.paths(Topic::ParsedData), ["a", "b", "c"]);
    assert_eq!((left.handled, left.offset(), left.not_ready), (3, Some(3), 0));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_never_taken_costs_its_message_and_no_other() {
    let refused: Ending = |records| {
        let path = |record: &Record| Envelope::read(record).unwrap().subject.unwrap();
        let index = records.iter().position(|record| path(record).ends_with("/b")).unwrap();
        Err(TransactionError::Refused {
            index,
            error: SendError::TooLarge { topic: "t".to_owned(), size: 9 },
        })
    };
    let left = run(&["a", "b", "c"], &[refused]).await;
    assert_eq!(left.paths(Topic::ParsedData), ["a", "c"]);
    assert_eq!((left.handled, left.offset()), (3, Some(3)));
    let letter = DeadLetter::from_record(&left.memory.records(Topic::DeadLetter)[0]).unwrap();
    assert_eq!((letter.reason.code.as_str(), letter.reason.stage.as_str()), ("output_too_large", "encode"));
    assert_eq!(letter.record.payload, task("b").payload, "byte for byte");
}

#[tokio::test(start_paused = true)]
async fn it_is_refused_where_it_cannot_be_kept() {
    let clock = Clock::tokio();
    let bus = Bus::new(Arc::new(memory(clock, &[]).await));
    let start = async |settings: RuntimeSettings, service: Service| {
        let started = service.start(bus.clone(), settings, CancellationToken::new()).await;
        started.err().map(|error| error.to_string())
    };
    let echo = || Service::new("test").handler(Echo::default(), GroupSettings::default());
    let why = start(settings(clock), echo().only_messages()).await.unwrap();
    assert!(why.contains("only Kafka can deliver exactly once"), "{why}");
    let nameless = RuntimeSettings { instance: String::new(), ..settings(clock) };
    let why = start(nameless, echo().only_messages()).await.unwrap();
    assert!(why.contains("TRAWL_RUNTIME_INSTANCE"), "{why}");
    assert_eq!(
        start(settings(clock), echo()).await,
        None,
        "who keeps something does so once by ids, and needs none of it"
    );
}
