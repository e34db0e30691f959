//! Exactly once on a real Kafka: processes that are killed, processes that come back from the dead, transactions that are
//! called off. What is read downstream has every answer once.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod kafka;

use kafka::{Real, spec};
use std::{
    collections::{BTreeMap, HashMap},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{
        Broker, Commit, Event, Partition, SendError, Subscription, TopicSpec, TransactionError,
        TransactionalId,
        conformance::{Reader, record},
        kafka::{Kafka, KafkaSettings},
        send_all,
    },
    message::{Envelope, Record, Topic},
    model::{CanonicalUrl, FetchTask, JobId, MessageId, Origin, Outcome, TaskEnded},
    runtime::{
        Bus, CircuitSettings, Context, DeliveryMode, Failure, FailureClass, GroupSettings, Handler,
        RuntimeSettings, Service, encode_root,
    },
};

const TASKS: usize = 2_000;
const PARTITIONS: i32 = 4;

/// Answers each task after a while; every tenth only at the second attempt.
struct Echo;

impl Handler for Echo {
    const NAME: &'static str = "echo";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, context: &Context) -> Result<TaskEnded, Failure> {
        // So that there is something in flight whenever a signal comes.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if task.origin.url.as_url().path().ends_with('0') && context.envelope.attempt == 0 {
            return Err(Failure::retry(FailureClass::Server, "down", anyhow::anyhow!("not yet")));
        }
        Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"))
    }
}

const PREFIX: &str = "TRAWL_TEST_EXACTLY_ONCE_PREFIX";
const INSTANCE: &str = "TRAWL_TEST_EXACTLY_ONCE_INSTANCE";

/// Not a test by itself: the service as a process of its own, when the tests below start this file anew.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let (Ok(prefix), Ok(instance)) = (std::env::var(PREFIX), std::env::var(INSTANCE)) else { return };
    let brokers = std::env::var("TRAWL_TEST_KAFKA_BROKERS").unwrap();
    let kafka = Kafka::connect(kafka::quick(&brokers, prefix)).unwrap();
    let group = GroupSettings { concurrency: 16, ..GroupSettings::default() };
    let settings = RuntimeSettings {
        delivery: DeliveryMode::ExactlyOnce,
        // Whoever comes back under his name has his partitions at once.
        static_membership: instance == "returns",
        circuit: CircuitSettings { failures: 0, ..CircuitSettings::default() },
        instance,
        ..RuntimeSettings::default()
    };
    let service = Service::new("test").only_messages().handler(Echo, group);
    // A zombie that was shut out ends with an error, as it should.
    let ended = service.run(Bus::new(Arc::new(kafka)), settings, CancellationToken::new()).await;
    eprintln!("child ended: {ended:?}");
}

fn start(prefix: &str, instance: &str) -> Killed {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(PREFIX, prefix).env(INSTANCE, instance);
    Killed(command.stdout(Stdio::null()).spawn().unwrap())
}

/// A process that ends with its test.
struct Killed(Child);

impl Killed {
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL, also for one that is stopped. One that ended by itself can't be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn task(name: &str) -> Record {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://{name}.example/{name}")).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test".into()).unwrap()
}

/// A world with tasks in it, and who reads the answers.
struct World {
    cluster: Real,
    settings: KafkaSettings,
    kafka: Kafka,
    answers: Reader,
}

impl World {
    async fn with_tasks() -> Option<Self> {
        let cluster = Real::find()?;
        let settings = cluster.settings();
        let kafka = cluster.kafka(settings.clone(), &Topic::ALL.map(|topic| (topic, PARTITIONS))).await;
        let tasks = (0..TASKS).map(|n| task(&format!("t{n}"))).collect();
        send_all(&*kafka.producer(), tasks).await.unwrap();
        let answers = Reader::join(&cluster, &kafka, "answers", Topic::ParsedData).await;
        Some(Self { cluster, settings, kafka, answers })
    }

    async fn wait_for(&mut self, answers: usize) {
        self.answers.wait("answers", |seen| seen.records.len() >= answers).await;
    }

    /// Tasks behind all others are answered: whatever was going to be answered twice has been.
    async fn every_answer_is_there_once(mut self, what: &str) {
        self.wait_for(TASKS).await;
        let last =
            (0..PARTITIONS).map(|n| Record { partition: Some(n), ..task(&format!("last{n}x")) }).collect();
        send_all(&*self.kafka.producer(), last).await.unwrap();
        self.wait_for(TASKS + PARTITIONS as usize).await;
        let mut times: HashMap<MessageId, usize> = HashMap::new();
        for answer in &self.answers.seen().records {
            *times.entry(Envelope::read(&answer.record).unwrap().id).or_default() += 1;
        }
        let twice = times.values().filter(|times| **times > 1).count();
        println!(
            "exactly once, {what}: {}/{} answered, {twice} of them twice",
            times.len(),
            TASKS + PARTITIONS as usize
        );
        assert_eq!((times.len(), twice), (TASKS + PARTITIONS as usize, 0));
        self.cluster.clean_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_again_and_again() {
    let Some(mut world) = World::with_tasks().await else { return };
    let mut child = start(&world.settings.topic_prefix, "returns");
    for kill in 1..=4 {
        world.wait_for(TASKS * kill / 6).await;
        drop(child);
        child = start(&world.settings.topic_prefix, "returns");
    }
    world.every_answer_is_there_once("4 kill -9").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_comes_back_from_the_dead() {
    let Some(mut world) = World::with_tasks().await else { return };
    let zombie = start(&world.settings.topic_prefix, "zombie");
    world.wait_for(TASKS / 4).await;
    zombie.signal("-STOP");
    let _heir = start(&world.settings.topic_prefix, "heir");
    // The group finds out after the session time-out, and what was open is called off by the broker.
    world.wait_for(TASKS * 3 / 4).await;
    zombie.signal("-CONT");
    world.every_answer_is_there_once("a member stopped beyond its session").await;
}

/// A member of a group of one, with its partition and its transactions.
async fn member(
    kafka: &Kafka,
    id: &str,
) -> (Box<dyn trawl_shared::broker::Consumer>, Arc<dyn trawl_shared::broker::Transactions>) {
    let name = TransactionalId { id: id.to_owned(), timeout: Duration::from_secs(10) };
    let subscription = Subscription::new(format!("group-of-{}", fastrand::u64(..)), [Topic::ScrapingTasks]);
    let (consumer, transactions) = kafka.subscribe_with_transactions(subscription, name).await.unwrap();
    let assigned = tokio::time::timeout(Duration::from_secs(30), async {
        while !matches!(consumer.next().await.unwrap(), Event::Assigned(partitions) if !partitions.is_empty())
        {
        }
    });
    assigned.await.unwrap();
    (consumer, transactions)
}

fn commit(offset: i64) -> Vec<Commit> {
    let partition = Partition { topic: Topic::ScrapingTasks, number: 0 };
    vec![Commit { partition, offset, metadata: "v1;1+1".to_owned() }]
}

fn answer(text: &'static str) -> Record {
    record(Topic::ParsedData, text, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_later_under_the_same_name_shuts_the_earlier_one_out() {
    let Some(cluster) = Real::find() else { return };
    let kafka = cluster.kafka(cluster.settings(), &Topic::ALL.map(|topic| (topic, 1))).await;
    let (_first, earlier) = member(&kafka, "one").await;
    earlier.write(vec![answer("before")], commit(0)).await.unwrap();
    let (_second, later) = member(&kafka, "one").await;
    let refused = earlier.write(vec![answer("zombie")], commit(1)).await;
    assert!(
        matches!(&refused, Err(TransactionError::Fatal(why)) if why.contains("runtime.instance")),
        "{refused:?}"
    );
    later.write(vec![answer("after")], commit(1)).await.unwrap();
    let mut reader = Reader::join(&cluster, &kafka, "answers", Topic::ParsedData).await;
    reader.wait("both", |seen| seen.records.len() >= 2).await;
    assert_eq!(reader.seen().texts(), ["before", "after"]);
    cluster.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_transaction_that_is_called_off_nothing_is_seen() {
    let Some(cluster) = Real::find() else { return };
    let kafka = cluster.kafka(cluster.settings(), &[(Topic::ScrapingTasks, 1)]).await;
    let small = TopicSpec { max_message_bytes: 64 * 1024, ..spec(1) };
    kafka.ensure_topics(&BTreeMap::from([(Topic::ParsedData, small)])).await.unwrap();
    let (_consumer, transactions) = member(&kafka, "one").await;
    // Noise does not compress: the broker refuses it, when the others are written already.
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(200 * 1024).collect();
    let spoiled = vec![answer("spoiled"), record(Topic::ParsedData, "k", noise), answer("spoiled, too")];
    let refused = transactions.write(spoiled, commit(3)).await;
    assert!(
        matches!(refused, Err(TransactionError::Refused { index: 1, error: SendError::TooLarge { .. } })),
        "{refused:?}"
    );
    // The refused record has left a gap in the producer's sequence, which costs it one more transaction.
    let again = transactions.write(vec![answer("good")], commit(1)).await;
    assert!(matches!(again, Ok(()) | Err(TransactionError::Aborted(_))), "{again:?}");
    if again.is_err() {
        transactions.write(vec![answer("good")], commit(1)).await.unwrap();
    }
    let mut reader = Reader::join(&cluster, &kafka, "answers", Topic::ParsedData).await;
    reader.wait("the good one", |seen| !seen.records.is_empty()).await;
    assert_eq!(reader.seen().texts(), ["good"]);
    cluster.clean_up().await;
}
