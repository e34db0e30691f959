//! Where the Kafka tests get their clusters from.
#![allow(dead_code, reason = "each test file uses its own part")]

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use trawl_shared::{
    broker::{
        Broker, TopicSpec,
        conformance::{Abilities, Factory},
        kafka::{Kafka, KafkaSettings, MockKafka},
    },
    message::Topic,
};

/// Settings that make things happen soon.
pub(crate) fn quick(brokers: &str, prefix: String) -> KafkaSettings {
    let mut settings =
        KafkaSettings { brokers: brokers.to_owned(), topic_prefix: prefix, ..KafkaSettings::default() };
    settings.statistics_interval_ms = 200;
    settings.consumer.session_timeout_ms = 6_000;
    settings.consumer.max_poll_interval_ms = 6_000;
    settings.consumer.heartbeat_ms = 500;
    settings.consumer.handover_records = 200;
    settings.consumer.queue_records = 500;
    settings.producer_options.insert("topic.metadata.propagation.max.ms".to_owned(), "3000".to_owned());
    settings
}

/// A topic of that many partitions that takes large records.
pub(crate) fn spec(partitions: i32) -> TopicSpec {
    TopicSpec {
        partitions,
        replication: 1,
        retention: Duration::from_secs(3600),
        max_message_bytes: 16 * 1024 * 1024,
    }
}

/// One mock cluster; each world has a prefix of its own.
pub(crate) struct Mock {
    pub(crate) cluster: MockKafka,
    worlds: AtomicUsize,
}

impl Mock {
    pub(crate) fn start() -> Self {
        Self { cluster: MockKafka::start(1), worlds: AtomicUsize::new(0) }
    }

    /// Settings of a new world that has these topics.
    pub(crate) fn settings(&self, topics: &[(Topic, i32)]) -> KafkaSettings {
        let prefix = format!("world-{}.", self.worlds.fetch_add(1, Ordering::Relaxed));
        for (topic, partitions) in topics {
            self.cluster.create_topic(&format!("{prefix}{topic}"), *partitions);
        }
        quick(self.cluster.brokers(), prefix)
    }
}

#[async_trait]
impl Factory for Mock {
    async fn world(&self, topics: &[(Topic, i32)]) -> Arc<dyn Broker> {
        Arc::new(Kafka::connect(self.settings(topics)).expect("settings are taken"))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            large_records: true,
            lookup_by_time: false,
            patience: Duration::from_secs(40),
            idle: Duration::from_secs(9),
            parallel: 8,
        }
    }
}

/// A real cluster, where the environment names one; each world has a prefix of its own.
pub(crate) struct Real {
    brokers: String,
    consumer_options: BTreeMap<String, String>,
    worlds: Mutex<Vec<Kafka>>,
}

impl Real {
    /// The cluster of `TRAWL_TEST_KAFKA_BROKERS`; without it, says that the test is left out.
    pub(crate) fn find() -> Option<Self> {
        let brokers = std::env::var("TRAWL_TEST_KAFKA_BROKERS").ok().filter(|brokers| !brokers.is_empty());
        if brokers.is_none() {
            eprintln!("skipped: TRAWL_TEST_KAFKA_BROKERS is not set (cargo xtask services up sets it)");
        }
        brokers.map(|brokers| Self { brokers, consumer_options: BTreeMap::new(), worlds: Mutex::default() })
    }

    /// The same cluster, met by members that leave the assignment to the broker.
    pub(crate) fn with_new_group_protocol(mut self) -> Self {
        self.consumer_options.insert("group.protocol".to_owned(), "consumer".to_owned());
        self
    }

    /// Settings of a new world, without topics.
    pub(crate) fn settings(&self) -> KafkaSettings {
        let settings = quick(&self.brokers, format!("trawl-test-{}.", uuid::Uuid::now_v7()));
        KafkaSettings { consumer_options: self.consumer_options.clone(), ..settings }
    }

    /// A new world that has these topics.
    pub(crate) async fn kafka(&self, settings: KafkaSettings, topics: &[(Topic, i32)]) -> Kafka {
        let kafka = Kafka::connect(settings).expect("settings are taken");
        self.worlds.lock().expect("no test panics under the lock").push(kafka.clone());
        let topics: BTreeMap<_, _> =
            topics.iter().map(|(topic, partitions)| (*topic, spec(*partitions))).collect();
        kafka.ensure_topics(&topics).await.expect("topics are made");
        kafka
    }

    /// Takes the topics of all worlds away again.
    pub(crate) async fn clean_up(&self) {
        let worlds = std::mem::take(&mut *self.worlds.lock().expect("no test panics under the lock"));
        for world in worlds {
            world.delete_topics().await.unwrap_or_else(|error| eprintln!("topics are left behind: {error}"));
        }
    }
}

#[async_trait]
impl Factory for Real {
    async fn world(&self, topics: &[(Topic, i32)]) -> Arc<dyn Broker> {
        Arc::new(self.kafka(self.settings(), topics).await)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            large_records: true,
            lookup_by_time: true,
            patience: Duration::from_secs(40),
            idle: Duration::from_secs(9),
            parallel: 4,
        }
    }
}
