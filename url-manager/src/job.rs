//! Jobs: what follows from what was asked for, for one URL.

pub use crate::{
    recrawl::{Adaptive, Recrawl},
    spec::{Budgets, HostBudget, JobSpec},
};

use crate::{
    rules::{CompiledRules, Refusal},
    scope::Scope,
    settings::Settings,
    state::Verdict,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use trawl_shared::model::{CanonicalUrl, HostKey, JobId, RobotsPolicy, code};

/// The gap between two requests to one host of a job that names none, in milliseconds.
pub const DEFAULT_DELAY_MS: u64 = 1_000;

/// The gap between two requests to `host` where the job leaves it to us: one second, and none to
/// this very machine, which is one's own.
#[must_use]
pub fn default_delay(host: &HostKey) -> u64 {
    if host.is_loopback() { 0 } else { DEFAULT_DELAY_MS }
}

/// Whether a job's URLs are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// They are.
    Running,
    /// Not for now.
    Paused,
    /// Not any more.
    Stopped,
    /// There are none left.
    Done,
    /// The job is forgotten; its row only keeps its number.
    Deleted,
}

impl JobState {
    /// The name in the database and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Deleted => "deleted",
        }
    }

    /// Whether nothing more happens unless somebody asks for it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Stopped | Self::Done | Self::Deleted)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Running, Self::Paused, Self::Stopped, Self::Done, Self::Deleted]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of a job"))
    }
}

/// A job as the frontier works with it.
#[derive(Clone, Debug)]
pub struct Job {
    /// `jobs.id`: short, and known in this database only.
    pub row: i64,
    /// The job's id everywhere else.
    pub id: JobId,
    /// What was asked for.
    pub spec: JobSpec,
    /// Which URLs belong to it.
    pub scope: Scope,
    /// What keeps URLs out besides.
    pub rules: CompiledRules,
    /// How often the scope has widened, or the settings have changed.
    pub generation: i64,
    /// When it was made, in Unix milliseconds.
    pub created_at: i64,
}

impl Job {
    /// What to do with a URL that was found at `depth`.
    #[must_use]
    pub fn judge(&self, url: &CanonicalUrl, depth: u32, redirects: u8) -> Verdict {
        if !self.scope.admits(url) {
            Verdict::Exclude(code::SCOPE)
        } else if let Some(code) = self.rules.refuses(url).or_else(|| self.spec.traps.refuses(url)) {
            Verdict::Exclude(code)
        } else if redirects > self.spec.fetch.bounds.max_redirects {
            Verdict::Exclude(code::TOO_MANY_REDIRECTS)
        } else if self.spec.max_depth.is_some_and(|most| depth > most) {
            Verdict::Exclude(code::DEPTH)
        } else {
            Verdict::Queue
        }
    }

    /// The rule by which [`Job::judge`] keeps a URL out that it gave this code, for people; none where the
    /// code says it all, or the rules have changed since.
    #[must_use]
    pub fn describe(&self, url: &CanonicalUrl, code: &str) -> Option<String> {
        let by_rule = || self.rules.describe(url).or_else(|| self.spec.traps.describe(url));
        match code {
            code::SCOPE => Some(format!("the scope is {}, and no seed has it in", self.spec.scope)),
            code::DEPTH => self.spec.max_depth.map(|most| format!("at most {most} links from a seed")),
            code::TRAP_QUERY_VARIANTS | code::TRAP_CALENDAR | code::TRAP_PAGINATION => {
                let bound = self.spec.traps.bound(code)?;
                Some(format!("{bound} URLs that differ in nothing else came in before"))
            }
            _ => by_rule().filter(|refusal| refusal.code == code).map(|Refusal { rule, .. }| rule),
        }
    }

    /// Whether robots meta tags and `rel=nofollow` bind the job.
    #[must_use]
    pub fn obeys_robots(&self) -> bool {
        self.spec.fetch.robots == RobotsPolicy::Obey
    }

    /// The gap between two requests to a host, in milliseconds.
    #[must_use]
    pub fn delay_ms(&self, host: &HostKey, crawl_delay_ms: u64) -> u64 {
        let own = self.spec.delay_ms.unwrap_or_else(|| default_delay(host));
        if self.obeys_robots() { own.max(crawl_delay_ms) } else { own }
    }

    /// Most URLs of a host that are given away at once: enough that the fetcher never waits for the
    /// next one, few enough that a host with a long delay holds up nothing else.
    #[must_use]
    pub fn ahead(&self, delay_ms: u64, settings: &Settings) -> u32 {
        let per_host = u32::from(self.spec.fetch.per_host.max(1));
        if delay_ms == 0 {
            return settings.queue_ahead.max(per_host.saturating_mul(8));
        }
        let in_time = u32::try_from(settings.queue_ahead_ms.div_ceil(delay_ms)).unwrap_or(u32::MAX);
        in_time.saturating_add(1).min(settings.queue_ahead.max(2))
    }
}
