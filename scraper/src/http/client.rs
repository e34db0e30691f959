//! The client: a way to connect, and one exchange over it.

use super::{
    HttpError, Request, Response,
    connect::{Dial, wrong_password},
    engines::Engines,
    exchange::{Broken, exchange},
    proxy::Proxies,
    tls::{Profile, Profiles},
};
use crate::{resolve::Resolver, settings::Settings};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use trawl_shared::model::ProxyUrl;

/// Longest bound that is reckoned with, whatever a job says.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Connections that may turn out to be closed before that is the answer.
const MAX_STALE: u32 = 3;
/// Proxies that are tried for one request.
const MAX_PROXIES: usize = 3;
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
    engines: Engines,
    profiles: Profiles,
    proxies: Proxies,
}

impl Client {
    /// Builds the client.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(settings: &Settings, resolver: Arc<Resolver>) -> Result<Self, BuildError> {
        let engines = Engines::new(settings, resolver);
        Ok(Self { engines, profiles: Profiles::new()?, proxies: Proxies::default() })
    }

    /// Sends one GET and reads the answer.
    ///
    /// # Errors
    /// When no answer came, see [`HttpError`]. A status that is not 2xx is an answer.
    pub async fn get(&self, request: Request<'_>) -> Result<Response, HttpError> {
        let begun = Instant::now();
        let (url, settings) = (request.url, request.settings);
        request.reach().check_literal(url)?;
        let host = url.host_str().unwrap_or_default();
        let tls = self.profiles.get(&settings.tls, settings.credentials.are_for(host))?;
        if settings.proxies.is_empty() {
            return self.send(&request, &tls, None, begun).await;
        }
        let mut last = None;
        for proxy in self.proxies.order(&settings.proxies, host)?.into_iter().take(MAX_PROXIES) {
            match self.through(proxy, &request, &tls, begun).await {
                Err(error @ HttpError::Proxy { .. }) => last = Some(error),
                answer => return answer,
            }
        }
        Err(last.expect("where no proxy is well, there is an error instead of an order"))
    }

    /// Sends a request through a proxy, and remembers how that went.
    async fn through(
        &self,
        proxy: &ProxyUrl,
        request: &Request<'_>,
        tls: &Profile,
        begun: Instant,
    ) -> Result<Response, HttpError> {
        let forwards = request.url.scheme() == "http" && proxy.expose().scheme().starts_with("http");
        let mut answer = self.send(request, tls, Some(proxy), begun).await;
        if forwards && matches!(&answer, Ok(response) if response.status == PROXY_REFUSES) {
            answer = Err(wrong_password(proxy));
        }
        match &mut answer {
            Ok(response) => {
                self.proxies.worked(proxy);
                // That is the proxy's.
                response.address = None;
            }
            Err(HttpError::Proxy { .. }) => self.proxies.failed(proxy),
            Err(_) => {}
        }
        answer
    }

    /// Sends a request over whatever connection there is, and once more where that has been closed meanwhile.
    async fn send(
        &self,
        request: &Request<'_>,
        tls: &Profile,
        proxy: Option<&ProxyUrl>,
        begun: Instant,
    ) -> Result<Response, HttpError> {
        let connect = Duration::from_millis(request.settings.bounds.connect_ms).min(LONGEST);
        let client = self.engines.get(request.reach(), tls, proxy, connect)?;
        let whole = Duration::from_millis(request.settings.timeout_ms).min(LONGEST);
        for _ in 0..=MAX_STALE {
            let bound = connect.min(whole.saturating_sub(begun.elapsed()));
            match exchange(&client, request, &Dial::new(request.url, bound), begun).await {
                Ok(response) => return Ok(response),
                Err(Broken::Stale) => {}
                Err(Broken::Failed(error)) => return Err(error),
            }
        }
        Err(HttpError::Untrusted("one connection after the other was closed before a request could be sent"))
    }
}
