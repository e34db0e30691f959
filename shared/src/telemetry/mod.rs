//! What an operator sees of a service: logs, metrics, health.

pub mod catalog;
mod health;
mod http;
mod instruments;
mod logs;
mod metrics;
mod process;
pub mod traces;

pub use health::{Component, Health, LastLetter};
pub use http::{ListenError, serve};
pub use instruments::{
    Counters, FloatCounters, FloatGauge, FloatGauges, Gauges, Histograms, Instrument, Timer,
};
pub use logs::{LogFormat, init_logs};
pub use metrics::{GroupMetrics, Metrics};
pub use traces::{TraceSettings, Traces};

use serde::{Deserialize, Serialize};

/// The `[telemetry]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Address that serves `/metrics`, `/livez`, `/readyz` and `/status`; port 0 takes a free one, empty serves
    /// nothing. There is no authentication: keep it on loopback or in a private network.
    pub listen: String,
    /// `text` for people, `json` for machines.
    pub log_format: LogFormat,
    /// Filter in `tracing` syntax: `info`, `trawl=debug,rdkafka=warn`, ...
    pub log: String,
    /// `[telemetry.traces]`
    pub traces: TraceSettings,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            log_format: LogFormat::Text,
            log: "info".to_owned(),
            traces: TraceSettings::default(),
        }
    }
}
