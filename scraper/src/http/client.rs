//! The client: a connection from the pool or a new one, and one exchange over it.

use super::{
    HttpError, Phase, Request, Response,
    dial::{Dialer, Route},
    exchange::{Broken, exchange},
    pool::{Connection, Pool, Sender},
};
use crate::{resolve::Resolver, settings::Settings};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Longest bound that is reckoned with, whatever a job says.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Connections from the pool that may turn out to be closed before a new one is made.
const MAX_STALE: u32 = 3;
/// 407: the proxy, not the site, says who may ask.
const PROXY_REFUSES: u16 = 407;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// TLS.
    #[error("TLS can't be set up")]
    Tls(#[from] rustls::Error),
}

/// Fetches single URLs.
#[derive(Debug)]
pub struct Client {
    dialer: Dialer,
    pool: Pool,
}

impl Client {
    /// Builds the client.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(settings: &Settings, resolver: Arc<Resolver>) -> Result<Self, BuildError> {
        let longest = Duration::from_millis(settings.pool_idle_ms).min(LONGEST);
        let pool = Pool::new(settings.pool_idle_per_host, settings.pool_idle_total, longest);
        Ok(Self { dialer: Dialer::new(resolver)?, pool })
    }

    /// Sends one GET and reads the answer.
    ///
    /// # Errors
    /// When no answer came, see [`HttpError`]. A status that is not 2xx is an answer.
    pub async fn get(&self, request: Request<'_>) -> Result<Response, HttpError> {
        let begun = Instant::now();
        let mut route = self.dialer.route(&request)?;
        let mut stale = 0;
        loop {
            let waiting = if stale < MAX_STALE { self.pool.take(&route.key) } else { None };
            let mut connection = match waiting {
                Some(connection) => connection,
                None => self.connect(&request, &mut route, begun).await?,
            };
            match exchange(&mut connection, &request, begun).await {
                Ok((response, _))
                    if response.status == PROXY_REFUSES && connection.about.forward.is_some() =>
                {
                    let proxy = route.key.proxy.as_ref().expect("a forwarding connection is a proxy's");
                    return Err(self.dialer.refused(proxy));
                }
                Ok((response, ended)) => {
                    // One of HTTP/2 is in the pool since it was made.
                    if ended && matches!(connection.sender, Sender::Http1(_)) {
                        self.pool.put(route.key, connection);
                    }
                    return Ok(response);
                }
                Err(Broken::Stale) if connection.reused => stale += 1,
                Err(Broken::Stale) => {
                    return Err(HttpError::Untrusted(
                        "the connection was closed before a request could be sent",
                    ));
                }
                Err(Broken::Failed(error)) => return Err(error),
            }
        }
    }

    async fn connect(
        &self,
        request: &Request<'_>,
        route: &mut Route<'_>,
        begun: Instant,
    ) -> Result<Connection, HttpError> {
        let whole = Duration::from_millis(request.settings.timeout_ms).min(LONGEST);
        let bound = Duration::from_millis(request.settings.bounds.connect_ms)
            .min(whole.saturating_sub(begun.elapsed()));
        let connection = timeout(bound, self.dialer.dial(request.url, route))
            .await
            .map_err(|_| HttpError::Timeout { after: bound, phase: Phase::Connect })??;
        if let Sender::Http2(sender) = &connection.sender {
            let shared = Sender::Http2(sender.clone());
            let about = Arc::clone(&connection.about);
            self.pool.put(route.key.clone(), Connection { sender: shared, about, reused: false });
        }
        Ok(connection)
    }
}
