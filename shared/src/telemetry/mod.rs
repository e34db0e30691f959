//! What an operator sees of a service: logs, metrics, health.

mod health;
mod http;
mod logs;
mod metrics;

pub use health::{Component, Health};
pub use http::{ListenError, serve};
pub use logs::{LogFormat, init_logs};
pub use metrics::{GroupMetrics, Metrics};

use serde::{Deserialize, Serialize};

/// The `[telemetry]` section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Address that serves `/metrics`, `/livez` and `/readyz`; port 0 takes a free one, empty serves
    /// nothing. There is no authentication: keep it on loopback or in a private network.
    pub listen: String,
    /// `text` for people, `json` for machines.
    pub log_format: LogFormat,
    /// Filter in `tracing` syntax: `info`, `trawl=debug,rdkafka=warn`, ...
    pub log: String,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { listen: "127.0.0.1:0".to_owned(), log_format: LogFormat::Text, log: "info".to_owned() }
    }
}
