//! What is known of the brokers: from librdkafka's statistics, its error events, and from traffic.

use crate::broker::Connection;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// One broker, as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerStatus {
    /// `host:port/id`.
    pub name: String,
    /// librdkafka's name for the state of the connection: `UP`, `CONNECT`, `DOWN`, `INIT` and others.
    pub state: String,
    /// Mean round trip of the last interval, in microseconds; 0 when there was none.
    pub round_trip_us: i64,
}

/// The connection states of a process, shared by all its clients.
#[derive(Debug, Default)]
pub(super) struct Status {
    is_down: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_error: Option<String>,
    brokers: BTreeMap<String, BrokerStatus>,
    /// Answers that each client had from all brokers when it last said so.
    received: HashMap<String, u64>,
}

impl Status {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Every change is one assignment, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came through.
    pub(super) fn up(&self) {
        if self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!("kafka is reachable again");
        }
    }

    /// No broker is reachable.
    pub(super) fn down(&self, reason: &str) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            let cause = self.reason().unwrap_or_else(|| reason.to_owned());
            tracing::warn!("no kafka broker is reachable, waiting for one: {cause}");
        }
    }

    /// An error that librdkafka deals with by itself.
    pub(super) fn note(&self, reason: &str) {
        self.state().last_error = Some(reason.to_owned());
    }

    /// The last such error.
    pub(super) fn reason(&self) -> Option<String> {
        self.state().last_error.clone()
    }

    /// Why nothing comes through, where that is so.
    pub(super) fn outage(&self) -> Option<String> {
        match self.connection() {
            Connection::Up => None,
            Connection::Down(why) => Some(why),
        }
    }

    pub(super) fn connection(&self) -> Connection {
        if self.is_down.load(Ordering::Relaxed) {
            Connection::Down(self.reason().unwrap_or_else(|| "no broker answers".to_owned()))
        } else {
            Connection::Up
        }
    }

    pub(super) fn brokers(&self) -> Vec<BrokerStatus> {
        self.state().brokers.values().cloned().collect()
    }

    /// Takes over what a client's statistics say of the brokers. Only an answer shows that one is reachable: the idle
    /// connection of a client that asks nothing stays `UP` for minutes after the network was cut.
    pub(super) fn learn(&self, statistics: &Statistics) {
        let known: Vec<_> = statistics.brokers.values().filter(|broker| broker.nodeid >= 0).collect();
        let received = known.iter().map(|broker| broker.rx).sum();
        let before = self.state().received.insert(statistics.name.clone(), received).unwrap_or(0);
        if received > before && known.iter().any(|broker| broker.state == "UP") {
            self.up();
        }
        let mut state = self.state();
        for broker in known {
            let status = BrokerStatus {
                name: broker.name.clone(),
                state: broker.state.clone(),
                round_trip_us: broker.rtt.as_ref().map_or(0, |rtt| rtt.avg),
            };
            state.brokers.insert(broker.name.clone(), status);
        }
    }
}

/// The few of librdkafka's statistics that are used; the others are skipped unread.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Statistics {
    /// The client's: each of a process has its own.
    #[serde(default)]
    name: String,
    #[serde(default)]
    brokers: HashMap<String, BrokerStatistics>,
    #[serde(default)]
    topics: HashMap<String, TopicStatistics>,
}

#[derive(Debug, Deserialize)]
struct BrokerStatistics {
    name: String,
    nodeid: i32,
    state: String,
    /// Answers received since the client was made.
    #[serde(default)]
    rx: u64,
    #[serde(default)]
    rtt: Option<Window>,
}

#[derive(Debug, Deserialize)]
struct Window {
    avg: i64,
}

#[derive(Debug, Deserialize)]
struct TopicStatistics {
    #[serde(default)]
    partitions: HashMap<String, PartitionStatistics>,
}

#[derive(Debug, Deserialize)]
struct PartitionStatistics {
    partition: i32,
    hi_offset: i64,
}

impl Statistics {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json)
            .inspect_err(|error| tracing::debug!("librdkafka's statistics can't be read: {error}"))
            .ok()
    }

    /// Topic (as the cluster names it), partition and the offset behind its last record.
    pub(super) fn high_watermarks(&self) -> impl Iterator<Item = (&str, i32, i64)> {
        self.topics.iter().flat_map(|(topic, statistics)| {
            let known = statistics.partitions.values().filter(|p| p.partition >= 0 && p.hi_offset >= 0);
            known.map(move |p| (topic.as_str(), p.partition, p.hi_offset))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = br#"{
        "name": "rdkafka#consumer-1", "age": 5,
        "brokers": {
            "GroupCoordinator": {"name": "GroupCoordinator", "nodeid": -1, "state": "UP"},
            "h:9092/1": {"name": "h:9092/1", "nodeid": 1, "state": "UP", "rx": 7, "rtt": {"avg": 250, "p99": 400}}
        },
        "topics": {"blue.retry": {"topic": "blue.retry", "partitions": {
            "0": {"partition": 0, "hi_offset": 12, "lo_offset": 0},
            "1": {"partition": 1, "hi_offset": -1001},
            "-1": {"partition": -1, "hi_offset": 9}
        }}}
    }"#;

    #[test]
    fn statistics_give_brokers_and_watermarks() {
        let status = Status::default();
        status.note("connection refused");
        status.down("all brokers down");
        assert_eq!(status.connection(), Connection::Down("connection refused".to_owned()));

        let statistics = Statistics::parse(SAMPLE).unwrap();
        status.learn(&statistics);
        assert_eq!(status.connection(), Connection::Up);
        let brokers = status.brokers();
        assert_eq!(brokers.len(), 1);
        assert_eq!((brokers[0].name.as_str(), brokers[0].round_trip_us), ("h:9092/1", 250));
        assert_eq!(statistics.high_watermarks().collect::<Vec<_>>(), [("blue.retry", 0, 12)]);
    }

    #[test]
    fn a_connection_on_which_nothing_comes_is_no_sign_of_life() {
        let status = Status::default();
        let sample = str::from_utf8(SAMPLE).unwrap();
        status.learn(&Statistics::parse(SAMPLE).unwrap());
        status.down("all brokers down");

        status.learn(&Statistics::parse(SAMPLE).unwrap());
        assert_ne!(status.connection(), Connection::Up);

        let answered = sample.replace("\"rx\": 7", "\"rx\": 8");
        status.learn(&Statistics::parse(answered.as_bytes()).unwrap());
        assert_eq!(status.connection(), Connection::Up);
    }

    #[test]
    fn traffic_means_up() {
        let status = Status::default();
        status.down("all brokers down");
        status.up();
        assert_eq!(status.connection(), Connection::Up);
    }
}
