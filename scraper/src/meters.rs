//! What the fetcher tells an operator in numbers.

use crate::{fetch_page::NoAnswer, http::Response, pace::Pace, robots::Standing};
use std::time::Duration;
use trawl_shared::{
    message::TraceContext,
    model::{ScrapedPage, TaskEnded},
    runtime::Failure,
    telemetry::{
        Counters, Gauges, Histograms, Instrument,
        catalog::{self, bounded_code},
    },
};

/// The instruments of a fetcher; clones share them.
#[derive(Clone, Debug)]
pub struct Meters {
    fetches: Counters,
    duration: Histograms,
    bytes: Counters,
    gate_wait: Histograms,
    robots: Counters,
    hosts: Gauges,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            fetches: Counters::new(&catalog::FETCHES),
            duration: Histograms::new(&catalog::FETCH_DURATION),
            bytes: Counters::new(&catalog::FETCHED_BYTES),
            gate_wait: Histograms::new(&catalog::GATE_WAIT),
            robots: Counters::new(&catalog::ROBOTS),
            hosts: Gauges::new(&catalog::HOSTS_KNOWN),
        }
    }
}

impl Meters {
    /// What is scraped.
    #[must_use]
    pub fn instruments(&self) -> [&dyn Instrument; 6] {
        let Self { fetches, duration, bytes, gate_wait, robots, hosts } = self;
        [fetches, duration, bytes, gate_wait, robots, hosts]
    }

    /// A site answered, or did not.
    pub(crate) fn answered(&self, result: &Result<Response, NoAnswer>, trace: TraceContext) {
        let Ok(response) = result else { return };
        let class = match response.status {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            500..=599 => "5xx",
            _ => "other",
        };
        self.duration.of(&[class]).observe(response.took, Some(trace));
        self.bytes.of(&[]).inc_by(response.body.len() as u64);
    }

    /// What the service makes of a fetch.
    pub(crate) fn ended(&self, answer: &Result<(Option<ScrapedPage>, Option<TaskEnded>), Failure>) {
        let (outcome, code) = match answer {
            Ok((_, Some(end))) => (end.outcome.as_str(), end.code.as_ref()),
            Ok((_, None)) => ("page", "ok"),
            Err(Failure::Later { .. }) => ("later", "host_busy"),
            Err(Failure::Retry(fault)) => ("failed", fault.code.as_ref()),
            Err(Failure::Reject(fault)) => ("dead", fault.code.as_ref()),
        };
        self.fetches.of(&[outcome, bounded_code(code)]).inc();
    }

    /// A request waited so long at its host's gate.
    pub(crate) fn waited(&self, wait: Duration) {
        self.gate_wait.of(&[]).observe(wait, None);
    }

    /// A robots.txt was asked for.
    pub(crate) fn robots(&self, standing: &Standing) {
        let standing = match standing {
            Standing::Rules(_) => "rules",
            Standing::Unrestricted => "unrestricted",
            Standing::Unreachable(_) => "unreachable",
            Standing::Blocked(_) => "blocked",
        };
        self.robots.of(&[standing]).inc();
    }

    /// How the hosts stand now.
    pub(crate) fn hosts(&self, pace: &Pace) {
        let census = pace.census();
        for (state, hosts) in [
            ("known", census.known),
            ("active", census.active),
            ("waited_for", census.waited_for),
            ("backing_off", census.backing_off),
        ] {
            self.hosts.of(&[state]).set(i64::try_from(hosts).unwrap_or(i64::MAX));
        }
    }
}
