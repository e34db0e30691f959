//! The service loop over the in-process broker, time paused: what becomes of messages that pass,
//! fail, panic, wait, repeat, or are no messages at all.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use bytes::Bytes;
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
        Broker, Confirmation, Partition, Producer, SendError, TopicSpec,
        memory::{Memory, Retention},
        send,
    },
    message::{DeadLetter, Envelope, Headers, Message, Record, Topic},
    model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, RetryRule, TaskEnded},
    runtime::{
        BatchHandler, Bus, Clock, Context, Failure, FailureClass, GroupChanges, GroupSettings, Handler,
        RunError, RuntimeSettings, Service, encode_root,
    },
};

/// Does what the task's URL path says, and keeps count.
struct Scripted {
    calls: Arc<Mutex<BTreeMap<String, u32>>>,
    gate: Arc<tokio::sync::Semaphore>,
    waits: AtomicU32,
}

impl Scripted {
    fn new() -> Self {
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
struct Batched(Arc<Mutex<Vec<usize>>>);

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

fn task(path: &str) -> Record {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://host.example/{path}")).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test".into()).unwrap()
}

async fn broker() -> Memory {
    let broker = Memory::new(Retention::Forever);
    broker.make_topics(|topic| if topic == Topic::Retry { 12 } else { 1 });
    broker
}

struct Run {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
    bus: Bus,
}

impl Run {
    fn start(broker: &Memory, service: Service) -> Self {
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

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    fn metric(&self, line: &str) -> bool {
        self.bus.metrics.render().lines().any(|l| l == line)
    }
}

fn service(handler: Scripted) -> Service {
    Service::new("test").handler(handler, GroupSettings { timeout_ms: 5_000, ..GroupSettings::default() })
}

/// Time is paused: it jumps to the next timer as soon as nothing else can run.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn produce(broker: &Memory, paths: &[&str]) {
    for path in paths {
        send(broker, task(path)).await.unwrap();
    }
}

fn subjects(broker: &Memory, topic: Topic) -> Vec<String> {
    let of = |record: &Record| {
        Envelope::read(record).unwrap().subject.unwrap().rsplit('/').next().unwrap().to_owned()
    };
    broker.records(topic).iter().map(of).collect()
}

fn committed(broker: &Memory) -> Option<i64> {
    broker.committed("scripted", Partition { topic: Topic::ScrapingTasks, number: 0 })
}

#[tokio::test(start_paused = true)]
async fn every_message_ends_in_an_output_or_a_letter() {
    let broker = broker().await;
    let handler = Scripted::new();
    let calls = Arc::clone(&handler.calls);
    produce(&broker, &["a", "reject", "always", "twice", "panic", "hang", "b"]).await;
    let run = Run::start(&broker, service(handler));
    pass(600).await;

    let mut stored = subjects(&broker, Topic::ParsedData);
    stored.sort();
    assert_eq!(stored, ["a", "b", "twice"]);
    let letters: BTreeMap<_, _> = broker
        .records(Topic::DeadLetter)
        .iter()
        .map(|record| {
            let letter = DeadLetter::from_record(record).unwrap();
            let envelope = letter.envelope().unwrap();
            let path = envelope.subject.clone().unwrap().rsplit('/').next().unwrap().to_owned();
            assert_eq!(letter.record.payload, task(&path).payload, "byte for byte");
            assert_eq!(letter.reason.source.topic, Topic::ScrapingTasks);
            assert_eq!(envelope.history.len(), letter.reason.attempts as usize, "every attempt is told");
            (path, (letter.reason.code, letter.reason.attempts, letter.reason.message))
        })
        .collect();
    let expect = |code: &str, attempts, message: &str| (code.to_owned(), attempts, message.to_owned());
    assert_eq!(letters["reject"], expect("no", 1, "asked: never"));
    assert_eq!(letters["always"], expect("down", 4, "try 3"));
    assert_eq!(letters["panic"], expect("panic", 2, "the handler panicked: as told"));
    assert_eq!(letters["hang"].0, "handler_timeout");
    assert_eq!(letters.len(), 4);
    assert_eq!(calls.lock().unwrap()["/twice"], 3);
    assert_eq!(committed(&broker), Some(7));
    assert!(run.bus.health.not_ready().is_empty(), "{:?}", run.bus.health.not_ready());
    assert!(run.metric(
        r#"trawl_messages_dead_lettered_total{service="test",topic="scraping-tasks",code="down"} 1"#
    ));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_has_its_own_way_to_retry() {
    let broker = broker().await;
    let rule: RetryRule = "server:attempts=2,base=100s,jitter=0".parse().unwrap();
    let mut patient = FetchTask::decode(task("always").payload).unwrap();
    patient.fetch.retry = [rule].into_iter().collect();
    send(&broker, encode_root(&patient, patient.origin.job, "/test".into()).unwrap()).await.unwrap();
    let run = Run::start(&broker, service(Scripted::new()));
    pass(99).await;
    assert!(broker.records(Topic::DeadLetter).is_empty(), "the job waits for longer than others");
    pass(3).await;
    let letter = DeadLetter::from_record(&broker.records(Topic::DeadLetter)[0]).unwrap();
    assert_eq!(letter.reason.attempts, 2, "and gives up sooner");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn outputs_of_a_message_handled_twice_have_the_same_ids() {
    let broker = broker().await;
    produce(&broker, &["a"]).await;
    let first = Run::start(&broker, service(Scripted::new()));
    pass(5).await;
    first.stop().await;
    let groups = |name: &str| {
        BTreeMap::from([(
            name.to_owned(),
            GroupChanges { handlers: Some(vec!["scripted".into()]), ..GroupChanges::default() },
        )])
    };
    let settings =
        RuntimeSettings { groups: groups("again"), clock: Clock::tokio(), ..RuntimeSettings::default() };
    let shutdown = CancellationToken::new();
    let again = tokio::spawn(service(Scripted::new()).run(
        Bus::new(Arc::new(broker.clone())),
        settings,
        shutdown.clone(),
    ));
    pass(5).await;
    shutdown.cancel();
    again.await.unwrap().unwrap();
    let ids: Vec<_> =
        broker.records(Topic::ParsedData).iter().map(|r| Envelope::read(r).unwrap().id).collect();
    assert_eq!(ids.len(), 2, "two groups, one handler");
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_blocks_neither_the_others_nor_their_commit_metadata() {
    let broker = broker().await;
    produce(&broker, &["gate", "a", "b"]).await;
    let handler = Scripted::new();
    let run = Run::start(&broker, service(handler));
    pass(3).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["a", "b"]);
    assert_eq!(committed(&broker), Some(0), "the watermark waits");
    // The process dies: the next one is given the unfinished message only.
    run.task.abort();
    drop(run.task.await);
    let handler = Scripted::new();
    let (calls, gate) = (Arc::clone(&handler.calls), Arc::clone(&handler.gate));
    gate.add_permits(1);
    let run = Run::start(&broker, service(handler));
    pass(3).await;
    assert_eq!(calls.lock().unwrap().clone(), BTreeMap::from([("/gate".to_owned(), 1)]));
    assert_eq!(committed(&broker), Some(3));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_counted_and_not_handled() {
    let broker = broker().await;
    let handler = Scripted::new();
    let calls = Arc::clone(&handler.calls);
    let run = Run::start(&broker, service(handler));
    produce(&broker, &["a"]).await;
    pass(1).await;
    produce(&broker, &["a", "a"]).await;
    pass(2).await;
    assert_eq!(calls.lock().unwrap()["/a"], 1);
    assert!(run.metric(
        r#"trawl_messages_duplicate_total{service="test",group="scripted",topic="scraping-tasks"} 2"#
    ));
    assert_eq!(committed(&broker), Some(3));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn poison_goes_to_the_dead_letters_byte_for_byte() {
    let broker = broker().await;
    let mut headers = Headers::default();
    headers.push("x", &b"\xff"[..]);
    let bare = Record {
        topic: Topic::ScrapingTasks,
        partition: None,
        key: Some(Bytes::from_static(b"\xfe\x00")),
        headers,
        payload: Bytes::from_static(b"\x80{"),
    };
    let mut garbage = task("a");
    garbage.payload = Bytes::from_static(b"{\"origin\":7}");
    let mut newer = task("b");
    newer.headers.set("ce_type", "trawl.fetch-task.v9");
    let poison = [bare, garbage, newer];
    for record in &poison {
        send(&broker, record.clone()).await.unwrap();
    }
    produce(&broker, &["good"]).await;
    let run = Run::start(&broker, service(Scripted::new()));
    pass(5).await;
    let letters: Vec<_> =
        broker.records(Topic::DeadLetter).iter().map(|r| DeadLetter::from_record(r).unwrap()).collect();
    let mut found: Vec<_> =
        letters.iter().map(|l| (l.record.key.clone(), l.record.payload.clone())).collect();
    let mut sent: Vec<_> = poison.iter().map(|r| (r.key.clone(), r.payload.clone())).collect();
    found.sort();
    sent.sort();
    assert_eq!(found, sent);
    assert!(
        letters
            .iter()
            .all(|l| l.reason.stage == "decode" && l.reason.code == "undecodable" && l.reason.attempts == 1)
    );
    assert!(
        letters
            .iter()
            .any(|l| l.reason.message.contains("trawl.fetch-task.v9") && l.reason.message.contains("newer"))
    );
    assert_eq!(subjects(&broker, Topic::ParsedData), ["good"]);
    run.stop().await;
}

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

#[tokio::test(start_paused = true)]
async fn a_bad_message_fails_alone_although_its_batch_fails() {
    let broker = broker().await;
    produce(&broker, &["a", "b", "poison", "c"]).await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let group = GroupSettings { concurrency: 1, ..GroupSettings::default() };
    let run = Run::start(&broker, Service::new("test").batch_handler(Batched(Arc::clone(&sizes)), group));
    pass(5).await;
    assert_eq!(*sizes.lock().unwrap(), [4, 1, 1, 1, 1], "together, then each alone");
    assert_eq!(subjects(&broker, Topic::DeadLetter), ["poison"]);
    assert_eq!(committed(&broker), Some(4));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_finishes_what_runs_and_leaves_the_rest() {
    let broker = broker().await;
    produce(&broker, &["a", "gate", "gate?again"]).await;
    let handler = Scripted::new();
    let gate = Arc::clone(&handler.gate);
    let run = Run::start(&broker, service(handler));
    pass(1).await;
    run.shutdown.cancel();
    gate.add_permits(1);
    run.task.await.unwrap().unwrap();
    assert_eq!(broker.records(Topic::ParsedData).len(), 2, "one of the two gates opened in time");
    let again = Scripted::new();
    again.gate.add_permits(9);
    let run = Run::start(&broker, service(again));
    pass(1).await;
    assert_eq!(broker.records(Topic::ParsedData).len(), 3, "the other was delivered again, nothing else");
    run.stop().await;
}

/// What a broker answers to a record.
type Answer = Result<Confirmation, (SendError, Record)>;

/// A broker with another way to take records.
struct Through<F>(Memory, F);

#[async_trait::async_trait]
impl<F: Fn(&Memory, Record) -> Answer + Clone + Send + Sync + 'static> Broker for Through<F> {
    fn producer(&self) -> Arc<dyn Producer> {
        let mut producer = trawl_shared::broker::MockProducer::new();
        let (memory, answer) = (self.0.clone(), self.1.clone());
        producer.expect_enqueue().returning(move |record| answer(&memory, record));
        Arc::new(producer)
    }
    async fn subscribe(
        &self,
        s: trawl_shared::broker::Subscription,
    ) -> Result<Box<dyn trawl_shared::broker::Consumer>, trawl_shared::broker::BrokerError> {
        self.0.subscribe(s).await
    }
    async fn ensure_topics(
        &self,
        topics: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, trawl_shared::broker::TopicState>, trawl_shared::broker::BrokerError> {
        self.0.ensure_topics(topics).await
    }
    fn connection(&self) -> trawl_shared::broker::Connection {
        self.0.connection()
    }
}

#[tokio::test(start_paused = true)]
async fn an_input_counts_as_done_only_when_its_outputs_are_acknowledged() {
    let memory = broker().await;
    produce(&memory, &["a"]).await;
    let shutdown = CancellationToken::new();
    let refusals = Arc::new(AtomicU32::new(8));
    let refuse_first = move |memory: &Memory, record| -> Answer {
        if refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
            return Ok(Box::pin(std::future::ready(Err(SendError::Timeout("down".into())))));
        }
        memory.enqueue(record)
    };
    let bus = Bus::new(Arc::new(Through(memory.clone(), refuse_first)));
    let settings = RuntimeSettings { clock: Clock::tokio(), ..RuntimeSettings::default() };
    let run = tokio::spawn(service(Scripted::new()).run(bus, settings, shutdown.clone()));
    pass(3).await;
    assert_eq!(committed(&memory), None, "the output was refused, so nothing is finished");
    pass(5).await;
    assert_eq!(subjects(&memory, Topic::ParsedData), ["a"]);
    assert_eq!(committed(&memory), Some(1));
    shutdown.cancel();
    run.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handler_does_not_wait_for_the_acknowledgement_of_the_message_before() {
    let memory = broker().await;
    produce(&memory, &["a", "b", "c"]).await;
    let shutdown = CancellationToken::new();
    let slow = |memory: &Memory, record| -> Answer {
        let confirmation = memory.enqueue(record)?;
        Ok(Box::pin(async move {
            pass(5).await;
            confirmation.await
        }))
    };
    let bus = Bus::new(Arc::new(Through(memory.clone(), slow)));
    let settings = RuntimeSettings { clock: Clock::tokio(), ..RuntimeSettings::default() };
    let group = GroupSettings { concurrency: 1, ..GroupSettings::default() };
    let service = Service::new("test").handler(Scripted::new(), group);
    let run = tokio::spawn(service.run(bus, settings, shutdown.clone()));
    pass(1).await;
    assert_eq!(subjects(&memory, Topic::ParsedData), ["a", "b", "c"], "one at a time, none behind a wait");
    assert_eq!(committed(&memory), None, "none of them is acknowledged");
    pass(6).await;
    assert_eq!(committed(&memory), Some(3));
    shutdown.cancel();
    run.await.unwrap().unwrap();
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

#[test]
fn the_topology_is_read_off_the_types() {
    let flows = service(Scripted::new()).flows();
    assert_eq!(flows.len(), 1);
    assert_eq!(flows[0].input, Some((Topic::ScrapingTasks, FetchTask::KIND)));
    assert_eq!(flows[0].outputs, [(Topic::ParsedData, TaskEnded::KIND)]);
}
