//! Looking at a cluster as an operator does: topics, groups, lag, the records themselves; and moving a group back.
//!
//! Calls block: they are for commands, not for services. An inspector joins no group, so looking disturbs nobody.

mod groups;
mod lag;
mod records;
mod replay;
mod topics;

pub use groups::{GroupReport, MemberReport};
pub use lag::LagReport;
pub use records::{Place, Tail};
pub use replay::Move;
pub use topics::{PartitionReport, TopicReport};

use super::{
    errors::settings_error,
    names::Names,
    properties::{self, client_config},
    settings::KafkaSettings,
};
use crate::broker::{BrokerError, Subscription};
use rdkafka::{
    config::{FromClientConfig as _, RDKafkaLogLevel},
    consumer::BaseConsumer,
    error::KafkaError,
    message::Timestamp as KafkaTime,
};
use std::time::Duration;

/// The group that an inspector names where it must name one, and never joins.
const NOBODY: &str = "trawl.inspector";

/// A view of a cluster. See the module's doc.
pub struct Inspector {
    settings: KafkaSettings,
    names: Names,
    consumer: Client,
    timeout: Duration,
}

type Client = BaseConsumer<rdkafka::consumer::DefaultConsumerContext>;

impl Inspector {
    /// Takes the settings; the first question connects.
    ///
    /// # Errors
    /// When a setting is refused.
    pub fn open(settings: KafkaSettings) -> Result<Self, BrokerError> {
        let names = Names::new(&settings.topic_prefix);
        let consumer = client(&settings, &names, NOBODY)?;
        let timeout = Duration::from_millis(settings.connect_timeout_ms);
        Ok(Self { settings, names, consumer, timeout })
    }

    /// A client in the name of a group, which it does not join.
    fn in_the_name_of(&self, group: &str) -> Result<Client, BrokerError> {
        client(&self.settings, &self.names, group)
    }

    fn unreachable(&self, error: &KafkaError) -> BrokerError {
        BrokerError::Unreachable { brokers: self.settings.brokers.clone(), reason: error.to_string() }
    }
}

impl std::fmt::Debug for Inspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspector").field("brokers", &self.settings.brokers).finish_non_exhaustive()
    }
}

fn client(settings: &KafkaSettings, names: &Names, group: &str) -> Result<Client, BrokerError> {
    let properties = properties::consumer(settings, names, &Subscription::new(group, []))?;
    let mut config = client_config(properties);
    // The end of a partition is told, and what the client logs is what its calls answer anyway.
    config.set("enable.partition.eof", "true").set("auto.offset.reset", "error");
    config.set("statistics.interval.ms", "0").set_log_level(RDKafkaLogLevel::Emerg);
    BaseConsumer::from_config(&config).map_err(|error| settings_error(&error))
}

/// A record's time, where it has one.
fn time_of(time: KafkaTime) -> Option<jiff::Timestamp> {
    time.to_millis().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
}
