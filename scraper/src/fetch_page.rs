//! One page, the whole way: robots.txt, the host's gate, the exchange, cookies.

use crate::{
    cookies::Jars,
    http::{BuildError, Client, HttpError, Request, Response},
    pace::{Limits, Pace, TooLong},
    polite::{Polite, Refusal},
    resolve::Resolver,
    robots::{RobotsCache, RobotsRules, Standing, Unreachable, Verdict},
    settings::Settings,
    status::Policy,
};
use jiff::Timestamp;
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use trawl_shared::model::{CanonicalUrl, FetchSettings, JobId, PaceMode, RobotsPolicy, Validators};
use url::{Position, Url};

/// Longest gap or wait that is reckoned with, whatever a job or a site says.
const MAX_GAP: Duration = Duration::from_secs(24 * 60 * 60);
/// Origins whose sitemaps are known to be told.
const MAX_TOLD: usize = 65_536;

/// Fetches pages politely. Cheap to share, holds no state that a restart could lose.
#[derive(Debug)]
pub struct Fetcher {
    polite: Polite,
    robots: RobotsCache,
    jars: Jars,
    told: Told,
}

/// What is to be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The page.
    pub url: &'a CanonicalUrl,
    /// Whose jar of cookies is used, where the job wants any.
    pub job: JobId,
    /// How.
    pub settings: &'a FetchSettings,
    /// The version that is known: a newer one is asked for.
    pub validators: Option<&'a Validators>,
    /// Not before.
    pub earliest: Option<Timestamp>,
}

/// What became of one fetch.
#[derive(Debug)]
pub struct Fetched {
    /// The site's answer, whatever its status.
    pub result: Result<Response, NoAnswer>,
    /// The gap that the site's robots.txt asks for, where that is known.
    pub crawl_delay: Option<Duration>,
    /// The sitemaps that the site's robots.txt names: with the first page of an origin, where the job wants them.
    pub sitemaps: Vec<String>,
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
    /// Sets up client, pace and caches.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(settings: &Settings) -> Result<Self, BuildError> {
        let pace = Pace::new(
            settings.concurrency,
            Duration::from_millis(settings.max_wait_ms).min(MAX_GAP),
            Duration::from_millis(settings.max_back_off_ms).min(MAX_GAP),
        );
        let client = Client::new(settings, Arc::new(Resolver::new(settings)))?;
        let polite = Polite::new(client, pace);
        Ok(Self { polite, robots: RobotsCache::new(settings), jars: Jars::default(), told: Told::default() })
    }

    /// The way out: its gates and what it counts.
    #[must_use]
    pub fn polite(&self) -> &Polite {
        &self.polite
    }

    /// Hosts came from somebody else, who may have asked any of them just now.
    pub fn handed_over(&self) {
        self.polite.handed_over();
    }

    /// Fetches a page once. Redirects are answers.
    pub async fn fetch(&self, ask: Ask<'_>) -> Fetched {
        let Ask { url, settings, .. } = ask;
        let mut limits = limits(settings, ask.earliest);
        let mut rules = None;
        if settings.robots == RobotsPolicy::Obey {
            rules = match self.may_fetch(url, settings, limits).await {
                Ok(rules) => rules,
                Err((no, crawl_delay)) => {
                    return Fetched { result: Err(no), crawl_delay, sitemaps: Vec::new() };
                }
            };
        }
        let crawl_delay = rules.as_ref().and_then(|rules| rules.crawl_delay());
        limits.gap = limits.gap.max(crawl_delay.unwrap_or_default());
        let cookies =
            settings.cookies.then(|| self.jars.header(ask.job, url.as_url(), Timestamp::now())).flatten();
        let request = Request {
            validators: ask.validators,
            cookies: cookies.as_deref(),
            ..Request::page(url.as_url(), settings)
        };
        let result = self.polite.get(&url.host_key(), limits, request).await.map_err(NoAnswer::from);
        if let Ok(response) = &result
            && settings.cookies
        {
            self.jars.keep(ask.job, url.as_url(), response.values("set-cookie"), Timestamp::now());
        }
        let mut sitemaps = Vec::new();
        // Only a page carries them on.
        if let (true, Some(rules), Ok(response)) = (settings.sitemaps, rules, &result)
            && response.policy() == Policy::Page
            && self.told.is_first(ask.job, url.as_url())
        {
            sitemaps = rules.sitemaps(url.as_url());
        }
        Fetched { result, crawl_delay, sitemaps }
    }

    /// Asks robots.txt; answers its rules, where there are some. If they say no, the crawl-delay comes along.
    async fn may_fetch(
        &self,
        url: &CanonicalUrl,
        settings: &FetchSettings,
        limits: Limits,
    ) -> Result<Option<Arc<RobotsRules>>, (NoAnswer, Option<Duration>)> {
        let standing = self.robots.standing(&self.polite, url, settings, limits).await;
        match standing.map_err(|too_long| (too_long.into(), None))? {
            Standing::Unrestricted => Ok(None),
            Standing::Unreachable(why) => Err((NoAnswer::Robots(why), None)),
            Standing::Blocked(blocked) => Err((NoAnswer::Http(HttpError::Blocked((*blocked).clone())), None)),
            Standing::Rules(rules) => match rules.verdict(url.as_url()) {
                Verdict::Allowed => Ok(Some(rules)),
                Verdict::Disallowed(rule) => Err((NoAnswer::Disallowed(rule), rules.crawl_delay())),
            },
        }
    }
}

/// Whose sitemaps were told already. Forgetting does no harm: the frontier knows what it has seen.
#[derive(Debug, Default)]
struct Told(Mutex<HashSet<u64>>);

impl Told {
    /// Whether the job hears of the URL's origin for the first time.
    fn is_first(&self, job: JobId, url: &Url) -> bool {
        let mut hasher = DefaultHasher::new();
        (job, &url[..Position::BeforePath]).hash(&mut hasher);
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_TOLD {
            told.clear();
        }
        told.insert(hasher.finish())
    }
}

fn limits(settings: &FetchSettings, earliest: Option<Timestamp>) -> Limits {
    let wait = earliest.and_then(|at| Duration::try_from(at.duration_since(Timestamp::now())).ok());
    Limits {
        per_host: settings.per_host.into(),
        gap: Duration::from_millis(settings.delay_ms).min(MAX_GAP),
        earliest: wait.filter(|wait| !wait.is_zero()).map(|wait| Instant::now() + wait.min(MAX_GAP)),
        adaptive: match settings.pace {
            PaceMode::Fixed => None,
            PaceMode::Adaptive { max_delay_ms } => Some(Duration::from_millis(max_delay_ms).min(MAX_GAP)),
        },
    }
}
