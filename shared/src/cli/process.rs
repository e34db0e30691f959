//! Running as a process: the tokio runtime, signals, the way out.

use super::{CliError, Exit};
use std::{future::Future, process::ExitCode};
use tokio_util::sync::CancellationToken;

/// Runs a command to its end; says on stderr what went wrong and exits with its code.
pub fn run_main(command: impl Future<Output = Result<(), CliError>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: can't start: {error}");
            return ExitCode::from(Exit::Failed.code());
        }
    };
    let ended = runtime.block_on(command);
    // What still runs (a look-up in the system's resolver) must not hold the process.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError { exit, error }) => {
            if let Some(error) = error {
                eprintln!("error: {error:#}");
            }
            ExitCode::from(exit.code())
        }
    }
}

/// A token that is cancelled by SIGINT or SIGTERM. A second signal ends the process at once, which
/// loses nothing: what was not committed is done again.
#[must_use]
pub fn shutdown_on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        signal().await;
        cancelled.cancel();
        signal().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    token
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}

/// Runs a service on Kafka until a signal: telemetry, topics, groups.
///
/// # Errors
/// When the broker can't be worked with, telemetry can't be served, or the service failed.
#[cfg(feature = "kafka")]
pub async fn run_on_kafka<S: crate::config::Section>(
    service: crate::runtime::Service,
    mut bus: crate::runtime::Bus,
    config: &crate::config::Config<S>,
    shutdown: CancellationToken,
) -> Result<(), CliError> {
    use crate::telemetry;
    let (common, name) = (&config.common, service.name());
    // First of all, so that a process that waits for its broker is seen to live, and why it is not ready.
    let starting = bus.health.component(format!("{name}: topics"), "they are looked at");
    let (metrics, health) = (bus.metrics.clone(), bus.health.clone());
    let listens = telemetry::serve(&common.telemetry.listen, metrics, health, shutdown.clone()).await?;
    let traces = telemetry::Traces::export(&common.telemetry.traces, name, &bus.metrics);
    let (traces, exporter) = traces.map_err(|error| CliError::new(Exit::Config, error))?;
    bus.traces = traces;
    if let Some(address) = listens {
        tracing::info!("{name} serves /metrics, /livez, /readyz and /status on http://{address}");
    }
    let wanted = common.topics.specs();
    let topics = tokio::select! {
        topics = bus.broker.ensure_topics(&wanted) => topics?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let settings = common.runtime_settings().on(&topics);
    tracing::info!(brokers = common.kafka.brokers, "{name} runs; settings:\n{}", config.print());
    let running = service.start(bus, settings, shutdown).await?;
    drop(starting);
    let ended = running.wait().await;
    telemetry::traces::flush(exporter).await;
    ended?;
    tracing::info!("{name} stopped in order");
    Ok(())
}
