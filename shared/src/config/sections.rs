//! The tables that all services have in common.

use super::ConfigError;
use crate::{
    blob::BodiesSettings,
    broker::TopicSpec,
    message::Topic,
    runtime::{
        CircuitSettings, Clock, DeliveryMode, GroupChanges, RetryPolicies, RuntimeSettings,
        TransactionSettings,
    },
    telemetry::TelemetrySettings,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, time::Duration};

/// What all services have in common.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Common {
    /// `[kafka]`
    #[cfg(feature = "kafka")]
    pub kafka: crate::broker::kafka::KafkaSettings,
    /// `[topics]`
    pub topics: TopicsSection,
    /// `[database]`
    pub database: DatabaseSettings,
    /// `[bodies]`
    pub bodies: BodiesSettings,
    /// `[telemetry]`
    pub telemetry: TelemetrySettings,
    /// `[runtime]`
    pub runtime: RuntimeSection,
    /// `[retry.<class>]`
    pub retry: RetryPolicies,
    /// `[circuit]`
    pub circuit: CircuitSettings,
    /// `[groups.<name>]`
    pub groups: BTreeMap<String, GroupChanges>,
}

/// `[database]`: where frontier, pages and dead letters are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `postgres://USER:PASSWORD@HOST/NAME`, or `sqlite://FOLDER` for files in a folder. What was loaded has the
    /// password of the next field in it.
    pub url: String,
    /// Password that goes into the URL, in place of its own; empty for none.
    pub password: String,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { url: "sqlite://trawl-data".to_owned(), password: String::new() }
    }
}

impl DatabaseSettings {
    /// Puts the password where it belongs, escaped as URLs want it.
    pub(super) fn put_password_into_url(&mut self) -> Result<(), ConfigError> {
        if self.password.is_empty() {
            return Ok(());
        }
        let refused = || ConfigError::Value {
            place: "database.password".to_owned(),
            reason: "database.url has no place for it; it is postgres://USER@HOST/NAME with a password"
                .to_owned(),
        };
        let mut url = url::Url::parse(&self.url).map_err(|_| refused())?;
        if url.username().is_empty() {
            return Err(refused());
        }
        // What looks like an escape already would be left as it is, and be unescaped later.
        let password = self.password.replace('%', "%25");
        url.set_password(Some(&password)).map_err(|()| refused())?;
        self.url = url.into();
        Ok(())
    }
}

/// `[topics]`: how missing topics are made. Existing ones are checked, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TopicsSection {
    /// `[topics.scraping-tasks]`
    pub scraping_tasks: TopicSettings,
    /// `[topics.scraped-data]`
    pub scraped_data: TopicSettings,
    /// `[topics.parsed-data]`
    pub parsed_data: TopicSettings,
    /// `[topics.retry]`; its partitions are the delay tiers.
    pub retry: TopicSettings,
    /// `[topics.dead-letter]`
    pub dead_letter: TopicSettings,
}

/// How one topic is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSettings {
    /// Partitions: the most members of one group that can share the work.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
    /// How long records are kept, in hours.
    pub retention_hours: u64,
    /// Largest record, in bytes. `scraped-data` carries whole bodies: keep it above the largest
    /// `max_body` of any job, or set `[bodies]`.
    pub max_message_bytes: usize,
}

const MIB: usize = 1024 * 1024;

impl Default for TopicsSection {
    fn default() -> Self {
        let topic = |partitions, retention_hours, max_message_bytes| TopicSettings {
            partitions,
            replication: 1,
            retention_hours,
            max_message_bytes,
        };
        Self {
            scraping_tasks: topic(12, 7 * 24, MIB),
            scraped_data: topic(12, 7 * 24, 16 * MIB),
            parsed_data: topic(12, 7 * 24, 16 * MIB),
            retry: topic(12, 7 * 24, 16 * MIB),
            dead_letter: topic(3, 30 * 24, 16 * MIB),
        }
    }
}

impl TopicsSection {
    /// The specifications by topic.
    #[must_use]
    pub fn specs(&self) -> BTreeMap<Topic, TopicSpec> {
        Topic::ALL.into_iter().map(|topic| (topic, self.of(topic).spec())).collect()
    }

    fn of(&self, topic: Topic) -> &TopicSettings {
        match topic {
            Topic::ScrapingTasks => &self.scraping_tasks,
            Topic::ScrapedData => &self.scraped_data,
            Topic::ParsedData => &self.parsed_data,
            Topic::Retry => &self.retry,
            Topic::DeadLetter => &self.dead_letter,
        }
    }
}

impl TopicSettings {
    fn spec(&self) -> TopicSpec {
        TopicSpec {
            partitions: self.partitions,
            replication: self.replication,
            retention: Duration::from_secs(self.retention_hours * 3600),
            max_message_bytes: self.max_message_bytes,
        }
    }
}

/// `[runtime]`: the numbers of the message loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeSection {
    /// Names this process among those of its service; empty takes host name and process id.
    pub instance: String,
    /// Keep this member's partitions over a restart within the session time-out; wants `instance`.
    pub static_membership: bool,
    /// Waits up to this hold a message in place; longer ones send it through `retry`.
    pub hold_in_place_ms: u64,
    /// Finished message ids remembered per group (40 bytes each).
    pub recent_ids: usize,
    /// Offsets are committed at least this often...
    pub commit_interval_ms: u64,
    /// ...and after this many finished messages.
    pub commit_every: usize,
    /// How long a rebalance waits for what is in flight.
    pub revoke_timeout_ms: u64,
    /// How long a shutdown waits for what is in flight.
    pub drain_timeout_ms: u64,
    /// Bytes of records that wait in memory for their due time, in each service's reader of `retry`.
    pub retry_hold_bytes: usize,
    /// `at-least-once`, or `exactly-once` for services whose effects are messages (scraper, parser).
    pub delivery: DeliveryMode,
    /// Exactly once: longest that a message waits for its transaction to begin.
    pub transaction_interval_ms: u64,
    /// Exactly once: most messages of one transaction.
    pub transaction_messages: usize,
    /// Exactly once: a transaction that takes longer is called off by the broker.
    pub transaction_timeout_ms: u64,
}

impl Default for RuntimeSection {
    fn default() -> Self {
        let settings = RuntimeSettings::default();
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            instance: settings.instance,
            static_membership: settings.static_membership,
            hold_in_place_ms: millis(settings.hold_in_place),
            recent_ids: settings.recent_ids,
            commit_interval_ms: millis(settings.commit_interval),
            commit_every: settings.commit_every,
            revoke_timeout_ms: millis(settings.revoke_timeout),
            drain_timeout_ms: millis(settings.drain_timeout),
            retry_hold_bytes: settings.retry_hold_bytes,
            delivery: settings.delivery,
            transaction_interval_ms: millis(settings.transactions.interval),
            transaction_messages: settings.transactions.messages,
            transaction_timeout_ms: millis(settings.transactions.timeout),
        }
    }
}

impl Common {
    /// Who gives a partition up must be done with it before the group stops waiting.
    #[cfg(feature = "kafka")]
    pub(super) fn check_patience(&self) -> Result<(), ConfigError> {
        let (ours, groups) = (self.runtime.revoke_timeout_ms, self.kafka.consumer.revoke_patience());
        if u128::from(ours) < groups.as_millis() {
            return Ok(());
        }
        Err(ConfigError::Value {
            place: "runtime.revoke_timeout_ms".to_owned(),
            reason: format!(
                "{ours} ms for what is in flight, but a rebalance waits for {} ms only (half of \
                 kafka.consumer.session_timeout_ms, 20 s at most); make it less, or the session time-out longer",
                groups.as_millis()
            ),
        })
    }

    /// The settings of the message loops.
    #[must_use]
    pub fn runtime_settings(&self) -> RuntimeSettings {
        let section = &self.runtime;
        RuntimeSettings {
            groups: self.groups.clone(),
            retry: self.retry.clone(),
            circuit: self.circuit.clone(),
            retry_partitions: self.topics.retry.partitions,
            retry_hold_bytes: section.retry_hold_bytes,
            delivery: section.delivery,
            transactions: TransactionSettings {
                interval: Duration::from_millis(section.transaction_interval_ms),
                messages: section.transaction_messages,
                timeout: Duration::from_millis(section.transaction_timeout_ms.max(1)),
            },
            hold_in_place: Duration::from_millis(section.hold_in_place_ms),
            recent_ids: section.recent_ids,
            commit_interval: Duration::from_millis(section.commit_interval_ms.max(1)),
            commit_every: section.commit_every,
            revoke_timeout: Duration::from_millis(section.revoke_timeout_ms),
            drain_timeout: Duration::from_millis(section.drain_timeout_ms),
            instance: section.instance.clone(),
            static_membership: section.static_membership,
            clock: Clock::System,
        }
    }
}

pub(super) fn to_table<T: Serialize>(settings: &T) -> toml::Table {
    toml::Table::try_from(settings).expect("settings are tables of numbers, texts and tables")
}

pub(super) fn from_table<T: DeserializeOwned>(table: toml::Table) -> Result<T, ConfigError> {
    table.try_into().map_err(|error| ConfigError::value("settings", &error))
}
