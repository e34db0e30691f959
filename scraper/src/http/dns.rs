//! Our resolver in reqwest's socket.

use crate::{address::Reach, resolve::Resolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{net::SocketAddr, sync::Arc};

/// Answers a client's look-ups. A look-up does not say for which port it is, so the clients of
/// ports that have overrides are told apart and each knows its own.
pub(super) struct GuardedDns {
    pub(super) resolver: Arc<Resolver>,
    pub(super) port: Option<u16>,
    pub(super) reach: Reach,
}

impl Resolve for GuardedDns {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Arc::clone(&self.resolver);
        let (port, reach) = (self.port, self.reach);
        Box::pin(async move {
            let addresses = resolver.look_up(name.as_str(), port, reach).await?;
            // Port 0 stands for the URL's.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
