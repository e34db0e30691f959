//! On a real Kafka: fewer and shorter waits, real time.

use super::{
    kafka::Real,
    waiter::{Book, Waiter, delays, settings, task},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{Broker, kafka::Kafka, send_all},
    message::Topic,
    runtime::{Bus, Clock, GroupSettings, RunError, RuntimeSettings, Service},
};

const MESSAGES: usize = 3_000;
const LONGEST: Duration = Duration::from_secs(20);

fn run(
    kafka: &Kafka,
    book: &Arc<Book>,
    partitions: i32,
) -> (CancellationToken, JoinHandle<Result<(), RunError>>) {
    let waiter = Waiter { book: Arc::clone(book), clock: Clock::System };
    let service = Service::new("test").handler(waiter, GroupSettings::default());
    let shutdown = CancellationToken::new();
    let settings = RuntimeSettings { retry_partitions: partitions, ..settings(Clock::System) };
    let bus = Bus::new(Arc::new(kafka.clone()));
    (shutdown.clone(), tokio::spawn(service.run(bus, settings, shutdown)))
}

/// Waits until so many messages are through; says how it stands when that takes too long.
async fn until(book: &Book, messages: usize, patience: Duration) {
    let deadline = Instant::now() + patience;
    while book.len() < messages {
        assert!(Instant::now() < deadline, "only {} of {messages} came back: {:?}", book.len(), book.sum());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_waits_come_back_in_time() {
    let Some(cluster) = Real::find() else { return };
    let kafka = cluster.kafka(cluster.settings(), &Topic::ALL.map(|topic| (topic, 12))).await;
    let waits = delays(MESSAGES, Duration::from_secs(1), LONGEST);
    let tasks = waits.into_iter().enumerate().map(|(n, delay)| task(n, delay)).collect();
    send_all(&*kafka.producer(), tasks).await.unwrap();
    let book = Arc::new(Book::default());
    let (shutdown, running) = run(&kafka, &book, 12);
    until(&book, MESSAGES, LONGEST * 3).await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
    let sum = book.sum();
    println!("retries on Kafka: {}/{MESSAGES}, {sum:?}", sum.messages);
    assert_eq!((sum.early, sum.too_late), (0, 0), "{sum:?}");
    cluster.clean_up().await;
}

/// Killed in the middle and started again: what waited is all there, also on a topic of three partitions, which has
/// fewer tiers. (What came due meanwhile is late by as much: only the loss is looked for.)
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_none() {
    let Some(cluster) = Real::find() else { return };
    let partitions = |topic| if topic == Topic::Retry { 3 } else { 12 };
    let topics = Topic::ALL.map(|topic| (topic, partitions(topic)));
    let settings = cluster.settings();
    let kafka = cluster.kafka(settings.clone(), &topics).await;
    let waits = delays(MESSAGES, Duration::from_secs(1), LONGEST);
    let tasks = waits.into_iter().enumerate().map(|(n, delay)| task(n, delay)).collect();
    send_all(&*kafka.producer(), tasks).await.unwrap();
    let book = Arc::new(Book::default());
    let (_shutdown, running) = run(&kafka, &book, 3);
    until(&book, MESSAGES / 3, LONGEST * 3).await;
    running.abort();
    drop(running.await);
    // The group finds out after the session time-out.
    let kafka = cluster.kafka(settings, &[]).await;
    let (shutdown, running) = run(&kafka, &book, 3);
    until(&book, MESSAGES, LONGEST * 4).await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
    let sum = book.sum();
    assert_eq!((sum.messages, sum.early), (MESSAGES, 0), "{sum:?}");
    cluster.clean_up().await;
}
