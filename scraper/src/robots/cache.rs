//! Who may fetch what, remembered by origin. One fetch of a file serves everybody who waits for it.

use super::{Standing, fetch::fetch, product_token};
use crate::{
    pace::{Limits, TooLong},
    polite::Polite,
    settings::Settings,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::OnceCell, time::Instant};
use trawl_shared::model::{CanonicalUrl, FetchSettings};
use url::Position;

/// What an entry takes besides its rules.
const ENTRY_WEIGHT: usize = 300;

/// The bounded, shared memory of robots.txt files.
#[derive(Debug)]
pub struct RobotsCache {
    entries: Mutex<Entries>,
    max_files: usize,
    max_bytes: usize,
    ttl: Duration,
    retry: Duration,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<String, Entry>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    known: Arc<OnceCell<Known>>,
    /// The cache's clock when it was last asked for.
    used: u64,
    /// What it counts for among `Entries::bytes`.
    weight: usize,
}

#[derive(Debug)]
struct Known {
    standing: Standing,
    until: Instant,
}

impl RobotsCache {
    /// An empty cache.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            entries: Mutex::default(),
            max_files: settings.robots_cache_files.max(1),
            max_bytes: settings.robots_cache_bytes,
            ttl: Duration::from_millis(settings.robots_ttl_ms),
            retry: Duration::from_millis(settings.robots_retry_ms),
        }
    }

    /// What holds for `url`'s origin and the job's user agent; fetched where it is not known. If
    /// the caller goes away while it fetches, the next who waits takes over.
    ///
    /// # Errors
    /// When the host's queue is too long to fetch the file now.
    pub async fn standing(
        &self,
        polite: &Polite,
        url: &CanonicalUrl,
        settings: &FetchSettings,
        limits: Limits,
    ) -> Result<Standing, TooLong> {
        let origin = &url.as_url()[..Position::BeforePath];
        let agent = product_token(&settings.user_agent);
        // A file that one job may not reach says nothing about the other.
        let reach = if settings.allow_private_addresses { "anywhere" } else { "public" };
        let key = format!("{origin} {agent} {reach}");

        let cell = self.cell(&key);
        if let Some(known) = cell.get() {
            return Ok(known.standing.clone());
        }
        let known = cell
            .get_or_try_init(async || {
                let standing = fetch(polite, url, settings, agent, limits).await?;
                polite.meters().robots(&standing);
                let lifetime =
                    if matches!(standing, Standing::Unreachable(_)) { self.retry } else { self.ttl };
                Ok(Known { standing, until: Instant::now() + lifetime })
            })
            .await?;
        let weight = match &known.standing {
            Standing::Rules(rules) => rules.weight(),
            Standing::Unrestricted | Standing::Unreachable(_) | Standing::Blocked(_) => 0,
        };
        self.weigh(&key, weight + key.len() + ENTRY_WEIGHT);
        Ok(known.standing.clone())
    }

    /// The cell for a key: the one in memory unless its time is over.
    fn cell(&self, key: &str) -> Arc<OnceCell<Known>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clock += 1;
        let clock = entries.clock;
        if let Some(entry) = entries.by_key.get_mut(key) {
            entry.used = clock;
            if entry.known.get().is_none_or(|known| known.until > Instant::now()) {
                return Arc::clone(&entry.known);
            }
        }
        let known = Arc::new(OnceCell::new());
        let entry = Entry { known: Arc::clone(&known), used: clock, weight: 0 };
        if let Some(old) = entries.by_key.insert(key.to_owned(), entry) {
            entries.bytes -= old.weight;
        }
        known
    }

    /// Notes what an entry weighs, and makes room if that is too much.
    fn weigh(&self, key: &str, weight: usize) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.by_key.get_mut(key) {
            let before = std::mem::replace(&mut entry.weight, weight);
            entries.bytes = entries.bytes - before + weight;
        }
        if entries.by_key.len() > self.max_files || entries.bytes > self.max_bytes {
            entries.evict(self.max_files, self.max_bytes);
        }
    }
}

impl Entries {
    /// Drops the entries asked for longest ago until an eighth of the room is free, so that this
    /// is rare.
    fn evict(&mut self, max_files: usize, max_bytes: usize) {
        let mut by_age: Vec<(u64, String)> =
            self.by_key.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        by_age.sort_unstable();
        for (_, key) in by_age {
            if self.by_key.len() <= max_files - max_files / 8 && self.bytes <= max_bytes - max_bytes / 8 {
                break;
            }
            if let Some(entry) = self.by_key.remove(&key) {
                self.bytes -= entry.weight;
            }
        }
    }
}
