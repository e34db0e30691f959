//! From a host name to a connection that can carry requests.
//!
//! What the guard checks: the proxy is the job's own choice and is dialled wherever it is. What is behind it is looked
//! up and checked here like any host. Over SOCKS5 the proxy is then told the checked address; `CONNECT` and plain
//! forwarding tell it the name, because proxies choose routes by names, so there the proxy's own look-up has the last
//! word. Where private addresses are allowed, `http`, `https` and `socks5h` proxies get names that are not looked up
//! here at all.

use super::{
    HttpError, Request,
    pool::{About, Connection, Forward, Key, Sender},
    proxy::Proxies,
    tls::{Profile, Profiles},
    tunnel::{self, TunnelError},
};
use crate::{address::Reach, resolve::Resolver};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_socks::TargetAddr;
use trawl_shared::model::ProxyUrl;
use url::{Host, Url};

/// Longest header of an answer.
const MAX_HEADER_BYTES: usize = 256 * 1024;
/// Most header fields of an answer.
const MAX_HEADERS: usize = 256;
/// An address that is not the host's last gets this long before the next one is tried, and so does a proxy.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// Proxies that are tried for one request.
const MAX_PROXIES: usize = 3;

/// A stream of any kind: plain, TLS, or through a proxy.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
type AnyStream = Box<dyn Stream>;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Dialer {
    resolver: Arc<Resolver>,
    profiles: Profiles,
    proxies: Proxies,
}

/// Where a request goes, and how.
#[derive(Debug)]
pub(super) struct Route<'a> {
    /// What connections it can use.
    pub(super) key: Key,
    tls: Profile,
    proxies: Vec<&'a ProxyUrl>,
}

impl Dialer {
    pub(super) fn new(resolver: Arc<Resolver>) -> Result<Self, rustls::Error> {
        Ok(Self { resolver, profiles: Profiles::new()?, proxies: Proxies::default() })
    }

    /// The route of a request.
    ///
    /// # Errors
    /// When the guard refuses the URL, no proxy is well, or the job's certificates can't be read.
    pub(super) fn route<'a>(&self, request: &Request<'a>) -> Result<Route<'a>, HttpError> {
        let (url, settings, reach) = (request.url, request.settings, request.reach());
        reach.check_literal(url)?;
        let host = url.host_str().unwrap_or_default();
        let tls = self.profiles.get(&settings.tls, settings.credentials.are_for(host))?;
        let proxies = if settings.proxies.is_empty() {
            Vec::new()
        } else {
            self.proxies.order(&settings.proxies, host)?
        };
        let key = Key {
            https: url.scheme() == "https",
            host: host.to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            reach,
            tls: tls.id,
            proxy: proxies.first().map(|proxy| (*proxy).clone()),
        };
        Ok(Route { key, tls, proxies })
    }

    /// Opens a connection for `url` along `route`, through the next proxy where one fails.
    pub(super) async fn dial(&self, url: &Url, route: &mut Route<'_>) -> Result<Connection, HttpError> {
        let begun = Instant::now();
        if route.proxies.is_empty() {
            let addresses = self.addresses(url, route.key.reach).await?;
            let (stream, address) = open(&addresses, route.key.port).await.map_err(HttpError::Connect)?;
            return finish(Box::new(stream), url, route, Some(address), None, begun).await;
        }
        let mut last = None;
        for proxy in route.proxies.iter().copied().take(MAX_PROXIES) {
            match self.through(proxy, url, route).await {
                Ok((stream, forward)) => {
                    self.proxies.worked(proxy);
                    route.key.proxy = Some(proxy.clone());
                    return finish(stream, url, route, None, forward, begun).await;
                }
                Err(error @ HttpError::Proxy { .. }) => {
                    self.proxies.failed(proxy);
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| HttpError::Connect(io::Error::other("there is no proxy"))))
    }

    /// A forwarding proxy did not let us in.
    pub(super) fn refused(&self, proxy: &ProxyUrl) -> HttpError {
        self.proxies.failed(proxy);
        HttpError::Proxy {
            proxy: proxy.to_string(),
            why: "it wants another user or password (407)".to_owned(),
        }
    }

    /// Goes to the other side of a proxy, where the next to be spoken is what the site speaks.
    async fn through(
        &self,
        proxy: &ProxyUrl,
        url: &Url,
        route: &Route<'_>,
    ) -> Result<(AnyStream, Option<Forward>), HttpError> {
        let failed = |why: String| HttpError::Proxy { proxy: proxy.to_string(), why };
        let tunnelled = |error| match error {
            TunnelError::Proxy(why) => failed(why),
            TunnelError::Target(error) => HttpError::Connect(error),
        };
        let scheme = proxy.expose().scheme();
        let local = scheme == "socks5" || route.key.reach == Reach::Public;
        let checked = if local { self.addresses(url, route.key.reach).await? } else { Vec::new() };

        let stream = timeout(PATIENCE, self.to_proxy(proxy, route))
            .await
            .unwrap_or_else(|_| Err("it does not answer".to_owned()))
            .map_err(failed)?;
        let (host, port) = (route.key.host.as_str(), route.key.port);
        match scheme {
            "socks5" | "socks5h" => {
                let target = match checked.first() {
                    Some(address) => TargetAddr::Ip(SocketAddr::new(*address, port)),
                    None => TargetAddr::Domain(host.trim_matches(['[', ']']).into(), port),
                };
                let stream = tunnel::socks5(stream, target, proxy).await.map_err(tunnelled)?;
                Ok((stream, None))
            }
            _ if route.key.https => {
                let mut stream = stream;
                tunnel::connect(&mut stream, &format!("{host}:{port}"), proxy).await.map_err(tunnelled)?;
                Ok((stream, None))
            }
            _ => Ok((stream, Some(Forward { authorization: tunnel::authorization(proxy) }))),
        }
    }

    /// Opens a connection to the proxy itself.
    async fn to_proxy(&self, proxy: &ProxyUrl, route: &Route<'_>) -> Result<AnyStream, String> {
        let url = proxy.expose();
        // An operator's proxy is often at a private address.
        let addresses = self.addresses(url, Reach::Anywhere).await.map_err(|error| error.to_string())?;
        let (stream, _) = open(&addresses, proxy.port()).await.map_err(|error| error.to_string())?;
        if url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let (stream, _) = handshake(stream, url, Arc::clone(&route.tls.http1_only))
            .await
            .map_err(|error| error.to_string())?;
        Ok(stream)
    }

    /// The addresses that may be dialled.
    async fn addresses(&self, url: &Url, reach: Reach) -> Result<Vec<IpAddr>, HttpError> {
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            // A host of a scheme that is not special (SOCKS) is never read as an address.
            Some(Host::Domain(host)) => host.parse().ok(),
            None => return Err(HttpError::BadUrl("it has no host".to_owned())),
        };
        let host = url.host_str().unwrap_or_default();
        if let Some(address) = literal {
            reach.check(host, address)?;
            return Ok(vec![address]);
        }
        Ok(self.resolver.look_up(host, url.port_or_known_default(), reach).await?)
    }
}

/// Connects to the first address that answers.
async fn open(addresses: &[IpAddr], port: u16) -> io::Result<(TcpStream, IpAddr)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (n, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        let connected = if n + 1 == addresses.len() {
            connecting.await
        } else {
            timeout(PATIENCE, connecting).await.unwrap_or_else(|_| {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the address does not answer"))
            })
        };
        match connected {
            Ok(stream) => {
                // A request is one small packet; nothing is gained by waiting for more.
                stream.set_nodelay(true)?;
                return Ok((stream, *address));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// TLS to whom `url` names; whether HTTP/2 was agreed on.
async fn handshake(
    stream: impl Stream + 'static,
    url: &Url,
    config: Arc<ClientConfig>,
) -> io::Result<(AnyStream, bool)> {
    let host = url.host_str().unwrap_or_default();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Box::new(stream), http2))
}

/// TLS where the URL wants it, then HTTP of the version that was agreed on.
async fn finish(
    stream: AnyStream,
    url: &Url,
    route: &Route<'_>,
    address: Option<IpAddr>,
    forward: Option<Forward>,
    begun: Instant,
) -> Result<Connection, HttpError> {
    let (stream, is_http2) = if route.key.https {
        handshake(stream, url, Arc::clone(&route.tls.config)).await.map_err(HttpError::Tls)?
    } else {
        (stream, false)
    };
    let sender = if is_http2 { http2(stream).await? } else { http1(stream).await? };
    let about = Arc::new(About { address, forward, connected_after: begun.elapsed() });
    Ok(Connection { sender, about, reused: false })
}

async fn http1(stream: AnyStream) -> Result<Sender, HttpError> {
    let (sender, connection) = http1::Builder::new()
        .max_header_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .title_case_headers(true)
        // Servers of the wild: what a browser reads past, we read past.
        .ignore_invalid_headers_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await?;
    // What goes wrong shows at the sender.
    tokio::spawn(async move { drop(connection.await) });
    Ok(Sender::Http1(sender))
}

async fn http2(stream: AnyStream) -> Result<Sender, HttpError> {
    let header_bytes = u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX);
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(header_bytes)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(Sender::Http2(sender))
}
