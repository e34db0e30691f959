//! librdkafka's log lines and error events, at the level they deserve.

use super::{errors::code_of, status::Status};
use rdkafka::{config::RDKafkaLogLevel as Level, error::KafkaError, types::RDKafkaErrorCode as Code};

/// What librdkafka says of lost connections at the level of errors, again and again: the connection
/// state tells it once.
const OF_CONNECTIONS: [&str; 4] = ["FAIL", "ERROR", "REQTMOUT", "BROKERFAIL"];
/// It warns of settings that only one kind of client reads.
const OF_SETTINGS: &str = "CONFWARN";

pub(super) fn log(level: Level, facility: &str, message: &str) {
    if OF_CONNECTIONS.contains(&facility) || facility == OF_SETTINGS {
        tracing::debug!(target: "librdkafka", "{facility}: {message}");
        return;
    }
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
            tracing::error!(target: "librdkafka", "{facility}: {message}");
        }
        Level::Warning => tracing::warn!(target: "librdkafka", "{facility}: {message}"),
        Level::Notice | Level::Info => tracing::info!(target: "librdkafka", "{facility}: {message}"),
        Level::Debug => tracing::debug!(target: "librdkafka", "{facility}: {message}"),
    }
}

/// An error that concerns no single record.
pub(super) fn error(status: &Status, error: &KafkaError, reason: &str) {
    match code_of(error) {
        Some(Code::AllBrokersDown) => status.down(reason),
        Some(Code::Fatal) => {
            tracing::error!("kafka client: {reason}");
            status.note(reason);
        }
        _ => {
            tracing::debug!("kafka client: {error}: {reason}");
            status.note(reason);
        }
    }
}
