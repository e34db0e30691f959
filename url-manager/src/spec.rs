//! What is asked for: a job's settings, as they stand in the database.

use crate::{
    recrawl::Recrawl,
    rules::{CompiledRules, PatternError, ScopeRules},
    scope::ScopeKind,
    traps::TrapRules,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use trawl_shared::model::{ExtractSettings, FetchSettings, UrlRules};

/// A crawl as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobSpec {
    /// Names the job for people; unique in a frontier.
    pub name: String,
    /// Which URLs belong to it. What the scope hangs on are the seeds.
    pub scope: ScopeKind,
    /// What keeps URLs out besides the scope.
    #[serde(skip_serializing_if = "is_default")]
    pub rules: ScopeRules,
    /// Which URLs are one page.
    #[serde(skip_serializing_if = "is_default")]
    pub urls: UrlRules,
    /// Corners of sites that never end.
    #[serde(skip_serializing_if = "is_default")]
    pub traps: TrapRules,
    /// Most links between a seed and a page; none for no limit.
    pub max_depth: Option<u32>,
    /// Most pages that are stored; none for no limit.
    pub max_pages: Option<u64>,
    /// Bytes and time, and all budgets for each host.
    #[serde(skip_serializing_if = "is_default")]
    pub budgets: Budgets,
    /// Jobs with a higher priority get what room there is first.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i16,
    /// When the job ends, whatever is left; none for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Least gap between two requests to one host, in milliseconds; none for
    /// [`default_delay`](crate::job::default_delay).
    pub delay_ms: Option<u64>,
    /// How pages are fetched. Its `delay_ms` is set for each task, by the rule above.
    pub fetch: FetchSettings,
    /// What is extracted.
    pub extract: ExtractSettings,
    /// When pages are fetched again; none for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recrawl: Option<Recrawl>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a job may use up, besides its pages. What is over is excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budgets {
    /// Bytes of stored pages, decompressed; none for no limit. What is in flight when they are used up
    /// comes in besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Time from the making of the job on, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// What one host may use up.
    #[serde(skip_serializing_if = "is_default")]
    pub host: HostBudget,
}

/// What a job may use up at one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostBudget {
    /// Pages that are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Bytes of stored pages, decompressed; what is in flight comes in besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Time from the host's first answer on, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

impl Default for JobSpec {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            scope: ScopeKind::Host,
            rules: ScopeRules::default(),
            urls: UrlRules::default(),
            traps: TrapRules::default(),
            max_depth: None,
            max_pages: None,
            budgets: Budgets::default(),
            priority: 0,
            expires_at: None,
            delay_ms: None,
            fetch: FetchSettings::default(),
            extract: ExtractSettings::default(),
            recrawl: None,
        }
    }
}

impl JobSpec {
    /// The rules, ready for use.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn compile(&self) -> Result<CompiledRules, PatternError> {
        self.rules.compile()
    }

    /// When the job ends, whatever is left, in Unix milliseconds; `created_at` is when it was made. The
    /// code says which of its settings ends it.
    #[must_use]
    pub fn deadline(&self, created_at: i64) -> Option<(i64, &'static str)> {
        use trawl_shared::model::code;
        let time = self
            .budgets
            .time_ms
            .map(|time| (created_at.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)), code::BUDGET));
        let expiry = self.expires_at.map(|at| (at.as_millisecond(), code::EXPIRED));
        [time, expiry].into_iter().flatten().min()
    }

    /// A copy for people to look at, without secrets.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self { fetch: self.fetch.redacted(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_deadline_counts() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let mut spec = JobSpec::default();
        assert_eq!(spec.deadline(5), None);
        spec.budgets.time_ms = Some(100);
        assert_eq!(spec.deadline(5), Some((105, "budget")));
        spec.expires_at = Some(at(50));
        assert_eq!(spec.deadline(5), Some((50, "expired")));
        spec.budgets.time_ms = Some(u64::MAX);
        assert_eq!(spec.deadline(5), Some((50, "expired")));
    }

    #[test]
    fn what_is_usual_takes_no_room_and_comes_back() {
        let spec = JobSpec::default();
        let json = serde_json::to_string(&spec).unwrap();
        assert!(!json.contains("traps") && !json.contains("utm_"), "{json}");
        assert_eq!(serde_json::from_str::<JobSpec>(&json).unwrap(), spec);
        assert_eq!(serde_json::from_str::<JobSpec>("{}").unwrap(), spec);
    }
}
