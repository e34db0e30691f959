//! reqwest's clients: one for each way to connect, so that a job never finds the connection of another one that may
//! dial where it may not, shows other certificates, or goes through another proxy.

use super::{
    HttpError,
    connect::{Guarded, Watch},
    exchange::MAX_HEADER_BYTES,
    tls::{Profile, ProfileId},
};
use crate::{address::Reach, resolve::Resolver, settings::Settings};
use reqwest::{Proxy, redirect::Policy};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use trawl_shared::model::ProxyUrl;

/// What reqwest's own bound on a connection is longer by than ours, which can tell what was going on.
const MARGIN: Duration = Duration::from_millis(100);
/// Most header fields of an answer.
const MAX_HEADERS: usize = 256;
/// Clients that are kept. The one not used for longest goes first, with its idle connections.
const MAX_CLIENTS: usize = 256;

/// What a client's connections are good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Way {
    reach: Reach,
    tls: ProfileId,
    proxy: Option<ProxyUrl>,
    /// The bound on making a connection, of which each address of a host gets its share.
    bound: Duration,
}

/// The clients that jobs have needed so far.
#[derive(Debug)]
pub(super) struct Engines {
    resolver: Arc<Resolver>,
    idle: Idle,
    kept: Mutex<HashMap<Way, Engine>>,
}

/// How connections wait for their next request.
#[derive(Clone, Copy, Debug)]
struct Idle {
    per_host: usize,
    total: usize,
    longest: Duration,
}

#[derive(Debug)]
struct Engine {
    client: reqwest::Client,
    /// Connections it has made.
    made: Arc<AtomicUsize>,
    used: Instant,
}

impl Engines {
    pub(super) fn new(settings: &Settings, resolver: Arc<Resolver>) -> Self {
        let total = settings.pool_idle_total;
        let per_host = settings.pool_idle_per_host.min(total);
        let longest = Duration::from_millis(settings.pool_idle_ms).min(super::client::LONGEST);
        Self { resolver, idle: Idle { per_host, total, longest }, kept: Mutex::default() }
    }

    /// The client for a way to connect.
    ///
    /// # Errors
    /// When reqwest refuses the proxy's URL.
    pub(super) fn get(
        &self,
        reach: Reach,
        tls: &Profile,
        proxy: Option<&ProxyUrl>,
        bound: Duration,
    ) -> Result<reqwest::Client, HttpError> {
        let way = Way { reach, tls: tls.id, proxy: proxy.cloned(), bound };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let used = Instant::now();
        // reqwest bounds its idle connections for each host but not in total. A client that has made as many as may
        // wait makes room for a new one: what is under way goes on, what waits is closed.
        if let Some(engine) = kept.get_mut(&way)
            && engine.made.load(Ordering::Relaxed) < self.idle.total.max(1)
        {
            engine.used = used;
            return Ok(engine.client.clone());
        }
        let made = Arc::new(AtomicUsize::new(0));
        let client = self.build(&way, tls, Arc::clone(&made))?;
        if kept.len() >= MAX_CLIENTS
            && let Some(oldest) =
                kept.iter().min_by_key(|(_, engine)| engine.used).map(|(way, _)| way.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(way, Engine { client: client.clone(), made, used });
        Ok(client)
    }

    fn build(&self, way: &Way, tls: &Profile, made: Arc<AtomicUsize>) -> Result<reqwest::Client, HttpError> {
        let guarded =
            Guarded { resolver: Arc::clone(&self.resolver), reach: way.reach, proxy: way.proxy.clone() };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls.config).clone())
            .dns_resolver(guarded.clone())
            .connector_layer(Watch { guarded, made })
            .connect_timeout(way.bound + MARGIN)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(self.idle.per_host)
            .pool_idle_timeout(self.idle.longest)
            .http1_title_case_headers()
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            // Servers of the wild: what a browser reads past, we read past.
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            // Bodies are unpacked within bounds of our own.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if let Some(proxy) = &way.proxy {
            builder = builder.proxy(led_by(proxy, way.reach)?);
        }
        builder.build().map_err(HttpError::from)
    }
}

/// The proxy as reqwest shall use it. Where the guard holds, a SOCKS5 proxy is told the address that was checked.
fn led_by(proxy: &ProxyUrl, reach: Reach) -> Result<Proxy, HttpError> {
    let refused = |error: reqwest::Error| HttpError::Proxy {
        proxy: proxy.to_string(),
        why: super::error::texts(&error.without_url()).join(": "),
    };
    let url = proxy.expose().as_str();
    match url.strip_prefix("socks5h:") {
        Some(rest) if reach == Reach::Public => Proxy::all(format!("socks5:{rest}")),
        _ => Proxy::all(url),
    }
    .map_err(refused)
}
