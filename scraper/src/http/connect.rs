//! What happens between a request and its connection, seen from both sides.
//!
//! reqwest makes connections behind our back: it asks for addresses by name alone, and tells by one kind of error
//! that none could be made. A [`Dial`] travels along with the request to where its connection is made ([`Watch`], a
//! layer around reqwest's connector, and [`Guarded`], its resolver); it brings what those need to know of the
//! request, and takes back what became of the connection.
//!
//! What the guard checks: the proxy is the job's own choice and is dialled wherever it is. What is behind it is looked
//! up and checked here like any host. Over SOCKS5 the proxy is then told the checked address; `CONNECT` and plain
//! forwarding tell it the name, because proxies choose routes by names, so there the proxy's own look-up has the last
//! word. Where private addresses are allowed, `http`, `https` and `socks5h` proxies get names that are not looked up
//! here at all.

use super::{
    HttpError, Phase,
    error::{BoxError, texts},
};
use crate::{address::Reach, resolve::Resolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::InvalidDnsNameError;
use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tower_layer::Layer;
use tower_service::Service;
use trawl_shared::model::ProxyUrl;
use url::Url;

/// A proxy that has not led anywhere for this long is asked whether it is there at all, and gets as long to answer.
const PATIENCE: Duration = Duration::from_millis(1_250);
/// What hyper-util says when a proxy is well, but what is behind it can't be reached or may not be. Its errors can't
/// be named as types.
const BEHIND_THE_PROXY: [&str; 7] = [
    "tunnel error: unsuccessful",
    "SOCKS error: general server failure",
    "SOCKS error: connection not allowed",
    "SOCKS error: network unreachable",
    "SOCKS error: host unreachable",
    "SOCKS error: connection refused",
    "SOCKS error: ttl expired",
];
/// What it says when `CONNECT` is answered with 407.
const WRONG_PASSWORD: &str = "tunnel error: proxy authorization required";
/// What reqwest says of a host behind a proxy that no certificate can be for.
const NO_SERVER_NAME: &str = "Invalid Server Name";

tokio::task_local! {
    static DIAL: Arc<Dial>;
}

/// One request's view of its connection.
#[derive(Debug)]
pub(super) struct Dial {
    host: String,
    port: u16,
    https: bool,
    bound: Duration,
    progress: Mutex<Progress>,
}

/// How far a connection is.
#[derive(Debug, Default)]
enum Progress {
    /// None was needed so far.
    #[default]
    Waiting,
    UnderWay,
    Made {
        at: Instant,
        after: Duration,
    },
    Failed(HttpError),
}

impl Dial {
    /// For a request for `url`, whose connection must be there within `bound`.
    pub(super) fn new(url: &Url, bound: Duration) -> Arc<Self> {
        Arc::new(Self {
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            https: url.scheme() == "https",
            bound,
            progress: Mutex::default(),
        })
    }

    /// Runs `sending` so that the connection it makes is this one.
    pub(super) fn watch<F: Future>(self: &Arc<Self>, sending: F) -> impl Future<Output = F::Output> {
        DIAL.scope(Arc::clone(self), sending)
    }

    /// When the connection was there and how long it took to make; none where one was there already.
    pub(super) fn made(&self) -> Option<(Instant, Duration)> {
        match &*self.lock() {
            Progress::Made { at, after } => Some((*at, *after)),
            _ => None,
        }
    }

    /// Whether the connection is being made.
    pub(super) fn under_way(&self) -> bool {
        matches!(&*self.lock(), Progress::UnderWay)
    }

    /// Why no connection could be made.
    pub(super) fn take_failure(&self) -> Option<HttpError> {
        let mut progress = self.lock();
        match std::mem::take(&mut *progress) {
            Progress::Failed(error) => Some(error),
            other => {
                *progress = other;
                None
            }
        }
    }

    fn set(&self, progress: Progress) {
        *self.lock() = progress;
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands for an error that its [`Dial`] holds.
#[derive(Debug, thiserror::Error)]
#[error("no connection could be made")]
struct Failed;

/// Addresses for reqwest: only such as may be dialled.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    pub(super) resolver: Arc<Resolver>,
    pub(super) reach: Reach,
    pub(super) proxy: Option<ProxyUrl>,
}

impl Guarded {
    /// The addresses of `host`; it is the proxy's where `proxy` says so.
    async fn addresses(
        &self,
        host: &str,
        proxy: Option<&ProxyUrl>,
        dial: &Dial,
    ) -> Result<Vec<IpAddr>, HttpError> {
        // An operator's proxy is often at a private address.
        let (port, reach) = proxy.map_or((dial.port, self.reach), |proxy| (proxy.port(), Reach::Anywhere));
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            reach.check(host, address)?;
            return Ok(vec![address]);
        }
        Ok(self.resolver.look_up(host, Some(port), reach).await?)
    }

    /// The proxy, where `host` is its name. A proxy that is asked for itself is a site like any other.
    fn proxy_at(&self, host: &str, dial: &Dial) -> Option<&ProxyUrl> {
        self.proxy.as_ref().filter(|proxy| proxy.expose().host_str() == Some(host) && dial.host != host)
    }

    /// Whether it is us who look up what is behind the proxy.
    fn looks_behind(&self, proxy: &ProxyUrl) -> bool {
        self.reach == Reach::Public || proxy.expose().scheme() == "socks5"
    }

    /// Returns when the proxy does not even answer a knock; else never.
    async fn silence(&self, proxy: &ProxyUrl, dial: &Dial) {
        sleep(PATIENCE).await;
        let knock = async {
            let host = proxy.expose().host_str().unwrap_or_default();
            for address in self.addresses(host, Some(proxy), dial).await.unwrap_or_default() {
                if TcpStream::connect(SocketAddr::new(address, proxy.port())).await.is_ok() {
                    return true;
                }
            }
            false
        };
        if timeout(PATIENCE, knock).await.unwrap_or(false) {
            std::future::pending::<()>().await;
        }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (this, dial) = (self.clone(), DIAL.try_with(Arc::clone));
        Box::pin(async move {
            let (host, dial) = (name.as_str(), dial?);
            let proxy = this.proxy_at(host, &dial);
            match (this.addresses(host, proxy, &dial).await, proxy) {
                (Ok(addresses), _) => {
                    let addresses: Addrs =
                        Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
                    return Ok(addresses);
                }
                (Err(error), None) => dial.set(Progress::Failed(error)),
                (Err(error), Some(proxy)) => {
                    let why = error.to_string();
                    dial.set(Progress::Failed(HttpError::Proxy { proxy: proxy.to_string(), why }));
                }
            }
            Err(Failed.into())
        })
    }
}

/// A layer around reqwest's connector that keeps the [`Dial`] up to date.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) guarded: Guarded,
    /// Counts connections.
    pub(super) made: Arc<AtomicUsize>,
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Watched { watch: self.clone(), inner }
    }
}

/// A connector that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched<S> {
    watch: Watch,
    inner: S,
}

impl<S, R> Service<R> for Watched<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let dial = DIAL.try_with(Arc::clone);
        let (watch, connecting) = (self.watch.clone(), self.inner.call(target));
        Box::pin(async move {
            let dial = dial?;
            // reqwest may go on with this apart from the request, where that found another connection meanwhile.
            DIAL.scope(Arc::clone(&dial), watch.connect(connecting, &dial)).await
        })
    }
}

impl Watch {
    async fn connect<T>(
        &self,
        connecting: impl Future<Output = Result<T, BoxError>>,
        dial: &Dial,
    ) -> Result<T, BoxError> {
        let begun = Instant::now();
        dial.set(Progress::UnderWay);
        let made = timeout(dial.bound, self.lead(connecting, dial))
            .await
            .unwrap_or_else(|_| Err(HttpError::Timeout { after: dial.bound, phase: Phase::Connect }));
        match made {
            Ok(made) => {
                self.made.fetch_add(1, Ordering::Relaxed);
                dial.set(Progress::Made { at: Instant::now(), after: begun.elapsed() });
                Ok(made)
            }
            Err(error) => {
                dial.set(Progress::Failed(error));
                Err(Failed.into())
            }
        }
    }

    async fn lead<T>(
        &self,
        connecting: impl Future<Output = Result<T, BoxError>>,
        dial: &Dial,
    ) -> Result<T, HttpError> {
        // What the resolver had to say is said already.
        let told = |error: BoxError, why: &dyn Fn(BoxError) -> HttpError| {
            dial.take_failure().unwrap_or_else(|| why(error))
        };
        let Some(proxy) = &self.guarded.proxy else {
            return connecting.await.map_err(|error| told(error, &|error| direct(error, dial.https)));
        };
        if self.guarded.looks_behind(proxy) {
            self.guarded.addresses(&dial.host, None, dial).await?;
        }
        tokio::select! {
            made = connecting => {
                made.map_err(|error| told(error, &|error| through(proxy, error, dial.https)))
            }
            () = self.guarded.silence(proxy, dial) => {
                Err(HttpError::Proxy { proxy: proxy.to_string(), why: "it does not answer".to_owned() })
            }
        }
    }
}

/// Why there is no connection to a site.
fn direct(error: BoxError, https: bool) -> HttpError {
    if https && is_tls(&error) { HttpError::Tls(error) } else { HttpError::Connect(error) }
}

/// Why a proxy did not lead to a site.
fn through(proxy: &ProxyUrl, error: BoxError, https: bool) -> HttpError {
    let said = texts(&*error);
    let says = |text: &&str| said.iter().any(|said| said == text);
    if https && (is_tls(&error) || says(&NO_SERVER_NAME)) {
        HttpError::Tls(error)
    } else if BEHIND_THE_PROXY.iter().any(says) {
        HttpError::Connect(error)
    } else if says(&WRONG_PASSWORD) {
        wrong_password(proxy)
    } else {
        HttpError::Proxy { proxy: proxy.to_string(), why: said.join(": ") }
    }
}

/// The proxy answered 407.
pub(super) fn wrong_password(proxy: &ProxyUrl) -> HttpError {
    let why = "it wants another user or password (407)".to_owned();
    HttpError::Proxy { proxy: proxy.to_string(), why }
}

/// Whether it is the handshake with the site that failed: that hands its errors on as they are, while those of TCP and
/// of proxies come wrapped.
fn is_tls(error: &BoxError) -> bool {
    error.is::<io::Error>() || error.is::<InvalidDnsNameError>()
}
