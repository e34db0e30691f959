//! From a host name to addresses that may be dialled: overrides, a small cache, the system's
//! resolver, and the address guard behind all three.
//!
//! Invariant: what [`Resolver::look_up`] answers has passed the guard, also when it comes from an
//! override or the cache; a client that dials only these can't be led elsewhere by DNS.

mod overrides;

pub use overrides::{OverrideError, Overrides, ResolveOverride};

use crate::address::{Blocked, Reach};
use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Names remembered at once; the cache is emptied of the expired, then of all, beyond it.
const CACHE_CAPACITY: usize = 16_384;

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
        source: io::Error,
    },
    /// Every address is special.
    #[error(transparent)]
    Blocked(#[from] Blocked),
}

/// Looks names up.
#[derive(Debug)]
pub struct Resolver {
    overrides: Overrides,
    ttl: Duration,
    cache: Mutex<HashMap<String, Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    addresses: Arc<[IpAddr]>,
    until: Instant,
}

impl Resolver {
    /// A resolver that remembers answers for `ttl`.
    #[must_use]
    pub fn new(overrides: Overrides, ttl: Duration) -> Self {
        Self { overrides, ttl, cache: Mutex::default() }
    }

    /// The overrides it answers from first.
    #[must_use]
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The addresses of `host` that may be dialled, in the resolver's order. `port` only chooses
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
        let addresses = match self.cached(host) {
            Some(addresses) => addresses,
            None => self.ask_system(host).await?,
        };
        guard(host, &addresses, reach)
    }

    fn cached(&self, host: &str) -> Option<Arc<[IpAddr]>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cache.get(host)?;
        (known.until > Instant::now()).then(|| Arc::clone(&known.addresses))
    }

    async fn ask_system(&self, host: &str) -> Result<Arc<[IpAddr]>, ResolveError> {
        let no_address = |source| ResolveError::NoAddress { host: host.to_owned(), source };
        let found = tokio::net::lookup_host((host, 0)).await.map_err(no_address)?;
        let addresses: Arc<[IpAddr]> = found.map(|socket| socket.ip()).collect();
        if addresses.is_empty() {
            return Err(no_address(io::Error::new(
                io::ErrorKind::NotFound,
                "the resolver answered with nothing",
            )));
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_CAPACITY {
            let now = Instant::now();
            cache.retain(|_, known| known.until > now);
            if cache.len() >= CACHE_CAPACITY {
                cache.clear();
            }
        }
        let known = Remembered { addresses: Arc::clone(&addresses), until: Instant::now() + self.ttl };
        cache.insert(host.to_owned(), known);
        Ok(addresses)
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
        let overrides: Vec<ResolveOverride> = overrides.iter().map(|s| s.parse().unwrap()).collect();
        Resolver::new(Overrides::new(&overrides), Duration::from_secs(60))
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
