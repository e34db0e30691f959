//! One page, the whole way: robots.txt, the host's gate, the exchange.

use crate::{
    address::Reach,
    http::{BuildError, Client, HttpError, Request, Response},
    pace::{Limits, Pace, TooLong},
    polite::{Polite, Refusal},
    resolve::{Overrides, Resolver},
    robots::{RobotsCache, Standing, Unreachable, Verdict},
    settings::Settings,
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use trawl_shared::model::{CanonicalUrl, FetchSettings, RobotsPolicy};

/// Longest gap or wait that is reckoned with, whatever a job or a site says.
const MAX_GAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Fetches pages politely. Cheap to share, holds no state that a restart could lose.
#[derive(Debug)]
pub struct Fetcher {
    polite: Polite,
    robots: RobotsCache,
}

/// What became of one fetch.
#[derive(Debug)]
pub struct Fetched {
    /// The site's answer, whatever its status.
    pub result: Result<Response, NoAnswer>,
    /// The gap that the site's robots.txt asks for, where that is known.
    pub crawl_delay: Option<Duration>,
}

/// Why the site gave no answer, or was not asked.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// robots.txt forbids it; the line that does.
    #[error("{0}")]
    Disallowed(String),
    /// robots.txt can't be had.
    #[error(transparent)]
    Robots(Arc<Unreachable>),
    /// The host's queue is too long for now.
    #[error(transparent)]
    Wait(#[from] TooLong),
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl From<Refusal> for NoAnswer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Wait(too_long) => Self::Wait(too_long),
            Refusal::Http(error) => Self::Http(error),
        }
    }
}

impl Fetcher {
    /// Sets up clients, pace and caches.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(settings: &Settings) -> Result<Self, BuildError> {
        let resolver = Arc::new(Resolver::new(
            Overrides::new(&settings.resolve),
            Duration::from_millis(settings.dns_ttl_ms),
        ));
        let pace = Pace::new(
            settings.concurrency,
            Duration::from_millis(settings.max_wait_ms).min(MAX_GAP),
            Duration::from_millis(settings.max_back_off_ms).min(MAX_GAP),
        );
        let client = Client::new(settings, &resolver)?;
        Ok(Self { polite: Polite::new(client, pace), robots: RobotsCache::new(settings) })
    }

    /// Fetches `url` once, not before `earliest`. Redirects are answers.
    pub async fn fetch(
        &self,
        url: &CanonicalUrl,
        settings: &FetchSettings,
        earliest: Option<Timestamp>,
    ) -> Fetched {
        let mut limits = limits(settings, earliest);
        let mut crawl_delay = None;
        if settings.robots == RobotsPolicy::Obey {
            crawl_delay = match self.may_fetch(url, settings, limits).await {
                Ok(crawl_delay) => crawl_delay,
                Err((no, crawl_delay)) => return Fetched { result: Err(no), crawl_delay },
            };
            limits.gap = limits.gap.max(crawl_delay.unwrap_or_default());
        }
        let request = Request {
            url: url.as_url(),
            user_agent: &settings.user_agent,
            timeout: Duration::from_millis(settings.timeout_ms).min(MAX_GAP),
            max_body: settings.max_body,
            reach: Reach::from(settings.allow_private_addresses),
        };
        let result = self.polite.get(&url.host_key(), limits, request).await.map_err(NoAnswer::from);
        Fetched { result, crawl_delay }
    }

    /// Asks robots.txt; answers the crawl-delay.
    async fn may_fetch(
        &self,
        url: &CanonicalUrl,
        settings: &FetchSettings,
        limits: Limits,
    ) -> Result<Option<Duration>, (NoAnswer, Option<Duration>)> {
        let standing = self.robots.standing(&self.polite, url, settings, limits).await;
        match standing.map_err(|too_long| (too_long.into(), None))? {
            Standing::Unrestricted => Ok(None),
            Standing::Unreachable(why) => Err((NoAnswer::Robots(why), None)),
            Standing::Blocked(blocked) => Err((NoAnswer::Http(HttpError::Blocked((*blocked).clone())), None)),
            Standing::Rules(rules) => match rules.verdict(url.as_url()) {
                Verdict::Allowed => Ok(rules.crawl_delay()),
                Verdict::Disallowed(rule) => Err((NoAnswer::Disallowed(rule), rules.crawl_delay())),
            },
        }
    }
}

fn limits(settings: &FetchSettings, earliest: Option<Timestamp>) -> Limits {
    let wait = earliest.and_then(|at| Duration::try_from(at.duration_since(Timestamp::now())).ok());
    Limits {
        per_host: settings.per_host.into(),
        gap: Duration::from_millis(settings.delay_ms).min(MAX_GAP),
        earliest: wait.filter(|wait| !wait.is_zero()).map(|wait| Instant::now() + wait.min(MAX_GAP)),
    }
}
