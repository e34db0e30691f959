//! The metrics of a process: what is scraped, and those of the message runtime.

use super::{
    catalog::{self, Metric},
    instruments::{Counters, FloatGauges, Gauges, Histograms, Instrument, Timer},
    process::Process,
};
use crate::message::Topic;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// All metrics of a process; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    scraped: Mutex<Scraped>,
    consumed: Counters,
    produced: Counters,
    retried: Counters,
    dead_lettered: Counters,
    duplicates: Counters,
    handler_duration: Histograms,
    in_flight: Gauges,
    lag_messages: Gauges,
    lag_seconds: FloatGauges,
    commit_failures: Counters,
    circuit_open: Gauges,
    retry_held: Gauges,
    retry_late: Histograms,
    transactions: Counters,
    broker_up: Gauge,
}

#[derive(Default)]
struct Scraped {
    registry: Registry,
    names: BTreeSet<&'static str>,
    before: Vec<Box<dyn FnMut() + Send>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let broker_up = Gauges::new(&catalog::BROKER_UP);
        let inner = Inner {
            scraped: Mutex::default(),
            consumed: Counters::new(&catalog::MESSAGES_CONSUMED),
            produced: Counters::new(&catalog::MESSAGES_PRODUCED),
            retried: Counters::new(&catalog::MESSAGES_RETRIED),
            dead_lettered: Counters::new(&catalog::MESSAGES_DEAD),
            duplicates: Counters::new(&catalog::MESSAGES_DUPLICATE),
            handler_duration: Histograms::new(&catalog::HANDLER_DURATION),
            in_flight: Gauges::new(&catalog::IN_FLIGHT),
            lag_messages: Gauges::new(&catalog::LAG_MESSAGES),
            lag_seconds: FloatGauges::new(&catalog::LAG_SECONDS),
            commit_failures: Counters::new(&catalog::COMMIT_FAILURES),
            circuit_open: Gauges::new(&catalog::CIRCUIT_OPEN),
            retry_held: Gauges::new(&catalog::RETRY_HELD),
            retry_late: Histograms::new(&catalog::RETRY_LATE),
            transactions: Counters::new(&catalog::TRANSACTIONS),
            broker_up: broker_up.of(&[]),
        };
        let build = Gauges::new(&catalog::BUILD);
        build.of(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = Self(Arc::new(inner));
        let of_runtime: [&dyn Instrument; 16] = [
            &metrics.0.consumed,
            &metrics.0.produced,
            &metrics.0.retried,
            &metrics.0.dead_lettered,
            &metrics.0.duplicates,
            &metrics.0.handler_duration,
            &metrics.0.in_flight,
            &metrics.0.lag_messages,
            &metrics.0.lag_seconds,
            &metrics.0.commit_failures,
            &metrics.0.circuit_open,
            &metrics.0.retry_held,
            &metrics.0.retry_late,
            &metrics.0.transactions,
            &broker_up,
            &build,
        ];
        metrics.add(of_runtime);
        let mut process = Process::default();
        metrics.add(process.instruments());
        metrics.before_scrape(move || process.refresh());
        metrics
    }
}

impl Metrics {
    fn scraped(&self) -> MutexGuard<'_, Scraped> {
        self.0.scraped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text a Prometheus server scrapes.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut scraped = self.scraped();
        scraped.before.iter_mut().for_each(|refresh| refresh());
        // Writing to a String can't fail.
        let _ = encode(&mut text, &scraped.registry);
        text
    }

    /// Has instruments scraped. A name is scraped once: of two services of one kind in one process, only the first
    /// one's metrics of its own are.
    pub fn add<'a>(&self, instruments: impl IntoIterator<Item = &'a dyn Instrument>) {
        let mut scraped = self.scraped();
        for instrument in instruments {
            if scraped.names.insert(instrument.metric().name) {
                instrument.register(&mut scraped.registry);
            }
        }
    }

    /// Has something done right before each scrape: gauges brought up to date that nobody keeps so.
    pub fn before_scrape(&self, refresh: impl FnMut() + Send + 'static) {
        self.scraped().before.push(Box::new(refresh));
    }

    /// What is scraped, by the catalog.
    #[must_use]
    pub fn scraped_metrics(&self) -> Vec<&'static Metric> {
        let names = &self.scraped().names;
        catalog::ALL.iter().copied().filter(|metric| names.contains(metric.name)).collect()
    }

    /// Reports the connection to the broker.
    pub fn broker_up(&self, up: bool) {
        self.0.broker_up.set(i64::from(up));
    }

    /// The metrics of one consumer group of one service, looked up once.
    #[must_use]
    pub fn group(&self, service: &str, group: &str) -> GroupMetrics {
        let labels = [service, group];
        GroupMetrics {
            in_flight: self.0.in_flight.of(&labels),
            handler_duration: self.0.handler_duration.of(&labels),
            commit_failures: self.0.commit_failures.of(&labels),
            circuit_open: self.0.circuit_open.of(&labels),
            retry_held: self.0.retry_held.of(&labels),
            retry_late: self.0.retry_late.of(&labels),
            consumed: PerTopic::default(),
            produced: PerTopic::default(),
            service: service.to_owned(),
            group: group.to_owned(),
            metrics: self.clone(),
        }
    }
}

/// Counters by topic, looked up once each; topics that never come have none.
#[derive(Default)]
struct PerTopic([OnceLock<Counter>; Topic::ALL.len()]);

impl PerTopic {
    fn of(&self, topic: Topic, find: impl FnOnce() -> Counter) -> &Counter {
        self.0[topic as usize].get_or_init(find)
    }
}

/// See [`Metrics::group`].
pub struct GroupMetrics {
    service: String,
    group: String,
    metrics: Metrics,
    /// Messages taken and not finished.
    pub in_flight: Gauge,
    /// Handler time, per message or batch.
    pub handler_duration: Timer,
    /// Commits that failed.
    pub commit_failures: Counter,
    circuit_open: Gauge,
    retry_held: Gauge,
    retry_late: Timer,
    consumed: PerTopic,
    produced: PerTopic,
}

impl GroupMetrics {
    /// Messages read from a topic.
    pub fn consumed(&self, topic: Topic, count: usize) {
        let find = || self.metrics.0.consumed.of(&[&self.service, &self.group, topic.name()]);
        self.consumed.of(topic, find).inc_by(count as u64);
    }

    /// Messages written to a topic and acknowledged.
    pub fn produced(&self, topic: Topic, count: u64) {
        let find = || self.metrics.0.produced.of(&[&self.service, topic.name()]);
        self.produced.of(topic, find).inc_by(count);
    }

    /// A message of `topic` goes to wait.
    pub fn retried(&self, topic: Topic, code: &str) {
        self.metrics.0.retried.of(&[&self.service, topic.name(), code]).inc();
    }

    /// A message of `topic` was given up.
    pub fn dead_lettered(&self, topic: Topic, code: &str) {
        self.metrics.0.dead_lettered.of(&[&self.service, topic.name(), code]).inc();
    }

    /// A message was seen before.
    pub fn duplicate(&self, topic: Topic) {
        self.metrics.0.duplicates.of(&[&self.service, &self.group, topic.name()]).inc();
    }

    /// The group has stopped for failing, or goes on.
    pub fn circuit(&self, is_open: bool) {
        self.circuit_open.set(i64::from(is_open));
    }

    /// Bytes of records that wait for their due time.
    pub fn held(&self, bytes: usize) {
        self.retry_held.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A message that waited goes on, this much after its due time.
    pub fn retried_late(&self, late: jiff::SignedDuration) {
        // What goes on early is not late.
        self.retry_late.observe(Duration::try_from(late).unwrap_or_default(), None);
    }

    /// A transaction ended.
    pub fn transaction(&self, outcome: &'static str) {
        self.metrics.0.transactions.of(&[&self.service, &self.group, outcome]).inc();
    }

    /// What of a partition is not finished: so many messages, the oldest of which is so many seconds old.
    pub fn lag(&self, topic: Topic, partition: i32, messages: i64, seconds: f64) {
        let partition = partition.to_string();
        let labels = [self.group.as_str(), topic.name(), &partition];
        self.metrics.0.lag_messages.of(&labels).set(messages);
        self.metrics.0.lag_seconds.of(&labels).set(seconds);
    }

    /// The partition is another member's now.
    pub fn forget_lag(&self, topic: Topic, partition: i32) {
        let partition = partition.to_string();
        let labels = [self.group.as_str(), topic.name(), &partition];
        self.metrics.0.lag_messages.forget(&labels);
        self.metrics.0.lag_seconds.forget(&labels);
    }
}
