//! The same on a Kafka, in real time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio_util::sync::CancellationToken;
use trawl_shared::broker::kafka::{Kafka, KafkaSettings};
use trawl_shared::broker::{Broker as _, send_all};
use trawl_shared::config::TopicsSection;
use trawl_shared::runtime::{Bus, Clock};

use super::waits::{self, Book};
use super::{SHORTEST, service, settings};
use crate::gauge::{Moment, Spent};

pub(super) async fn run(brokers: &str, messages: u32, longest: Duration) -> anyhow::Result<()> {
    let prefix = format!("trawl-bench-{}.", uuid::Uuid::now_v7());
    let kafka = Kafka::connect(KafkaSettings {
        brokers: brokers.to_owned(),
        topic_prefix: prefix,
        ..KafkaSettings::default()
    })?;
    kafka.ensure_topics(&TopicsSection::default().specs()).await?;
    let tasks =
        waits::delays(messages, SHORTEST, longest).enumerate().map(|(n, delay)| waits::task(n, delay));
    send_all(&*kafka.producer(), tasks.collect::<Result<_, _>>()?).await?;
    let book = Arc::new(Book::default());
    let bus = Bus::new(Arc::new(kafka.clone()));
    let shutdown = CancellationToken::new();
    let (began, clock, mut spent, mut held) = (Moment::now(), Instant::now(), Spent::default(), 0);
    let running = tokio::spawn(service(&book, Clock::System).run(
        bus.clone(),
        settings(Clock::System),
        shutdown.clone(),
    ));
    while book.len() < messages as usize {
        ensure!(
            clock.elapsed() < longest * 3 + Duration::from_secs(60),
            "{} messages came back in time",
            book.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
        held = held.max(waits::held(&bus.metrics));
    }
    began.spend(&mut spent);
    book.print("kafka", messages, longest, held, spent);
    shutdown.cancel();
    running.await.context("the service panicked")??;
    kafka.delete_topics().await?;
    Ok(())
}
