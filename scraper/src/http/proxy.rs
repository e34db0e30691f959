//! Which proxy a host goes through. A host keeps to one for as long as that works: sites see one visitor, and cookies
//! stay true. A proxy that fails rests for a while, and its hosts go on through the others.

use super::HttpError;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use trawl_shared::model::ProxyUrl;

/// The first rest of a proxy that failed; it doubles with each further failure in a row.
const FIRST_REST: Duration = Duration::from_secs(5);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(10 * 60);
/// Failing proxies that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// The health of all proxies that jobs have named.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    failing: Mutex<HashMap<ProxyUrl, Failing>>,
}

#[derive(Debug)]
struct Failing {
    in_a_row: u32,
    until: Instant,
}

impl Proxies {
    /// The proxies that `host` may go through now, the one it keeps to first.
    ///
    /// # Errors
    /// When all of them rest.
    pub(super) fn order<'a>(
        &self,
        proxies: &'a [ProxyUrl],
        host: &str,
    ) -> Result<Vec<&'a ProxyUrl>, HttpError> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let rests = |proxy: &ProxyUrl| failing.get(proxy).is_some_and(|failing| failing.until > now);
        // Rendezvous hashing: when one falls out, only its own hosts move.
        let mut able: Vec<(u64, &ProxyUrl)> =
            proxies.iter().filter(|proxy| !rests(proxy)).map(|proxy| (rank(proxy, host), proxy)).collect();
        able.sort_unstable_by_key(|(rank, _)| *rank);
        match proxies.first() {
            Some(first) if able.is_empty() => Err(HttpError::Proxy {
                proxy: first.to_string(),
                why: "it and all others of the job have failed a moment ago and rest".to_owned(),
            }),
            _ => Ok(able.into_iter().map(|(_, proxy)| proxy).collect()),
        }
    }

    /// The proxy did its part.
    pub(super) fn worked(&self, proxy: &ProxyUrl) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).remove(proxy);
    }

    /// The proxy itself failed, not what is behind it.
    pub(super) fn failed(&self, proxy: &ProxyUrl) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if failing.len() >= MAX_REMEMBERED {
            failing.retain(|_, failing| failing.until > now);
        }
        let entry = failing.entry(proxy.clone()).or_insert(Failing { in_a_row: 0, until: now });
        // Requests that were under way together fail together: that is one failure.
        if entry.until <= now {
            let rest = FIRST_REST.saturating_mul(1 << entry.in_a_row.min(16)).min(LONGEST_REST);
            entry.in_a_row += 1;
            entry.until = now + rest;
            tracing::warn!(proxy = %proxy, "proxy {proxy} failed and rests for {} s", rest.as_secs());
        }
    }
}

fn rank(proxy: &ProxyUrl, host: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (proxy.expose().as_str(), host).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(count: usize) -> Vec<ProxyUrl> {
        (0..count).map(|n| format!("http://p{n}.example:3128").parse().unwrap()).collect()
    }

    #[test]
    fn a_host_keeps_to_its_proxy_and_hosts_are_spread() {
        let (health, all) = (Proxies::default(), proxies(4));
        let first = |n: usize| health.order(&all, &format!("h{n}.example")).unwrap()[0].clone();
        let mut served: HashMap<ProxyUrl, usize> = HashMap::new();
        for n in 0..100 {
            assert_eq!(first(n), first(n));
            *served.entry(first(n)).or_default() += 1;
        }
        assert!(served.len() == 4 && served.values().all(|hosts| *hosts >= 10), "{served:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_proxy_rests_longer_each_time_and_only_its_hosts_move() {
        let (health, all) = (Proxies::default(), proxies(3));
        let first = |n: usize| health.order(&all, &format!("h{n}.example")).unwrap()[0].clone();
        let before: Vec<ProxyUrl> = (0..50).map(first).collect();
        let bad = before[0].clone();
        health.failed(&bad);
        health.failed(&bad);
        for (n, old) in before.iter().enumerate() {
            assert!(first(n) != bad && (*old == bad || first(n) == *old));
        }
        tokio::time::advance(FIRST_REST).await;
        assert_eq!(first(0), bad, "it is tried again");
        health.failed(&bad);
        tokio::time::advance(FIRST_REST).await;
        assert_ne!(first(0), bad, "the second rest is longer");
        tokio::time::advance(FIRST_REST).await;
        assert_eq!(first(0), bad);
        health.worked(&bad);
        health.failed(&bad);
        tokio::time::advance(FIRST_REST).await;
        assert_eq!(first(0), bad, "all is forgiven");
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_rest_nobody_is_asked() {
        let (health, all) = (Proxies::default(), proxies(2));
        assert!(health.order(&[], "a.example").unwrap().is_empty());
        for proxy in &all {
            health.failed(proxy);
        }
        let error = health.order(&all, "a.example").unwrap_err();
        assert_eq!(error.code(), "proxy_failed");
        tokio::time::advance(LONGEST_REST).await;
        assert_eq!(health.order(&all, "a.example").unwrap().len(), 2);
    }
}
