//! The ledger as a web page and over REST: read, filter, replay, discard.
//!
//! Server-rendered, readable without JavaScript. [`access`] says who may; `pages` is for people, `api` for programs, both over
//! the same ledger, the same filters and the same replays (`runs`) as the command line.

mod access;
mod api;
mod assets;
mod error;
mod events;
mod openapi;
mod pages;
mod runs;

pub use access::{Access, AccessError};

use crate::store::Ledger;
use axum::{Router, middleware, routing::get};
use runs::Runs;
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use trawl_shared::{broker::Producer, listener};

/// Longest form or JSON body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// What the page works on.
#[derive(Clone)]
pub struct Desk {
    /// The letters.
    pub ledger: Arc<dyn Ledger>,
    /// Where replays go.
    pub producer: Arc<dyn Producer>,
    /// Partitions of the topic `retry`.
    pub retry_partitions: i32,
}

/// What the handlers share.
#[derive(Clone)]
struct State {
    ledger: Arc<dyn Ledger>,
    runs: Runs,
    access: Arc<Access>,
    /// Changes with every change of the ledger.
    news: watch::Receiver<u64>,
    shutdown: CancellationToken,
}

/// Serves until `shutdown`; answers where. What `access` does not allow, or can't be listened on, is refused before anything
/// is served.
///
/// # Errors
/// When the address can't be listened on, or would need a token and there is none.
pub async fn serve(
    address: &str,
    access: Access,
    desk: Desk,
    shutdown: CancellationToken,
) -> Result<SocketAddr, AccessError> {
    let failed = |source| AccessError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    access.check(address, local)?;
    let state = State {
        news: events::watch(Arc::clone(&desk.ledger), shutdown.clone()),
        runs: Runs::new(desk.clone(), shutdown.clone()),
        ledger: desk.ledger,
        access: Arc::new(access),
        shutdown: shutdown.clone(),
    };
    let router = router(state);
    listener::serve(listener, router, shutdown);
    Ok(local)
}

fn router(state: State) -> Router {
    Router::new()
        .merge(pages::routes())
        .merge(api::routes())
        .route("/events", get(events::stream))
        .layer(middleware::from_fn_with_state(state.clone(), access::guard))
        // What follows tells nobody anything.
        .merge(assets::routes())
        .merge(access::routes())
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(assets::with_headers))
        .with_state(state)
}
