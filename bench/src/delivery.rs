//! What exactly once costs on Kafka beside the default: the same service, the same messages, in turn.
//!
//! The service answers each message at once, so all that is measured is what stands around a handler: reading, writing,
//! offsets, transactions. Messages a second are counted where they come out, by a consumer that reads what is committed;
//! latency is from the producing of a task to the reading of its answer, at a rate that keeps nobody busy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use trawl_shared::broker::kafka::{Kafka, KafkaSettings};
use trawl_shared::broker::{Broker as _, Consumer, Event, Subscription, send, send_all};
use trawl_shared::config::TopicsSection;
use trawl_shared::message::{Record, Topic};
use trawl_shared::model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, TaskEnded};
use trawl_shared::runtime::{
    Bus, Context, DeliveryMode, Failure, GroupSettings, Handler, RuntimeSettings, Service, encode_root,
};

/// Measures at least once and exactly once, and prints a table.
#[derive(Debug, clap::Args)]
pub struct DeliveryModes {
    /// Kafka: HOST:PORT.
    #[arg(long, value_name = "LIST")]
    brokers: String,
    /// Messages of each run.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,
    /// Runs of each; the table has all.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,
}

/// Messages that latency is taken of, one every ten milliseconds.
const PACED: u32 = 300;
const PACE: Duration = Duration::from_millis(10);

struct Echo;

impl Handler for Echo {
    const NAME: &'static str = "echo";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, _: &Context) -> Result<TaskEnded, Failure> {
        Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"))
    }
}

/// Runs the measurements.
pub fn run(modes: &DeliveryModes) -> anyhow::Result<()> {
    println!("delivery        messages/s  latency p50  latency p99");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        for _ in 0..modes.runs {
            measure(modes, "at-least-once", DeliveryMode::AtLeastOnce).await?;
            measure(modes, "exactly-once", DeliveryMode::ExactlyOnce).await?;
        }
        Ok(())
    })
}

async fn measure(modes: &DeliveryModes, name: &str, delivery: DeliveryMode) -> anyhow::Result<()> {
    let kafka = Kafka::connect(KafkaSettings {
        brokers: modes.brokers.clone(),
        topic_prefix: format!("trawl-bench-{}.", uuid::Uuid::now_v7()),
        ..KafkaSettings::default()
    })?;
    kafka.ensure_topics(&TopicsSection::default().specs()).await?;
    let answers = kafka.subscribe(Subscription::new("answers", [Topic::ParsedData])).await?;
    let tasks = (0..modes.messages).map(task).collect::<Result<_, _>>()?;
    send_all(&*kafka.producer(), tasks).await?;

    let settings = RuntimeSettings { delivery, instance: "bench".to_owned(), ..RuntimeSettings::default() };
    let service = Service::new("bench").only_messages().handler(Echo, GroupSettings::default());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service.run(Bus::new(Arc::new(kafka.clone())), settings, shutdown.clone()));
    // From the first answer on: joining a group has nothing to do with it.
    let first = read(&*answers, 1).await?.len();
    let began = Instant::now();
    let rest = read(&*answers, modes.messages as usize - first).await?.len();
    #[expect(clippy::cast_precision_loss, reason = "a rate in whole messages")]
    let rate = rest as f64 / began.elapsed().as_secs_f64();

    let reader = tokio::spawn(async move { read(&*answers, PACED as usize).await });
    for n in 0..PACED {
        tokio::time::sleep(PACE).await;
        send(&*kafka.producer(), task(modes.messages + n)?).await?;
    }
    let mut latencies = reader.await.context("the reader panicked")??;
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() * percent / 100).min(latencies.len() - 1)];
    println!("{name:<14} {rate:>11.0} {:>9} ms {:>9} ms", at(50), at(99));
    shutdown.cancel();
    running.await.context("the service panicked")??;
    kafka.delete_topics().await?;
    Ok(())
}

/// Reads that many answers at least, and tells how old each one's task was, in milliseconds.
async fn read(answers: &dyn Consumer, count: usize) -> anyhow::Result<Vec<i128>> {
    let mut ages = Vec::with_capacity(count);
    while ages.len() < count {
        let event = tokio::time::timeout(Duration::from_secs(60), answers.next()).await;
        let Event::Records(records) = event.context("no answer for a minute")?? else { continue };
        let now = Timestamp::now();
        for delivery in records {
            let ended = <TaskEnded as trawl_shared::message::Message>::decode(delivery.record.payload)?;
            let sent = ended.origin.found_on.context("an answer names no time")?.parse::<Timestamp>()?;
            ages.push(now.duration_since(sent).as_millis());
        }
    }
    ensure!(ages.len() >= count, "fewer answers than tasks");
    Ok(ages)
}

/// A task that says when it was made where others say on which page they were found.
fn task(n: u32) -> anyhow::Result<Record> {
    let job = JobId(uuid::Uuid::from_u128(1));
    let url = CanonicalUrl::parse(&format!("http://h{n}.example/"))?;
    let found_on = Some(Timestamp::now().to_string());
    let origin = Origin { found_on, ..Origin::of_seed(job, url) };
    let task = FetchTask::new(origin);
    Ok(encode_root(&task, job, "/bench".into())?)
}
