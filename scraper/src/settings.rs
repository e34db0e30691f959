//! What can be set for the fetcher. What belongs to a job (user agent, limits, delay) travels with
//! its tasks and is not here.

use crate::resolve::ResolveOverride;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use trawl_shared::config::Section;

/// Settings of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Requests at once, over all hosts. A task that waits for its host takes none of these.
    pub concurrency: usize,
    /// Longest wait of a task for its host, in milliseconds; a task that would wait longer goes
    /// through `retry` without an attempt spent. The handler's time-out must be above the sum of
    /// this and twice the job's time-out.
    pub max_wait_ms: u64,
    /// Longest gap between two requests to a host that answers 429 or 503, and longest
    /// `Retry-After` that its queue waits for, in milliseconds.
    pub max_back_off_ms: u64,
    /// How long an idle connection is kept, in milliseconds.
    pub pool_idle_ms: u64,
    /// Idle connections kept for one host.
    pub pool_idle_per_host: usize,
    /// Idle connections kept for all hosts, for each way to connect (guard, certificates, proxy). After as many new
    /// ones, those that are idle are closed. Those in use are no more than `concurrency`.
    pub pool_idle_total: usize,
    /// Name servers to ask, each `ADDRESS:PORT`; none is those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// How long a name server is waited for, in milliseconds; there are two attempts.
    pub dns_timeout_ms: u64,
    /// Longest time that the addresses of a name are remembered, in milliseconds, whatever its zone says.
    pub dns_ttl_ms: u64,
    /// Longest time that it is remembered that a name has no address, in milliseconds.
    pub dns_negative_ttl_ms: u64,
    /// robots.txt files remembered.
    pub robots_cache_files: usize,
    /// Bytes of robots.txt files remembered, roughly.
    pub robots_cache_bytes: usize,
    /// How long a robots.txt is trusted, in milliseconds.
    pub robots_ttl_ms: u64,
    /// How long a host whose robots.txt can't be had is left alone, in milliseconds.
    pub robots_retry_ms: u64,
    /// Addresses to use instead of DNS, each `HOST:PORT:ADDRESS` (`*` is every host), as with
    /// curl's `--resolve`. The address guard holds for them too.
    pub resolve: Vec<ResolveOverride>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 64,
            max_wait_ms: 60_000,
            max_back_off_ms: 10 * 60_000,
            pool_idle_ms: 30_000,
            pool_idle_per_host: 8,
            pool_idle_total: 512,
            dns_servers: Vec::new(),
            dns_timeout_ms: 3_000,
            dns_ttl_ms: 60 * 60_000,
            dns_negative_ttl_ms: 60_000,
            robots_cache_files: 10_000,
            robots_cache_bytes: 16 * 1024 * 1024,
            robots_ttl_ms: 24 * 60 * 60_000,
            robots_retry_ms: 60_000,
            resolve: Vec::new(),
        }
    }
}

impl Section for Settings {
    const NAME: &'static str = "scraper";
}
