//! From our settings to librdkafka's properties.

use super::{
    names::Names,
    settings::{Compression, KafkaSettings, SaslMechanism, SecuritySettings},
};
use crate::broker::{BrokerError, Start, Subscription, TransactionalId};
use rdkafka::ClientConfig;
use std::collections::BTreeMap;

/// librdkafka settings by name.
pub(super) type Properties = BTreeMap<String, String>;

/// What the promises rest on: nobody may set these.
const RESERVED: [(&str, &str); 10] = [
    ("enable.auto.commit", "offsets are committed when their messages are finished"),
    ("auto.commit.enable", "offsets are committed when their messages are finished"),
    ("enable.auto.offset.store", "offsets are committed when their messages are finished"),
    ("group.id", "each handler has its own group; use kafka.topic_prefix to tell fleets apart"),
    ("enable.idempotence", "records must be written once and in order"),
    ("acks", "a record counts as written when all in-sync replicas have it"),
    ("request.required.acks", "a record counts as written when all in-sync replicas have it"),
    ("isolation.level", "what a transaction wrote that was called off is nobody's message"),
    ("transactional.id", "it follows from runtime.instance where runtime.delivery is exactly-once"),
    ("delivery.report.only.error", "senders wait for the acknowledgement"),
];

/// Properties with two names: who sets one of them means the other.
const ALIASES: [(&str, &str); 8] = [
    ("bootstrap.servers", "metadata.broker.list"),
    ("linger.ms", "queue.buffering.max.ms"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("compression.type", "compression.codec"),
    ("sasl.mechanism", "sasl.mechanisms"),
    ("fetch.message.max.bytes", "max.partition.fetch.bytes"),
    ("message.send.max.retries", "retries"),
    ("max.in.flight.requests.per.connection", "max.in.flight"),
];

/// Room that a request takes besides its record.
const REQUEST_OVERHEAD_BYTES: usize = 64 * 1024;

/// What an admin client is made with.
pub(super) fn admin(settings: &KafkaSettings) -> Result<Properties, BrokerError> {
    let mut properties = common(settings)?;
    set_all(&mut properties, &settings.options)?;
    Ok(properties)
}

/// What the producer is made with. `partitioner` is left out where we choose partitions ourselves.
pub(super) fn producer(
    settings: &KafkaSettings,
    partitioner: Option<&str>,
) -> Result<Properties, BrokerError> {
    let producer = &settings.producer;
    let mut properties = common(settings)?;
    let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value);
    set("acks", "all".to_owned());
    set("enable.idempotence", "true".to_owned());
    // Or a broker that makes topics by itself would answer a typo with a new topic of one partition.
    set("allow.auto.create.topics", "false".to_owned());
    set("linger.ms", producer.linger_ms.to_string());
    set("batch.size", producer.batch_bytes.to_string());
    set("batch.num.messages", producer.batch_records.to_string());
    set("compression.type", producer.compression.as_str().to_owned());
    if producer.compression == Compression::Zstd {
        // librdkafka's own choice is 3: see bench/RESULTS.md for what the difference costs and saves.
        set("compression.level", "1".to_owned());
    }
    set("delivery.timeout.ms", producer.delivery_timeout_ms.to_string());
    set("request.timeout.ms", producer.request_timeout_ms.to_string());
    set("queue.buffering.max.messages", producer.queue_records.to_string());
    set("queue.buffering.max.kbytes", producer.queue_kib.to_string());
    set("message.max.bytes", (producer.max_message_bytes + REQUEST_OVERHEAD_BYTES).to_string());
    if let Some(partitioner) = partitioner {
        set("partitioner", partitioner.to_owned());
    }
    set_all(&mut properties, &settings.options)?;
    set_all(&mut properties, &settings.producer_options)?;
    Ok(properties)
}

/// What a producer of transactions is made with besides.
pub(super) fn transactional(
    properties: &mut Properties,
    settings: &KafkaSettings,
    names: &Names,
    name: &TransactionalId,
) {
    let timeout = u64::try_from(name.timeout.as_millis()).unwrap_or(u64::MAX);
    // A record that is not acknowledged by then has missed its transaction.
    let delivery = settings.producer.delivery_timeout_ms.min(timeout);
    properties.remove("message.timeout.ms");
    properties.insert("transactional.id".to_owned(), names.group(&name.id));
    properties.insert("transaction.timeout.ms".to_owned(), timeout.to_string());
    properties.insert("delivery.timeout.ms".to_owned(), delivery.to_string());
}

/// What a member of a group is made with.
pub(super) fn consumer(
    settings: &KafkaSettings,
    names: &Names,
    subscription: &Subscription,
) -> Result<Properties, BrokerError> {
    let consumer = &settings.consumer;
    let mut properties = common(settings)?;
    let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value);
    set("group.id", names.group(&subscription.group));
    set("enable.auto.commit", "false".to_owned());
    set("enable.auto.offset.store", "false".to_owned());
    set("allow.auto.create.topics", "false".to_owned());
    set("isolation.level", "read_committed".to_owned());
    set("check.crcs", "true".to_owned());
    set("partition.assignment.strategy", "cooperative-sticky".to_owned());
    // Positions are set explicitly on assignment; this is for those that fell out of retention.
    let reset = if subscription.start == Start::Latest { "latest" } else { "earliest" };
    set("auto.offset.reset", reset.to_owned());
    set("session.timeout.ms", consumer.session_timeout_ms.to_string());
    set("heartbeat.interval.ms", consumer.heartbeat_ms.to_string());
    set("max.poll.interval.ms", consumer.max_poll_interval_ms.max(consumer.session_timeout_ms).to_string());
    set("fetch.min.bytes", consumer.fetch_min_bytes.to_string());
    set("fetch.max.bytes", consumer.fetch_max_bytes.to_string());
    set("fetch.message.max.bytes", consumer.fetch_max_partition_bytes.to_string());
    set("fetch.wait.max.ms", consumer.fetch_wait_ms.to_string());
    // The default of a second stops fetching for that long whenever the queue has been full.
    set("fetch.queue.backoff.ms", "10".to_owned());
    set("queued.min.messages", consumer.queue_records.to_string());
    set("queued.max.messages.kbytes", consumer.queue_kib.to_string());
    let instance = subscription.instance.as_deref().unwrap_or(&consumer.instance_id);
    if !instance.is_empty() {
        set("group.instance.id", instance.to_owned());
    }
    set_all(&mut properties, &settings.options)?;
    set_all(&mut properties, &settings.consumer_options)?;
    if properties.get("group.protocol").is_some_and(|protocol| protocol == "consumer") {
        // KIP-848 moves these to the broker, and librdkafka refuses them there.
        for name in ["partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"] {
            properties.remove(name);
        }
    }
    Ok(properties)
}

/// As librdkafka's binding wants them.
pub(super) fn client_config(properties: Properties) -> ClientConfig {
    properties.into_iter().collect()
}

fn common(settings: &KafkaSettings) -> Result<Properties, BrokerError> {
    if settings.brokers.trim().is_empty() {
        return Err(BrokerError::Settings("kafka.brokers is empty; name at least one host:port".to_owned()));
    }
    let mut properties = Properties::new();
    let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value);
    set("bootstrap.servers", settings.brokers.clone());
    set("client.id", settings.client_id.clone());
    set("reconnect.backoff.ms", settings.reconnect_backoff_ms.to_string());
    set("reconnect.backoff.max.ms", settings.reconnect_backoff_max_ms.to_string());
    set("statistics.interval.ms", settings.statistics_interval_ms.max(100).to_string());
    set("socket.keepalive.enable", "true".to_owned());
    // Brokers close idle connections as a matter of course.
    set("log.connection.close", "false".to_owned());
    secure(&mut properties, &settings.security)?;
    Ok(properties)
}

fn secure(properties: &mut Properties, security: &SecuritySettings) -> Result<(), BrokerError> {
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            properties.insert(name.to_owned(), value.to_owned());
        }
    };
    let protocol = security.protocol;
    set("security.protocol", protocol.as_str());
    let scram = protocol.has_login() && security.sasl_mechanism != SaslMechanism::Plain;
    if (protocol.is_encrypted() || scram) && !cfg!(feature = "kafka-tls") {
        let what = if scram { security.sasl_mechanism.as_str() } else { protocol.as_str() };
        return Err(BrokerError::Settings(format!(
            "kafka.security asks for {what}, which this build has not; build it with --features kafka-tls"
        )));
    }
    if protocol.has_login() {
        if security.username.is_empty() {
            let what = protocol.as_str();
            return Err(BrokerError::Settings(format!(
                "kafka.security.protocol is {what}, but username is empty"
            )));
        }
        set("sasl.mechanism", security.sasl_mechanism.as_str());
        set("sasl.username", &security.username);
        set("sasl.password", &security.password);
    }
    if protocol.is_encrypted() {
        set("ssl.ca.location", &security.ca_file);
        set("ssl.certificate.location", &security.certificate_file);
        set("ssl.key.location", &security.key_file);
        set("ssl.key.password", &security.key_password);
    }
    Ok(())
}

fn set_all(properties: &mut Properties, options: &BTreeMap<String, String>) -> Result<(), BrokerError> {
    for (name, value) in options {
        if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| reserved == name) {
            return Err(BrokerError::Settings(format!("{name} can't be set: {why}")));
        }
        for (one, other) in ALIASES {
            if name == one {
                properties.remove(other);
            } else if name == other {
                properties.remove(one);
            }
        }
        properties.insert(name.clone(), value.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{broker::kafka::settings::Protocol, message::Topic};

    fn settings(edit: impl FnOnce(&mut KafkaSettings)) -> KafkaSettings {
        let mut settings = KafkaSettings::default();
        edit(&mut settings);
        settings
    }

    fn for_member(settings: &KafkaSettings) -> Properties {
        let subscription = Subscription::new("parser", [Topic::ScrapedData]);
        consumer(settings, &Names::new("blue."), &subscription).unwrap()
    }

    #[test]
    fn options_win_over_settings_also_under_their_other_name() {
        let settings = settings(|s| {
            s.options.insert("queue.buffering.max.ms".to_owned(), "50".to_owned());
            s.producer_options.insert("batch.size".to_owned(), "7".to_owned());
        });
        let properties = producer(&settings, Some("murmur2_random")).unwrap();
        assert_eq!(properties.get("linger.ms"), None);
        assert_eq!(properties["queue.buffering.max.ms"], "50");
        assert_eq!(properties["batch.size"], "7");
    }

    #[test]
    fn zstd_is_quick_unless_its_level_is_given() {
        let level = |settings: KafkaSettings| producer(&settings, None).unwrap().remove("compression.level");
        assert_eq!(level(KafkaSettings::default()).as_deref(), Some("1"));
        let given = |s: &mut KafkaSettings| {
            s.producer_options.insert("compression.level".to_owned(), "9".to_owned());
        };
        assert_eq!(level(settings(given)).as_deref(), Some("9"));
        assert_eq!(level(settings(|s| s.producer.compression = Compression::Gzip)), None);
    }

    #[test]
    fn what_promises_rest_on_cannot_be_set() {
        for (name, _) in RESERVED {
            let settings = settings(|s| drop(s.options.insert(name.to_owned(), "x".to_owned())));
            let error = producer(&settings, None).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_prefix_stands_before_the_group() {
        assert_eq!(for_member(&KafkaSettings::default())["group.id"], "blue.parser");
    }

    #[test]
    fn the_new_group_protocol_takes_no_settings_of_the_old() {
        let settings = settings(|s| {
            s.consumer_options.insert("group.protocol".to_owned(), "consumer".to_owned());
        });
        assert_eq!(for_member(&settings).get("session.timeout.ms"), None);
    }

    #[test]
    fn a_login_needs_a_name() {
        let settings = settings(|s| s.security.protocol = Protocol::SaslPlaintext);
        let error = admin(&settings).unwrap_err().to_string();
        assert!(error.contains("username is empty"), "{error}");
    }

    #[cfg(not(feature = "kafka-tls"))]
    #[test]
    fn tls_on_a_build_without_it_says_which_feature_is_missing() {
        for (protocol, mechanism) in
            [(Protocol::Ssl, SaslMechanism::Plain), (Protocol::SaslPlaintext, SaslMechanism::ScramSha512)]
        {
            let settings = settings(|s| {
                s.security.protocol = protocol;
                s.security.sasl_mechanism = mechanism;
                s.security.username = "ann".to_owned();
            });
            let error = admin(&settings).unwrap_err().to_string();
            assert!(error.contains("kafka-tls"), "{error}");
        }
    }

    #[test]
    fn librdkafka_knows_every_property_we_set() {
        let settings = KafkaSettings::default();
        for properties in [
            producer(&settings, Some("murmur2_random")).unwrap(),
            for_member(&settings),
            admin(&settings).unwrap(),
        ] {
            client_config(properties).create_native_config().unwrap();
        }
    }
}
