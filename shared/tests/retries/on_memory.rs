//! At full scale, with time paused: an hour passes as fast as the loop can work.

use super::waiter::{Book, Waiter, delays, settings, task};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{
        memory::{Memory, Retention},
        send,
    },
    message::Topic,
    runtime::{Bus, Clock, GroupSettings, RunError, RuntimeSettings, Service},
};

async fn broker(clock: Clock, retry_partitions: i32) -> Memory {
    let broker = Memory::with_clock(Retention::UntilConsumed { max_topic_bytes: usize::MAX }, clock);
    broker.make_topics(|topic| if topic == Topic::Retry { retry_partitions } else { 1 });
    broker
}

/// What was on its way when a partition was paused comes on top of the bound: this much the broker hands over at once.
const HANDED_OVER: usize = 1024 * 1024;

struct Run {
    bus: Bus,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

impl Run {
    fn start(broker: &Memory, book: &Arc<Book>, settings: RuntimeSettings) -> Self {
        let waiter = Waiter { book: Arc::clone(book), clock: settings.clock };
        let service = Service::new("test").handler(waiter, GroupSettings::default());
        let bus = Bus::new(Arc::new(broker.clone()));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(service.run(bus.clone(), settings, shutdown.clone()));
        Self { bus, shutdown, task }
    }

    /// Bytes of records that wait in memory.
    fn held(&self) -> usize {
        let text = self.bus.metrics.render();
        let line = text
            .lines()
            .find(|line| line.starts_with("trawl_retry_held_bytes{service=\"test\",group=\"test.retry\"}"));
        line.and_then(|line| line.rsplit(' ').next()).map_or(0, |bytes| bytes.parse().unwrap())
    }

    /// Lets time pass and returns the most that was held meanwhile.
    async fn pass(&self, seconds: u64) -> usize {
        let mut most = 0;
        for _ in 0..seconds.div_ceil(5) {
            tokio::time::sleep(Duration::from_secs(5)).await;
            most = most.max(self.held());
        }
        most
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_of_a_second_to_an_hour_over_a_kill() {
    const MESSAGES: usize = 100_000;
    const HOUR: u64 = 3_600;
    let clock = Clock::tokio();
    let broker = broker(clock, 12).await;
    let waits = delays(MESSAGES, Duration::from_secs(1), Duration::from_secs(HOUR));
    for (n, delay) in waits.into_iter().enumerate() {
        send(&broker, task(n, delay)).await.unwrap();
    }
    let book = Arc::new(Book::default());
    let bound = 16 * 1024 * 1024;
    let settings = || RuntimeSettings { retry_hold_bytes: bound, ..settings(clock) };

    let first = Run::start(&broker, &book, settings());
    let mut held = first.pass(HOUR / 3).await;
    first.task.abort();
    drop(first.task.await);
    let before = book.len();
    let second = Run::start(&broker, &book, settings());
    held = held.max(second.pass(HOUR * 2 / 3 + 5).await);
    second.stop().await;

    let sum = book.sum();
    println!(
        "retries: {}/{MESSAGES} ({before} before the kill), {sum:?}, at most {held} bytes held",
        sum.messages
    );
    assert_eq!(sum.messages, MESSAGES, "none is lost");
    assert_eq!((sum.early, sum.too_late), (0, 0), "each within a second or 5 % of its delay: {sum:?}");
    assert!(sum.again <= 5_000, "what was not committed at the kill is done again, and no more: {sum:?}");
    assert!(held <= bound + HANDED_OVER, "{held} bytes were held");
    assert_eq!(broker.backlog("test.retry", Topic::Retry), 0);
}

/// However few partitions there are: the same promise for fewer messages, and every record finds a place.
#[tokio::test(start_paused = true)]
async fn a_topic_with_fewer_partitions_than_tiers() {
    for partitions in [1, 2, 3, 5] {
        let clock = Clock::tokio();
        let broker = broker(clock, partitions).await;
        let waits = delays(500, Duration::from_millis(100), Duration::from_secs(1_200));
        for (n, delay) in waits.into_iter().enumerate() {
            send(&broker, task(n, delay)).await.unwrap();
        }
        let book = Arc::new(Book::default());
        let settings = RuntimeSettings { retry_partitions: partitions, ..settings(clock) };
        let run = Run::start(&broker, &book, settings);
        run.pass(1_205).await;
        run.stop().await;
        let sum = book.sum();
        assert_eq!((sum.messages, sum.early, sum.too_late), (500, 0, 0), "{partitions} partitions: {sum:?}");
    }
}

/// Each record is larger than a partition's share of the memory, and some than all of it: one of each partition is held.
#[tokio::test(start_paused = true)]
async fn large_records_wait_on_the_broker() {
    let clock = Clock::tokio();
    let broker = broker(clock, 12).await;
    for (n, delay) in delays(300, Duration::from_secs(1), Duration::from_secs(600)).into_iter().enumerate() {
        let mut record = task(n, delay);
        record.headers.set("x-ballast", vec![b'x'; 100 * 1024]);
        send(&broker, record).await.unwrap();
    }
    let book = Arc::new(Book::default());
    let bound = 12 * 1024 * 1024;
    let run = Run::start(&broker, &book, RuntimeSettings { retry_hold_bytes: bound, ..settings(clock) });
    let held = run.pass(605).await;
    run.stop().await;
    let sum = book.sum();
    assert_eq!((sum.messages, sum.early, sum.too_late), (300, 0, 0), "{sum:?}");
    assert!(held <= bound + HANDED_OVER, "{held} bytes were held");
}
