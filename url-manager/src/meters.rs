//! What the frontier tells an operator in numbers: what became of URLs, and how the crawls stand.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    inspect::JobStatus,
    state::UrlState,
    store::{Input, decode, statements},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    time::Duration,
};
use trawl_shared::telemetry::{
    Counters, FloatGauges, Gauges, Instrument,
    catalog::{self, bounded_code},
};

/// How often the crawls are looked at.
const REFRESH: Duration = Duration::from_secs(5);
/// Most crawls that have gauges.
const MOST_CRAWLS: usize = 50;
/// How long a crawl that has ended keeps its gauges.
const AFTERGLOW: SignedDuration = SignedDuration::from_hours(1);

/// The instruments of a frontier.
#[derive(Debug)]
pub(crate) struct Meters {
    ended: Counters,
    excluded: Counters,
    dispatched: Counters,
    crawl_urls: Gauges,
    crawl_hosts: Gauges,
    oldest_host: FloatGauges,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            ended: Counters::new(&catalog::URLS_ENDED),
            excluded: Counters::new(&catalog::URLS_EXCLUDED),
            dispatched: Counters::new(&catalog::TASKS_DISPATCHED),
            crawl_urls: Gauges::new(&catalog::CRAWL_URLS),
            crawl_hosts: Gauges::new(&catalog::CRAWL_HOSTS),
            oldest_host: FloatGauges::new(&catalog::CRAWL_OLDEST_HOST),
        }
    }
}

impl Meters {
    pub(crate) fn instruments(&self) -> [&dyn Instrument; 6] {
        let Self { ended, excluded, dispatched, crawl_urls, crawl_hosts, oldest_host } = self;
        [ended, excluded, dispatched, crawl_urls, crawl_hosts, oldest_host]
    }

    /// URLs were given out.
    pub(crate) fn dispatched(&self, tasks: usize) {
        self.dispatched.of(&[]).inc_by(tasks as u64);
    }

    /// A transaction that was committed moved URLs to these ends, so many by code.
    pub(crate) fn moved(&self, ends: &BTreeMap<(UrlState, String), u64>, exclusions: &BTreeMap<&str, i64>) {
        for ((state, code), urls) in ends {
            self.ended.of(&[state.as_str(), bounded_code(code)]).inc_by(*urls);
        }
        for (code, urls) in exclusions {
            // URLs that are no longer kept out do not count backwards.
            self.excluded.of(&[bounded_code(code)]).inc_by(u64::try_from(*urls).unwrap_or(0));
        }
    }

    fn show(&self, crawl: &JobStatus, oldest: f64) {
        let name = crawl.job.as_str();
        for state in UrlState::ALL {
            let urls = i64::try_from(crawl.count(state)).unwrap_or(i64::MAX);
            self.crawl_urls.of(&[name, state.as_str()]).set(urls);
        }
        self.crawl_hosts.of(&[name]).set(i64::try_from(crawl.hosts).unwrap_or(i64::MAX));
        self.oldest_host.of(&[name]).set(oldest);
    }

    fn hide(&self, crawl: &str) {
        UrlState::ALL.iter().for_each(|state| self.crawl_urls.forget(&[crawl, state.as_str()]));
        self.crawl_hosts.forget(&[crawl]);
        self.oldest_host.forget(&[crawl]);
    }
}

impl Frontier {
    /// Keeps the gauges of the crawls up to date, for ever. A database that is down leaves them as they were.
    pub(crate) async fn show_crawls(&self) -> Infallible {
        let mut shown = BTreeSet::new();
        loop {
            match self.show_crawls_once(&mut shown).await {
                Ok(()) => {}
                Err(error) => tracing::debug!("the gauges of the crawls are old: {error}"),
            }
            tokio::time::sleep(REFRESH).await;
        }
    }

    async fn show_crawls_once(&self, shown: &mut BTreeSet<String>) -> Result<(), FrontierError> {
        let waiting = self.database.ask(&statements::OLDEST_WAITING, Input::default()).await?;
        let waiting: BTreeMap<String, i64> = decode::<(String, i64)>(&waiting)?.into_iter().collect();
        let now = self.now();
        let recently = Timestamp::from_millisecond(now).unwrap_or_default() - AFTERGLOW;
        let is_of_interest =
            |crawl: &JobStatus| !crawl.done || crawl.finished_at.is_none_or(|ended| ended > recently);
        let mut fresh = BTreeSet::new();
        // The newest come last.
        let crawls = self.statuses().await?;
        for crawl in crawls.iter().rev().filter(|crawl| is_of_interest(crawl)).take(MOST_CRAWLS) {
            let late = waiting.get(&crawl.id.to_string()).map_or(0, |since| (now - since).max(0));
            self.meters.show(crawl, Duration::from_millis(late.unsigned_abs()).as_secs_f64());
            fresh.insert(crawl.job.clone());
        }
        shown.difference(&fresh).for_each(|gone| self.meters.hide(gone));
        *shown = fresh;
        Ok(())
    }
}
