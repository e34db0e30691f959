//! Serving routes on a listener, once for all that listen: axum's server is generic, and was compiled anew with each.

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Serves `router` until `shutdown`, then ends when the open requests have been answered.
pub fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Serving ends with the process; an accept error is retried inside axum.
        let _ = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    })
}
