//! The operator's door: `/metrics`, `/livez`, `/readyz`, `/status`.

use super::{Gauges, Health, Instrument, Metrics, catalog};
use crate::listener;
use axum::{Router, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on telemetry.listen = {address:?}: {source}")]
pub struct ListenError {
    /// The setting.
    pub address: String,
    /// Why.
    pub source: std::io::Error,
}

/// Serves the process's telemetry on `address` until `shutdown`; returns where it listens. Nothing
/// is served when `address` is empty.
///
/// # Errors
/// When the address can't be listened on.
pub async fn serve(
    address: &str,
    metrics: Metrics,
    health: Health,
    shutdown: CancellationToken,
) -> Result<Option<SocketAddr>, ListenError> {
    if address.is_empty() {
        return Ok(None);
    }
    let failed = |source| ListenError { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    let ready = Gauges::new(&catalog::READY);
    metrics.add([&ready as &dyn Instrument]);
    let (ready, state) = (ready.of(&[]), health.clone());
    metrics.before_scrape(move || {
        ready.set(i64::from(state.not_ready().is_empty()));
    });
    let router = router(metrics, health);
    listener::serve(listener, router, shutdown);
    Ok(Some(local))
}

fn router(metrics: Metrics, health: Health) -> Router {
    let scrape = move || {
        let text = metrics.render();
        async move { ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text) }
    };
    let told = health.clone();
    let status = move || {
        let status = told.status();
        async move { axum::Json(status) }
    };
    let ready = move || {
        let missing = health.not_ready();
        async move {
            if missing.is_empty() {
                return (StatusCode::OK, "ready\n".to_owned()).into_response();
            }
            let lines: String = missing.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
            (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
        }
    };
    Router::new()
        .route("/metrics", get(scrape))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/status", get(status))
}
