//! Prometheus metrics of the message runtime. Labels are bounded: no URL, host or id is one.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::sync::{Arc, Mutex, PoisonError};

/// All metrics of a process; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Mutex<Registry>,
    consumed: Family<GroupLabels, Counter>,
    produced: Family<TopicLabels, Counter>,
    retried: Family<FailureLabels, Counter>,
    dead_lettered: Family<FailureLabels, Counter>,
    duplicates: Family<GroupLabels, Counter>,
    handler_seconds: Family<HandlerLabels, Histogram, fn() -> Histogram>,
    in_flight: Family<HandlerLabels, Gauge>,
    lag: Family<PartitionLabels, Gauge>,
    commit_failures: Family<HandlerLabels, Counter>,
    circuit_open: Family<HandlerLabels, Gauge>,
    retry_held_bytes: Family<HandlerLabels, Gauge>,
    retry_late_seconds: Family<HandlerLabels, Histogram, fn() -> Histogram>,
    transactions: Family<OutcomeLabels, Counter>,
    broker_up: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct GroupLabels {
    service: String,
    group: String,
    topic: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TopicLabels {
    service: String,
    topic: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FailureLabels {
    service: String,
    topic: &'static str,
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HandlerLabels {
    service: String,
    group: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    service: String,
    group: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PartitionLabels {
    group: String,
    topic: &'static str,
    partition: i32,
}

/// Upper bounds of the handler-time buckets, in seconds: from a cached parse to a slow fetch.
const BUCKETS: [f64; 12] = [0.000_25, 0.001, 0.004, 0.016, 0.064, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// Upper bounds of the lateness buckets, in seconds: a second is what is promised.
const LATE_BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("trawl");
        let inner = Inner {
            consumed: Family::default(),
            produced: Family::default(),
            retried: Family::default(),
            dead_lettered: Family::default(),
            duplicates: Family::default(),
            handler_seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Family::default(),
            lag: Family::default(),
            commit_failures: Family::default(),
            circuit_open: Family::default(),
            retry_held_bytes: Family::default(),
            retry_late_seconds: Family::new_with_constructor(|| Histogram::new(LATE_BUCKETS)),
            transactions: Family::default(),
            broker_up: Gauge::default(),
            registry: Mutex::default(),
        };
        registry.register("messages_consumed", "Messages read by a group", inner.consumed.clone());
        registry.register("messages_produced", "Messages written and acknowledged", inner.produced.clone());
        registry.register(
            "messages_retried",
            "Messages sent to wait for another attempt",
            inner.retried.clone(),
        );
        registry.register("messages_dead_lettered", "Messages given up", inner.dead_lettered.clone());
        registry.register(
            "messages_duplicate",
            "Messages seen before and not handled again",
            inner.duplicates.clone(),
        );
        registry.register(
            "handler_seconds",
            "Time from taking a message to its outputs",
            inner.handler_seconds.clone(),
        );
        registry.register("in_flight", "Messages taken and not finished", inner.in_flight.clone());
        registry.register(
            "consumer_lag",
            "Messages of a partition that the group has not finished",
            inner.lag.clone(),
        );
        registry.register(
            "commit_failures",
            "Offset commits that the broker did not take",
            inner.commit_failures.clone(),
        );
        registry.register(
            "circuit_open",
            "1 while a group has stopped because too many of its messages fail",
            inner.circuit_open.clone(),
        );
        registry.register(
            "retry_held_bytes",
            "Records of retry in memory that wait for their due time, in bytes",
            inner.retry_held_bytes.clone(),
        );
        registry.register(
            "retry_late_seconds",
            "Time from the due time of a waiting message to its next attempt",
            inner.retry_late_seconds.clone(),
        );
        registry.register(
            "transactions",
            "Transactions of groups that deliver exactly once",
            inner.transactions.clone(),
        );
        registry.register("broker_up", "1 when the broker can be reached", inner.broker_up.clone());
        *inner.registry.lock().unwrap_or_else(PoisonError::into_inner) = registry;
        Self(Arc::new(inner))
    }
}

impl Metrics {
    /// The text a Prometheus server scrapes.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.0.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a String can't fail.
        let _ = encode(&mut text, &registry);
        text
    }

    /// Adds metrics of a service's own.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.0.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reports the connection to the broker.
    pub fn broker_up(&self, up: bool) {
        self.0.broker_up.set(i64::from(up));
    }

    /// The metrics of one consumer group of one service, looked up once.
    #[must_use]
    pub fn group(&self, service: &str, group: &str) -> GroupMetrics {
        let labels = HandlerLabels { service: service.to_owned(), group: group.to_owned() };
        GroupMetrics {
            in_flight: self.0.in_flight.get_or_create(&labels).clone(),
            handler_seconds: self.0.handler_seconds.get_or_create(&labels).clone(),
            commit_failures: self.0.commit_failures.get_or_create(&labels).clone(),
            circuit_open: self.0.circuit_open.get_or_create(&labels).clone(),
            retry_held_bytes: self.0.retry_held_bytes.get_or_create(&labels).clone(),
            retry_late_seconds: self.0.retry_late_seconds.get_or_create(&labels).clone(),
            service: service.to_owned(),
            group: group.to_owned(),
            metrics: self.clone(),
        }
    }
}

/// See [`Metrics::group`].
#[derive(Clone)]
pub struct GroupMetrics {
    service: String,
    group: String,
    metrics: Metrics,
    /// Messages taken and not finished.
    pub in_flight: Gauge,
    /// Handler time, per message or batch, in seconds.
    pub handler_seconds: Histogram,
    /// Commits that failed.
    pub commit_failures: Counter,
    circuit_open: Gauge,
    retry_held_bytes: Gauge,
    retry_late_seconds: Histogram,
}

impl GroupMetrics {
    fn group_labels(&self, topic: &'static str) -> GroupLabels {
        GroupLabels { service: self.service.clone(), group: self.group.clone(), topic }
    }

    fn failure_labels(&self, topic: &'static str, code: &str) -> FailureLabels {
        FailureLabels { service: self.service.clone(), topic, code: code.to_owned() }
    }

    /// Messages read from a topic.
    pub fn consumed(&self, topic: &'static str, count: usize) {
        self.metrics.0.consumed.get_or_create(&self.group_labels(topic)).inc_by(count as u64);
    }

    /// Messages written to a topic and acknowledged.
    pub fn produced(&self, topic: &'static str, count: u64) {
        let labels = TopicLabels { service: self.service.clone(), topic };
        self.metrics.0.produced.get_or_create(&labels).inc_by(count);
    }

    /// A message of `topic` goes to wait.
    pub fn retried(&self, topic: &'static str, code: &str) {
        self.metrics.0.retried.get_or_create(&self.failure_labels(topic, code)).inc();
    }

    /// A message of `topic` was given up.
    pub fn dead_lettered(&self, topic: &'static str, code: &str) {
        self.metrics.0.dead_lettered.get_or_create(&self.failure_labels(topic, code)).inc();
    }

    /// A message was seen before.
    pub fn duplicate(&self, topic: &'static str) {
        self.metrics.0.duplicates.get_or_create(&self.group_labels(topic)).inc();
    }

    /// The group has stopped for failing, or goes on.
    pub fn circuit(&self, is_open: bool) {
        self.circuit_open.set(i64::from(is_open));
    }

    /// Bytes of records that wait for their due time.
    pub fn held(&self, bytes: usize) {
        self.retry_held_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A message that waited goes on, this much after its due time.
    pub fn retried_late(&self, late: jiff::SignedDuration) {
        self.retry_late_seconds.observe(late.as_secs_f64().max(0.0));
    }

    /// A transaction ended.
    pub fn transaction(&self, outcome: &'static str) {
        let labels = OutcomeLabels { service: self.service.clone(), group: self.group.clone(), outcome };
        self.metrics.0.transactions.get_or_create(&labels).inc();
    }

    /// Messages of a partition that are not finished.
    pub fn lag(&self, topic: &'static str, partition: i32, lag: i64) {
        let labels = PartitionLabels { group: self.group.clone(), topic, partition };
        self.metrics.0.lag.get_or_create(&labels).set(lag);
    }

    /// The partition is another member's now.
    pub fn forget_lag(&self, topic: &'static str, partition: i32) {
        self.metrics.0.lag.remove(&PartitionLabels { group: self.group.clone(), topic, partition });
    }
}
