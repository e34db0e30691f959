//! Logs on stderr: readable or JSON.

use super::TelemetrySettings;
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; colour on a terminal only.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging for the process. A second call changes nothing.
///
/// # Errors
/// When the filter can't be read; the message says which part.
pub fn init_logs(settings: &TelemetrySettings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| format!("telemetry.log = {:?} is not a log filter: {error}", settings.log))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).try_init(),
    };
    // Only tests start it twice in one process.
    drop(started);
    Ok(())
}
