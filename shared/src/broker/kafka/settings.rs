//! The `[kafka]` section of the configuration.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// How to reach Kafka and how to talk to it. Whatever has no field of its own is set by its
/// librdkafka name in `options`, `producer_options` or `consumer_options`, which win.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaSettings {
    /// Brokers to begin with, as `host:port,host:port`; the others are learned from them.
    pub brokers: String,
    /// Stands before every topic and consumer group, so that several fleets can share a cluster.
    pub topic_prefix: String,
    /// How this process names itself to the brokers (quotas, broker logs).
    pub client_id: String,
    /// Whether missing topics are made at start. Off: a missing topic stops the process.
    pub create_topics: bool,
    /// How long the start waits for a broker before it gives up, in milliseconds. Later losses are
    /// waited out for ever.
    pub connect_timeout_ms: u64,
    /// First wait before a lost connection is tried again, in milliseconds; it doubles.
    pub reconnect_backoff_ms: u64,
    /// Longest wait before a lost connection is tried again, in milliseconds.
    pub reconnect_backoff_max_ms: u64,
    /// How often connection states and high watermarks are refreshed, in milliseconds; at least 100.
    pub statistics_interval_ms: u64,
    /// Writing.
    pub producer: ProducerSettings,
    /// Reading.
    pub consumer: ConsumerSettings,
    /// TLS and SASL.
    pub security: SecuritySettings,
    /// librdkafka settings for producers and consumers, by name.
    pub options: BTreeMap<String, String>,
    /// librdkafka settings for the producer, by name.
    pub producer_options: BTreeMap<String, String>,
    /// librdkafka settings for consumers, by name.
    pub consumer_options: BTreeMap<String, String>,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic_prefix: String::new(),
            client_id: "trawl".to_owned(),
            create_topics: true,
            connect_timeout_ms: 15_000,
            reconnect_backoff_ms: 100,
            reconnect_backoff_max_ms: 2_000,
            statistics_interval_ms: 5_000,
            producer: ProducerSettings::default(),
            consumer: ConsumerSettings::default(),
            security: SecuritySettings::default(),
            options: BTreeMap::new(),
            producer_options: BTreeMap::new(),
            consumer_options: BTreeMap::new(),
        }
    }
}

/// How records are written. `acks=all` and idempotence are not up for choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProducerSettings {
    /// How long a record waits for others to share its request, in milliseconds.
    pub linger_ms: u64,
    /// Most bytes of one batch (of one partition); a larger record travels alone.
    pub batch_bytes: usize,
    /// Most records of one batch.
    pub batch_records: usize,
    /// How batches are compressed.
    pub compression: Compression,
    /// How long a record may take from [`enqueue`](crate::broker::Producer::enqueue) to its
    /// acknowledgement, retries included, in milliseconds.
    pub delivery_timeout_ms: u64,
    /// How long one request may take, in milliseconds.
    pub request_timeout_ms: u64,
    /// Most records that wait for their acknowledgement; above it senders wait.
    pub queue_records: usize,
    /// Most bytes that wait for their acknowledgement, in KiB; above it senders wait.
    pub queue_kib: usize,
    /// Largest record sent, in bytes. Topics have a limit of their own.
    pub max_message_bytes: usize,
    /// Which partition a record goes to when its sender names none: `murmur2_random` (by key, as
    /// Java clients do it; keyless records spread), `murmur2`, `consistent_random`, `consistent`,
    /// `fnv1a_random`, `fnv1a`, `random`, `round_robin`, or the name that an own partitioner was
    /// registered under. All that ignore the key give up order per key, and with it the rule that a
    /// host has one owner.
    pub partitioner: String,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            linger_ms: 10,
            batch_bytes: 1_000_000,
            batch_records: 10_000,
            compression: Compression::Zstd,
            delivery_timeout_ms: 120_000,
            request_timeout_ms: 30_000,
            queue_records: 100_000,
            queue_kib: 64 * 1024,
            max_message_bytes: 32 * 1024 * 1024,
            partitioner: "murmur2_random".to_owned(),
        }
    }
}

/// How batches are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Small, and cheap to read; at level 1, unless `producer_options` has a `compression.level`.
    #[default]
    Zstd,
    /// Cheapest.
    Lz4,
    /// Cheap, for old consumers.
    Snappy,
    /// Dear, for very old consumers.
    Gzip,
    /// Not at all.
    None,
}

impl Compression {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }
}

/// How records are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsumerSettings {
    /// A member that is silent for this long is taken for dead and its partitions go to others, in
    /// milliseconds. A rebalance waits half of it (at most 20 s) for what is in flight.
    pub session_timeout_ms: u64,
    /// How often a member says that it lives, in milliseconds; at most a third of the above.
    pub heartbeat_ms: u64,
    /// Longest pause between two polls, in milliseconds. Polling has a thread of its own, so only a
    /// frozen process gets there.
    pub max_poll_interval_ms: u64,
    /// Least bytes worth an answer of a broker, as long as `fetch_wait_ms` has not passed.
    pub fetch_min_bytes: usize,
    /// Most bytes of one answer; one record may be larger.
    pub fetch_max_bytes: usize,
    /// Most bytes of one partition in one answer; one record may be larger.
    pub fetch_max_partition_bytes: usize,
    /// How long a broker may collect `fetch_min_bytes`, in milliseconds.
    pub fetch_wait_ms: u64,
    /// Records of one partition that are fetched ahead.
    pub queue_records: usize,
    /// Bytes of all partitions that are fetched ahead, in KiB.
    pub queue_kib: usize,
    /// Records that wait to be taken by the service; above it fetching stops.
    pub handover_records: usize,
    /// Bytes that wait to be taken by the service; above it fetching stops.
    pub handover_bytes: usize,
    /// Static membership: a member that comes back under this name within the session timeout gets
    /// its partitions back without a rebalance. Unique among the members of a group. Empty for none.
    pub instance_id: String,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        Self {
            session_timeout_ms: 45_000,
            heartbeat_ms: 3_000,
            max_poll_interval_ms: 300_000,
            fetch_min_bytes: 1,
            fetch_max_bytes: 10 * 1024 * 1024,
            fetch_max_partition_bytes: 1024 * 1024,
            fetch_wait_ms: 500,
            queue_records: 10_000,
            queue_kib: 32 * 1024,
            handover_records: 1_000,
            handover_bytes: 8 * 1024 * 1024,
            instance_id: String::new(),
        }
    }
}

impl ConsumerSettings {
    /// How long a rebalance waits for what is in flight; then the partitions are others', whatever goes on here.
    #[must_use]
    pub fn revoke_patience(&self) -> Duration {
        (Duration::from_millis(self.session_timeout_ms) / 2).min(Duration::from_secs(20))
    }
}

/// How connections are secured. TLS and SCRAM need a build with the feature `kafka-tls`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecuritySettings {
    /// Plain or TLS, with or without a login.
    pub protocol: Protocol,
    /// How the login is proved.
    pub sasl_mechanism: SaslMechanism,
    /// Login name.
    pub username: String,
    /// Login password. A secret.
    pub password: String,
    /// File of the certificates that sign the brokers' (PEM); empty for the system's.
    pub ca_file: String,
    /// File of this client's certificate (PEM), where brokers ask for one.
    pub certificate_file: String,
    /// File of this client's private key (PEM).
    pub key_file: String,
    /// Password of the private key. A secret.
    pub key_password: String,
}

impl fmt::Debug for SecuritySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecuritySettings")
            .field("protocol", &self.protocol)
            .field("sasl_mechanism", &self.sasl_mechanism)
            .field("username", &self.username)
            .field("ca_file", &self.ca_file)
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

/// Kafka's security protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Neither encrypted nor logged in.
    #[default]
    Plaintext,
    /// Encrypted.
    Ssl,
    /// Logged in, not encrypted.
    SaslPlaintext,
    /// Encrypted and logged in.
    SaslSsl,
}

impl Protocol {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    pub(super) const fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    pub(super) const fn has_login(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// SASL mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// Name and password as they are: only with TLS.
    #[default]
    #[serde(rename = "PLAIN")]
    Plain,
    /// Challenge and response over SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Challenge and response over SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl SaslMechanism {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}
