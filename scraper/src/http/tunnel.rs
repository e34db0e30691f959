//! Through a proxy: `CONNECT` (RFC 9110, section 9.3.6) and SOCKS5 (RFC 1928).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_socks::{TargetAddr, tcp::Socks5Stream};
use trawl_shared::model::{ProxyUrl, Secret};

/// Longest header of a proxy's answer.
const MAX_HEAD: usize = 16 * 1024;

/// Why a tunnel could not be made.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// The proxy does not work, or not for us.
    Proxy(String),
    /// The proxy could not reach what is behind it.
    Target(io::Error),
}

/// `user:password` of a proxy, in Basic's form, where it has one.
pub(super) fn authorization(proxy: &ProxyUrl) -> Option<Secret> {
    let (user, password) = user(proxy)?;
    Some(Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))))
}

fn user(proxy: &ProxyUrl) -> Option<(String, String)> {
    let url = proxy.expose();
    let text = |escaped: &str| percent_encoding::percent_decode_str(escaped).decode_utf8_lossy().into_owned();
    (!url.username().is_empty()).then(|| (text(url.username()), text(url.password().unwrap_or_default())))
}

/// Asks an HTTP proxy for a tunnel to `authority` (`host:port`).
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    authority: &str,
    proxy: &ProxyUrl,
) -> Result<(), TunnelError> {
    let broken = |error: io::Error| TunnelError::Proxy(format!("it broke off: {error}"));
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(authorization) = authorization(proxy) {
        request.push_str(&format!("Proxy-Authorization: {}\r\n", authorization.expose()));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let status = read_status(stream).await.map_err(broken)?;
    match status {
        200..=299 => Ok(()),
        // The proxy is well; it could not reach the host, or does not want to.
        403 | 404 | 500 | 502..=504 => {
            Err(TunnelError::Target(io::Error::other(format!("the proxy answered {status}"))))
        }
        407 => Err(TunnelError::Proxy("it wants another user or password (407)".to_owned())),
        _ => Err(TunnelError::Proxy(format!("it answered {status} to CONNECT"))),
    }
}

/// Reads the header of an answer to its last byte and not beyond: what follows is the tunnel's.
async fn read_status<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<u16> {
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(bad("its answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|rest| rest.get(2..5)?.parse().ok())
        .ok_or_else(|| bad("its answer is not HTTP"))
}

/// Asks a SOCKS5 proxy for a connection to `target`.
pub(super) async fn socks5<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    target: TargetAddr<'_>,
    proxy: &ProxyUrl,
) -> Result<S, TunnelError> {
    use tokio_socks::Error;
    let made = match user(proxy) {
        Some((user, password)) => {
            Socks5Stream::connect_with_password_and_socket(stream, target, &user, &password).await
        }
        None => Socks5Stream::connect_with_socket(stream, target).await,
    };
    made.map(Socks5Stream::into_inner).map_err(|error| match error {
        Error::NetworkUnreachable
        | Error::HostUnreachable
        | Error::ConnectionRefused
        | Error::TtlExpired
        | Error::GeneralSocksServerFailure
        | Error::ConnectionNotAllowedByRuleset => TunnelError::Target(io::Error::other(error)),
        other => TunnelError::Proxy(other.to_string()),
    })
}
