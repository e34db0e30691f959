//! The clients: built once, one connection pool for each kind of address check.

use super::{HttpError, Request, Response, dns::GuardedDns, exchange, tls};
use crate::{address::Reach, resolve::Resolver, settings::Settings};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Header fields of one answer; their bytes are bounded by hyper (about 400 KiB on HTTP/1) and by
/// [`MAX_H2_HEADER_BYTES`].
const MAX_HEADERS: usize = 256;
/// Bytes of one answer's header list on HTTP/2.
const MAX_H2_HEADER_BYTES: u32 = 256 * 1024;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// TLS.
    #[error("TLS can't be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP client.
    #[error("the HTTP client can't be set up")]
    Http(#[from] reqwest::Error),
}

/// Fetches single URLs.
///
/// Whoever may dial private addresses has a pool of their own: a connection that one job may not
/// open is never there for it to reuse.
#[derive(Debug)]
pub struct Client {
    clients: BTreeMap<(Reach, Option<u16>), reqwest::Client>,
}

impl Client {
    /// Builds the clients.
    ///
    /// # Errors
    /// When TLS or the HTTP client can't be set up.
    pub fn new(settings: &Settings, resolver: &Arc<Resolver>) -> Result<Self, BuildError> {
        let tls = tls::config()?;
        let mut clients = BTreeMap::new();
        for reach in [Reach::Public, Reach::Anywhere] {
            for port in resolver.overrides().ports().map(Some).chain([None]) {
                let dns = GuardedDns { resolver: Arc::clone(resolver), port, reach };
                clients.insert((reach, port), build(settings, tls.clone(), dns)?);
            }
        }
        Ok(Self { clients })
    }

    /// Sends one GET and reads the answer.
    ///
    /// # Errors
    /// When no answer came, see [`HttpError`]. A status that is not 2xx is an answer.
    pub async fn get(&self, request: Request<'_>) -> Result<Response, HttpError> {
        request.reach.check_literal(request.url)?;
        let port = request.url.port_or_known_default();
        let client = self
            .clients
            .get(&(request.reach, port))
            .or_else(|| self.clients.get(&(request.reach, None)))
            .expect("there is a client without a port for each reach");
        exchange::get(client, request).await
    }
}

fn build(
    settings: &Settings,
    tls: rustls::ClientConfig,
    dns: GuardedDns,
) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(dns)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
        .pool_idle_timeout(Duration::from_millis(settings.pool_idle_ms))
        .pool_max_idle_per_host(settings.pool_idle_per_host)
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_H2_HEADER_BYTES)
        // Servers of the wild: what a browser reads past, we read past.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .build()
}

/// The headers of every request. They are set on the request rather than on the client, so that what
/// was sent is known.
pub(super) fn usual_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    );
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd, deflate"));
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en,*;q=0.5"));
    headers
}
