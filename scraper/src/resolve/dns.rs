//! Our own DNS client: answers are remembered for as long as their zone says, within bounds, and so is that there is
//! none. Names of this machine's hosts file come first.

use crate::settings::Settings;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};

/// Answers remembered at once.
const CACHE_SIZE: u64 = 16_384;

/// The DNS client. It reads the system's configuration when the first name is looked up, so that a crawl of
/// addresses needs none.
pub(super) struct Dns {
    servers: Vec<SocketAddr>,
    longest: Duration,
    longest_negative: Duration,
    timeout: Duration,
    resolver: OnceLock<Result<TokioResolver, NetError>>,
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Dns {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            servers: settings.dns_servers.clone(),
            longest: Duration::from_millis(settings.dns_ttl_ms),
            longest_negative: Duration::from_millis(settings.dns_negative_ttl_ms),
            timeout: Duration::from_millis(settings.dns_timeout_ms),
            resolver: OnceLock::new(),
        }
    }

    /// The addresses of `host`, IPv4 first; IPv6 where there is no other.
    pub(super) async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, NetError> {
        let resolver = self.resolver.get_or_init(|| self.build()).as_ref().map_err(Clone::clone)?;
        // A name with a dot is complete: no search domain of this machine may stand in for a site that is gone.
        let found = if host.contains('.') && !host.ends_with('.') {
            resolver.lookup_ip(format!("{host}.")).await?
        } else {
            resolver.lookup_ip(host).await?
        };
        Ok(found.iter().collect())
    }

    fn build(&self) -> Result<TokioResolver, NetError> {
        let mut builder = if self.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = self.servers.iter().map(server).collect();
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        self.set(builder.options_mut());
        builder.build()
    }

    fn set(&self, options: &mut ResolverOpts) {
        options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        options.cache_size = CACHE_SIZE;
        options.positive_max_ttl = Some(self.longest);
        options.negative_max_ttl = Some(self.longest_negative);
        options.timeout = self.timeout;
        options.attempts = 2;
        // What does not fit into a datagram comes by TCP.
        options.try_tcp_on_error = true;
        options.case_randomization = false;
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
        .into_iter()
        .map(|mut connection| {
            connection.port = address.port();
            connection
        })
        .collect();
    NameServerConfig::new(address.ip(), true, connections)
}
