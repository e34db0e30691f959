//! Connections that wait for their next request, bounded for each host and in total.

use super::tls::ProfileId;
use crate::address::Reach;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use trawl_shared::model::{ProxyUrl, Secret};

/// How often the whole pool is looked through for connections that have waited too long, at most.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// What a connection is good for. A job that may not dial private addresses never finds the connection of one that
/// may; nor does one find a connection made with other certificates, or through another proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) https: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) reach: Reach,
    pub(super) tls: ProfileId,
    pub(super) proxy: Option<ProxyUrl>,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: Sender,
    pub(super) about: Arc<About>,
    /// Whether it has carried a request before.
    pub(super) reused: bool,
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct About {
    /// Who is at the other end; none behind a proxy.
    pub(super) address: Option<IpAddr>,
    /// The other end is a proxy that reads the request itself.
    pub(super) forward: Option<Forward>,
    /// What it took to make.
    pub(super) connected_after: Duration,
}

/// What a request to a forwarding proxy has besides.
#[derive(Debug)]
pub(super) struct Forward {
    /// `Proxy-Authorization`.
    pub(super) authorization: Option<Secret>,
}

#[derive(Debug)]
pub(super) enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Sender {
    pub(super) async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Self::Http1(sender) => sender.ready().await,
            Self::Http2(sender) => sender.ready().await,
        }
    }

    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

/// The pool.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<IdleConnections>,
    per_host: usize,
    total: usize,
    longest: Duration,
}

#[derive(Debug)]
struct IdleConnections {
    by_key: HashMap<Key, Vec<Idle>>,
    count: usize,
    swept: Instant,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A pool of at most `per_host` idle connections for each key and `total` for all, none idle for longer than
    /// `longest`.
    pub(super) fn new(per_host: usize, total: usize, longest: Duration) -> Self {
        let idle = IdleConnections { by_key: HashMap::new(), count: 0, swept: Instant::now() };
        Self { idle: Mutex::new(idle), per_host, total, longest }
    }

    /// An open connection, the last one used first. One of HTTP/2 stays in the pool as well.
    pub(super) fn take(&self, key: &Key) -> Option<Connection> {
        let mut idle = self.lock();
        let IdleConnections { by_key, count, .. } = &mut *idle;
        let waiting = by_key.get_mut(key)?;
        let now = Instant::now();
        let mut found = None;
        while let Some(mut last) = waiting.pop() {
            *count -= 1;
            if last.connection.sender.is_closed() || last.since + self.longest <= now {
                continue;
            }
            if let Sender::Http2(sender) = &last.connection.sender {
                let shared = Sender::Http2(sender.clone());
                let about = Arc::clone(&last.connection.about);
                found = Some(Connection { sender: shared, about, reused: true });
                last.since = now;
                waiting.push(last);
                *count += 1;
            } else {
                last.connection.reused = true;
                found = Some(last.connection);
            }
            break;
        }
        if waiting.is_empty() {
            by_key.remove(key);
        }
        found
    }

    /// Keeps a connection that is, or is about to be, ready for its next request.
    pub(super) fn put(&self, key: Key, connection: Connection) {
        if self.per_host == 0 || self.total == 0 || connection.sender.is_closed() {
            return;
        }
        let now = Instant::now();
        let mut idle = self.lock();
        if idle.count >= self.total || idle.swept + SWEEP_EVERY <= now {
            idle.sweep(now, self.longest, self.total);
        }
        let IdleConnections { by_key, count, .. } = &mut *idle;
        let waiting = by_key.entry(key).or_default();
        if waiting.len() >= self.per_host {
            waiting.remove(0);
        } else {
            *count += 1;
        }
        waiting.push(Idle { connection, since: now });
    }

    fn lock(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IdleConnections {
    /// Drops what is closed or has waited for too long; then, if that makes no room, what has waited longest, until an
    /// eighth of the room is free, so that this is rare.
    fn sweep(&mut self, now: Instant, longest: Duration, total: usize) {
        self.swept = now;
        self.retain(|idle| !idle.connection.sender.is_closed() && idle.since + longest > now);
        if self.count < total {
            return;
        }
        let mut ages: Vec<Instant> = self.by_key.values().flatten().map(|idle| idle.since).collect();
        ages.sort_unstable();
        let Some(oldest_kept) = ages.get(total / 8).copied() else { return };
        self.retain(|idle| idle.since > oldest_kept);
    }

    fn retain(&mut self, mut keep: impl FnMut(&Idle) -> bool) {
        self.by_key.retain(|_, waiting| {
            waiting.retain(&mut keep);
            !waiting.is_empty()
        });
        self.count = self.by_key.values().map(Vec::len).sum();
    }
}
