//! Delayed retries on the one `retry` topic: how late they come, what waits in memory, what an attempt costs.
//!
//! Every message fails once and asks for a wait of its own. An hour of waits is measured with time paused, over the
//! in-process broker: tokio's clock jumps to the next timer when nothing is left to do, so lateness is what the waiting
//! room makes of it, and the machine's speed shows in the CPU column. On Kafka the same runs in real time, with the
//! delays pressed together.

#[cfg(feature = "kafka")]
mod on_kafka;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use humantime::Duration as HumanDuration;
use tokio_util::sync::CancellationToken;
use trawl_shared::broker::memory::{Memory, Retention};
use trawl_shared::broker::send;
use trawl_shared::config::TopicsSection;
use trawl_shared::message::Topic;
use trawl_shared::runtime::{Bus, Clock, GroupSettings, RuntimeSettings, Service};

use crate::gauge::{Moment, Spent};
use waits::{Book, Waiter};

/// Measures retries with mixed delays and prints a table.
#[derive(Debug, clap::Args)]
pub struct Retries {
    /// Messages of the run with time paused.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,
    /// Its longest delay; the shortest is a second.
    #[arg(long, default_value = "1h")]
    longest: HumanDuration,
    /// Kafka to measure as well, in real time: HOST:PORT.
    #[cfg(feature = "kafka")]
    #[arg(long, value_name = "LIST")]
    brokers: Option<String>,
    /// Messages of the run on Kafka.
    #[cfg(feature = "kafka")]
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    kafka_messages: u32,
    /// Its longest delay.
    #[cfg(feature = "kafka")]
    #[arg(long, default_value = "60s")]
    kafka_longest: HumanDuration,
}

const SHORTEST: Duration = Duration::from_secs(1);

/// Runs the measurements.
pub fn run(retries: &Retries) -> anyhow::Result<()> {
    println!(
        "broker          messages  delays       lost  early  too late  late p50  late p99  latest  most held  wall s  CPU us/message"
    );
    let paused = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    paused.block_on(on_memory(retries.messages, *retries.longest, 1))?;
    paused.block_on(on_memory(retries.messages, *retries.longest, 2))?;
    #[cfg(feature = "kafka")]
    if let Some(brokers) = &retries.brokers {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(on_kafka::run(brokers, retries.kafka_messages, *retries.kafka_longest))?;
    }
    Ok(())
}

fn settings(clock: Clock) -> RuntimeSettings {
    let mut settings = RuntimeSettings { clock, ..RuntimeSettings::default() };
    // Everything fails at first, which is no reason to stop.
    settings.circuit.failures = 0;
    settings
}

fn service(book: &Arc<Book>, clock: Clock) -> Service {
    Service::new("bench").handler(Waiter { book: Arc::clone(book), clock }, GroupSettings::default())
}

/// `lives` is how many processes it takes: all but the last are killed on the way.
async fn on_memory(messages: u32, longest: Duration, lives: u32) -> anyhow::Result<()> {
    let clock = Clock::tokio();
    let broker = Memory::with_clock(Retention::UntilConsumed { max_topic_bytes: usize::MAX }, clock);
    let tiers = TopicsSection::default().retry.partitions;
    broker.make_topics(|topic| if topic == Topic::Retry { tiers } else { 1 });
    for (n, delay) in waits::delays(messages, SHORTEST, longest).enumerate() {
        send(&broker, waits::task(n, delay)?).await?;
    }
    let book = Arc::new(Book::default());
    let (began, mut spent, mut held) = (Moment::now(), Spent::default(), 0);
    for life in 1..=lives {
        let bus = Bus::new(Arc::new(broker.clone()));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(service(&book, clock).run(bus.clone(), settings(clock), shutdown.clone()));
        let end = tokio::time::Instant::now()
            + longest / lives
            + Duration::from_secs(if life == lives { 5 } else { 0 });
        while tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_secs(1)).await;
            held = held.max(waits::held(&bus.metrics));
        }
        if life < lives {
            running.abort();
            drop(running.await);
        } else {
            shutdown.cancel();
            running.await.context("the service panicked")??;
        }
    }
    let name = if lives == 1 { "memory" } else { "memory, killed" };
    began.spend(&mut spent);
    book.print(name, messages, longest, held, spent);
    Ok(())
}
