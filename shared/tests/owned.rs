//! What only the owner of a partition may do, over the in-process broker with time paused: nobody does it beside the
//! owner, whoever that is by then.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

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
        memory::{Memory, Retention},
        send,
    },
    message::{Envelope, Record, Topic},
    model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, TaskEnded},
    runtime::{
        Bus, Clock, Context, Failure, FailureClass, GroupSettings, Handler, RunError, RuntimeSettings,
        Service, encode_root,
    },
};

/// What was done, by whom.
#[derive(Default)]
struct Diary {
    entries: Mutex<Vec<(&'static str, Topic, i32, u32)>>,
    working: Mutex<Vec<&'static str>>,
}

/// An owner. It fails at each message once; a message `hang` it works at without end.
struct Owner {
    name: &'static str,
    diary: Arc<Diary>,
    assigned: Arc<AtomicU32>,
}

/// Written off when a handler ends, however it does.
struct Working<'a>(&'a Diary, &'static str);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut working = self.0.working.lock().unwrap();
        let at = working.iter().position(|name| *name == self.1).unwrap();
        working.swap_remove(at);
    }
}

impl Handler for Owner {
    const NAME: &'static str = "owner";
    type In = FetchTask;
    type Out = TaskEnded;
    const OWNED: bool = true;

    fn assigned(&self) {
        self.assigned.fetch_add(1, Ordering::Relaxed);
    }

    async fn handle(&self, task: FetchTask, context: &Context) -> Result<TaskEnded, Failure> {
        let attempt = context.envelope.attempt;
        let partition = context.partition;
        self.diary.entries.lock().unwrap().push((self.name, partition.topic, partition.number, attempt));
        if task.origin.url.as_url().path() == "/hang" {
            self.diary.working.lock().unwrap().push(self.name);
            let _working = Working(&self.diary, self.name);
            return std::future::pending().await;
        }
        if attempt == 0 {
            return Err(Failure::retry(FailureClass::Server, "down", anyhow::anyhow!("not yet")));
        }
        Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"))
    }
}

struct Member {
    assigned: Arc<AtomicU32>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

impl Member {
    fn start(broker: &Memory, name: &'static str, diary: &Arc<Diary>) -> Self {
        Self::with_room_for(GroupSettings::default().max_in_flight, broker, name, diary)
    }

    fn with_room_for(max_in_flight: usize, broker: &Memory, name: &'static str, diary: &Arc<Diary>) -> Self {
        let assigned = Arc::new(AtomicU32::new(0));
        let owner = Owner { name, diary: Arc::clone(diary), assigned: Arc::clone(&assigned) };
        let group = GroupSettings { timeout_ms: 3_600_000, max_in_flight, ..GroupSettings::default() };
        let service = Service::new("test").handler(owner, group);
        let settings = RuntimeSettings { clock: Clock::tokio(), ..RuntimeSettings::default() };
        let shutdown = CancellationToken::new();
        let bus = Bus::new(Arc::new(broker.clone()));
        let task = tokio::spawn(service.run(bus, settings, shutdown.clone()));
        Self { assigned, shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

async fn broker() -> Memory {
    let broker = Memory::new(Retention::Forever);
    broker.make_topics(|_| 12);
    broker
}

fn task(host: usize, path: &str) -> Record {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://h{host}.example/{path}")).unwrap();
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/test".into()).unwrap()
}

/// Time is paused: it jumps to the next timer as soon as nothing else can run.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn another_attempt_is_the_owners_whoever_that_is_by_then() {
    let (broker, diary) = (broker().await, Arc::new(Diary::default()));
    let members = [Member::start(&broker, "one", &diary), Member::start(&broker, "two", &diary)];
    pass(5).await;
    for host in 0..20 {
        send(&broker, task(host, "")).await.unwrap();
    }
    pass(60).await;
    let entries = std::mem::take(&mut *diary.entries.lock().unwrap());
    assert_eq!(entries.len(), 40, "two attempts each");
    assert!(
        entries.iter().all(|(_, topic, ..)| *topic == Topic::ScrapingTasks),
        "none straight from the lane"
    );
    let mut owners: BTreeMap<i32, &str> = BTreeMap::new();
    for (name, _, partition, _) in &entries {
        assert_eq!(owners.entry(*partition).or_insert(name), name, "one owner for partition {partition}");
    }
    assert!(owners.values().any(|name| *name == "one") && owners.values().any(|name| *name == "two"));
    assert_eq!(broker.records(Topic::ParsedData).len(), 20);
    let records = broker.records(Topic::ScrapingTasks);
    let came_back =
        records.iter().map(|record| Envelope::read(record).unwrap().attempt).filter(|attempt| *attempt > 0);
    assert_eq!(came_back.collect::<Vec<_>>(), [1; 20], "attempts are counted on");
    for member in members {
        member.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_came_back_is_none_of_another_groups() {
    let (broker, diary) = (broker().await, Arc::new(Diary::default()));
    let mut back = task(1, "");
    let envelope = Envelope { target: Some("somebody".to_owned()), ..Envelope::read(&back).unwrap() };
    envelope.write_to(&mut back.headers);
    send(&broker, back).await.unwrap();
    let member = Member::start(&broker, "one", &diary);
    pass(5).await;
    assert_eq!(diary.entries.lock().unwrap().len(), 0);
    member.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_partition_drops_what_it_was_doing_there() {
    with_hands_full(GroupSettings::default().max_in_flight).await;
}

#[tokio::test(start_paused = true)]
async fn who_has_no_room_for_more_hears_of_a_rebalance_too() {
    with_hands_full(20).await;
}

/// A member works at 20 messages when another one joins.
async fn with_hands_full(max_in_flight: usize) {
    let (broker, diary) = (broker().await, Arc::new(Diary::default()));
    let one = Member::with_room_for(max_in_flight, &broker, "one", &diary);
    for host in 0..20 {
        send(&broker, task(host, "hang")).await.unwrap();
    }
    pass(5).await;
    assert_eq!(diary.working.lock().unwrap().len(), 20);
    let before = one.assigned.load(Ordering::Relaxed);
    let two = Member::start(&broker, "two", &diary);
    pass(60).await;
    assert!(two.assigned.load(Ordering::Relaxed) > 0 && before > 0, "both were told");
    let entries = diary.entries.lock().unwrap().clone();
    let moved = entries.iter().filter(|(name, ..)| *name == "two").count();
    assert!(moved > 0 && moved < 20, "{moved} moved");
    assert_eq!(entries.len(), 20 + moved);
    assert_eq!(diary.working.lock().unwrap().len(), 20, "nobody works at what the other one has");
    one.task.abort();
    two.task.abort();
}

#[tokio::test(start_paused = true)]
async fn who_is_leaving_still_hears_of_a_rebalance() {
    let (broker, diary) = (broker().await, Arc::new(Diary::default()));
    let one = Member::start(&broker, "one", &diary);
    for host in 0..20 {
        send(&broker, task(host, "hang")).await.unwrap();
    }
    pass(5).await;
    one.shutdown.cancel();
    let two = Member::start(&broker, "two", &diary);
    // Longer than a rebalance waits for what is in flight, shorter than a shutdown does.
    pass(15).await;
    let entries = diary.entries.lock().unwrap().clone();
    let moved = entries.iter().filter(|(name, ..)| *name == "two").count();
    assert!(two.assigned.load(Ordering::Relaxed) > 0 && moved > 0, "the other one need not wait");
    assert_eq!(diary.working.lock().unwrap().len(), 20, "nobody works at what the other one has");
    one.task.await.unwrap().unwrap();
    two.task.abort();
}
