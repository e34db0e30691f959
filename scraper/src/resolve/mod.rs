//! From a host name to addresses that may be dialled: overrides, our own DNS client with its cache, and
//! the address guard behind both.
//!
//! Invariant: what [`Resolver::look_up`] answers has passed the guard, also when it comes from an
//! override or the cache; a client that dials only these can't be led elsewhere by DNS.

mod dns;
mod overrides;

pub use hickory_resolver::net::NetError;
pub use overrides::{OverrideError, Overrides, ResolveOverride};

use crate::{
    address::{Blocked, Reach},
    settings::Settings,
};
use dns::Dns;
use std::net::IpAddr;

/// Why a name has no address to dial.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The resolver knows no address.
    #[error("{host} has no address")]
    NoAddress {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: NetError,
    },
    /// Every address is special.
    #[error(transparent)]
    Blocked(#[from] Blocked),
}

/// Looks names up.
#[derive(Debug)]
pub struct Resolver {
    overrides: Overrides,
    dns: Dns,
}

impl Resolver {
    /// A resolver with the settings of the service.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { overrides: Overrides::new(&settings.resolve), dns: Dns::new(settings) }
    }

    /// The addresses of `host` that may be dialled, in the order to try them in. `port` only chooses
    /// among overrides; without one none of them applies.
    ///
    /// # Errors
    /// When there is none; [`ResolveError::Blocked`] when there would be, were private ones allowed.
    pub async fn look_up(
        &self,
        host: &str,
        port: Option<u16>,
        reach: Reach,
    ) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some(addresses) = port.and_then(|port| self.overrides.get(host, port)) {
            return guard(host, addresses, reach);
        }
        let no_address = |source| ResolveError::NoAddress { host: host.to_owned(), source };
        let addresses = self.dns.look_up(host).await.map_err(no_address)?;
        if addresses.is_empty() {
            return Err(no_address(NetError::Message("the answer holds no address")));
        }
        guard(host, &addresses, reach)
    }
}

/// Keeps the addresses that may be dialled.
fn guard(host: &str, addresses: &[IpAddr], reach: Reach) -> Result<Vec<IpAddr>, ResolveError> {
    let mut refused = None;
    let allowed: Vec<IpAddr> = addresses
        .iter()
        .copied()
        .filter(|address| match reach.check(host, *address) {
            Ok(()) => true,
            Err(blocked) => {
                refused = Some(blocked);
                false
            }
        })
        .collect();
    match refused {
        Some(blocked) if allowed.is_empty() => Err(blocked.into()),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(overrides: &[&str]) -> Resolver {
        let resolve = overrides.iter().map(|s| s.parse().unwrap()).collect();
        Resolver::new(&Settings { resolve, ..Settings::default() })
    }

    #[tokio::test]
    async fn overrides_pass_the_guard_too() {
        let resolver = resolver(&["a.example:80:127.0.0.1,8.8.8.8", "b.example:80:127.0.0.1"]);
        let public = resolver.look_up("a.example", Some(80), Reach::Public).await.unwrap();
        assert_eq!(public, ["8.8.8.8".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolver.look_up("a.example", Some(80), Reach::Anywhere).await.unwrap().len(), 2);
        let error = resolver.look_up("b.example", Some(80), Reach::Public).await.unwrap_err();
        assert!(matches!(error, ResolveError::Blocked(_)), "{error}");
    }

    #[tokio::test]
    async fn a_system_name_is_guarded_from_the_cache_as_well() {
        let resolver = resolver(&[]);
        for _ in 0..2 {
            let error = resolver.look_up("localhost", None, Reach::Public).await.unwrap_err();
            assert!(matches!(error, ResolveError::Blocked(_)), "{error}");
            assert!(!resolver.look_up("localhost", None, Reach::Anywhere).await.unwrap().is_empty());
        }
    }
}
