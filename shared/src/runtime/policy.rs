//! How often a failed message is tried again, and how long it waits before.

use crate::model::{FailureClass, Finite, MAX_ATTEMPTS, MAX_RETRY_WAIT, PolicyChange, RetryChanges};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How one class of failures is retried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; then the message is a dead letter.
    pub attempts: u32,
    /// Wait before the second attempt, in milliseconds.
    pub base_ms: u64,
    /// Each further wait is this many times the one before.
    pub factor: f64,
    /// Longest wait that the growth comes to, in milliseconds.
    pub cap_ms: u64,
    /// Share of the wait that is drawn at random (1: all of it, "full jitter").
    pub jitter: f64,
    /// Longest `Retry-After` that is waited for, in milliseconds. It wins over all of the above: what asks for longer
    /// is asked again after this.
    pub retry_after_ms: u64,
}

impl RetryPolicy {
    /// The wait before attempt number `attempt + 1`, when `attempt` attempts have failed and the other side asked
    /// for `retry_after`.
    #[must_use]
    pub fn delay(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        if let Some(asked) = retry_after {
            return asked.min(Duration::from_millis(self.retry_after_ms));
        }
        let jitter = self.jitter.clamp(0.0, 1.0);
        self.longest_delay(attempt).mul_f64(1.0 - jitter * fastrand::f64())
    }

    /// The same wait as its jitter leaves it at most.
    #[must_use]
    pub fn longest_delay(&self, attempt: u32) -> Duration {
        let cap = Duration::from_millis(self.cap_ms);
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = Duration::from_millis(self.base_ms).as_secs_f64() * self.factor.powi(exponent);
        Duration::try_from_secs_f64(grown).map_or(cap, |grown| grown.min(cap))
    }

    /// This policy with what a job changes of it. A longer base lifts the cap with it, and a lower cap takes the
    /// base down, so that the job need not know the other.
    #[must_use]
    pub fn with(mut self, change: PolicyChange) -> Self {
        self.attempts = change.attempts.unwrap_or(self.attempts);
        self.factor = change.factor.map_or(self.factor, Finite::get);
        self.jitter = change.jitter.map_or(self.jitter, Finite::get);
        self.retry_after_ms = change.retry_after_ms.unwrap_or(self.retry_after_ms);
        self.base_ms = change.base_ms.unwrap_or(self.base_ms);
        self.cap_ms = match (change.cap_ms, change.base_ms) {
            (Some(cap), _) => cap,
            (None, Some(base)) => self.cap_ms.max(base),
            (None, None) => self.cap_ms,
        };
        self.base_ms = self.base_ms.min(self.cap_ms);
        self
    }

    /// Says what makes no sense.
    fn check(&self) -> Result<(), String> {
        let longest = u64::try_from(MAX_RETRY_WAIT.as_millis()).unwrap_or(u64::MAX);
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts) {
            return Err(format!("attempts is {}, not a number from 1 to {MAX_ATTEMPTS}", self.attempts));
        }
        if !(1.0..=100.0).contains(&self.factor) {
            return Err(format!("factor is {}, not a number from 1 to 100", self.factor));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(format!("jitter is {}, not a share from 0 to 1", self.jitter));
        }
        if self.base_ms > self.cap_ms {
            return Err(format!("base_ms is {}, longer than cap_ms, which is {}", self.base_ms, self.cap_ms));
        }
        for (name, wait) in [("cap_ms", self.cap_ms), ("retry_after_ms", self.retry_after_ms)] {
            if wait > longest {
                return Err(format!("{name} is {wait}, longer than a day ({longest})"));
            }
        }
        Ok(())
    }
}

/// The policy of every class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<FailureClass, RetryPolicy>", into = "BTreeMap<FailureClass, RetryPolicy>")]
pub struct RetryPolicies(BTreeMap<FailureClass, RetryPolicy>);

impl RetryPolicies {
    /// The policy of a class, for a job that changes it so.
    #[must_use]
    pub fn of(&self, class: FailureClass, changes: &RetryChanges) -> RetryPolicy {
        let configured = self.0.get(&class).cloned().unwrap_or_else(|| default_policy(class));
        configured.with(changes.of(class))
    }
}

impl TryFrom<BTreeMap<FailureClass, RetryPolicy>> for RetryPolicies {
    type Error = String;

    fn try_from(policies: BTreeMap<FailureClass, RetryPolicy>) -> Result<Self, Self::Error> {
        for (class, policy) in &policies {
            policy.check().map_err(|why| format!("retry.{class}: {why}"))?;
        }
        Ok(Self(policies))
    }
}

impl From<RetryPolicies> for BTreeMap<FailureClass, RetryPolicy> {
    fn from(policies: RetryPolicies) -> Self {
        policies.0
    }
}

impl Default for RetryPolicies {
    fn default() -> Self {
        Self(FailureClass::ALL.into_iter().map(|class| (class, default_policy(class))).collect())
    }
}

fn default_policy(class: FailureClass) -> RetryPolicy {
    let (attempts, base_ms, factor, cap_ms) = match class {
        FailureClass::Network | FailureClass::Server => (4, 1_000, 4.0, 600_000),
        FailureClass::Dns => (3, 2_000, 5.0, 600_000),
        FailureClass::Throttled => (8, 5_000, 2.0, 600_000),
        FailureClass::Storage => (5, 1_000, 4.0, 600_000),
        FailureClass::Message => (1, 0, 1.0, 0),
        FailureClass::Unexpected => (2, 1_000, 4.0, 60_000),
    };
    let retry_after_ms = if class == FailureClass::Message { 0 } else { 3_600_000 };
    RetryPolicy { attempts, base_ms, factor, cap_ms, jitter: 0.5, retry_after_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RetryRule;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 9,
        base_ms: 1_000,
        factor: 4.0,
        cap_ms: 10_000,
        jitter: 0.0,
        retry_after_ms: 60_000,
    };

    #[test]
    fn delays_grow_to_their_cap_and_never_pass_it() {
        let delays: Vec<_> = (1..5).map(|n| POLICY.delay(n, None).as_millis()).collect();
        assert_eq!(delays, [1_000, 4_000, 10_000, 10_000]);
        let jittered = RetryPolicy { jitter: 1.0, ..POLICY };
        assert!((0..100).all(|_| jittered.delay(2, None) <= Duration::from_secs(4)));
        assert_eq!(POLICY.delay(u32::MAX, None), Duration::from_secs(10));
    }

    #[test]
    fn what_the_other_side_asks_for_wins_within_a_bound_of_its_own() {
        let asked = |seconds| POLICY.delay(1, Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!([0, 7, 59, 99].map(asked), [0, 7, 59, 60]);
    }

    #[test]
    fn a_job_changes_what_it_names() {
        let changes = |rule: &str| [rule.parse::<RetryRule>().unwrap()].into_iter().collect::<RetryChanges>();
        let policies = RetryPolicies::default();
        let usual = policies.of(FailureClass::Network, &RetryChanges::default());
        assert_eq!(policies.of(FailureClass::Network, &changes("dns:attempts=9")), usual);
        let longer = policies.of(FailureClass::Network, &changes("network:base=20m"));
        assert_eq!(longer, RetryPolicy { base_ms: 1_200_000, cap_ms: 1_200_000, ..usual.clone() });
        let shorter = policies.of(FailureClass::Network, &changes("all:cap=100ms,attempts=2"));
        assert_eq!(shorter, RetryPolicy { attempts: 2, base_ms: 100, cap_ms: 100, ..usual });
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let refused = |text: &str| {
            let text = format!("[network]\n{text}");
            let full =
                "attempts = 4\nbase_ms = 1\nfactor = 4.0\ncap_ms = 9\njitter = 0.5\nretry_after_ms = 1\n";
            let key = text.rsplit('\n').next().unwrap().split(' ').next().unwrap().to_owned();
            let rest: String =
                full.lines().filter(|line| !line.starts_with(&key)).map(|line| format!("\n{line}")).collect();
            toml::from_str::<RetryPolicies>(&(text + &rest)).unwrap_err().to_string()
        };
        for (line, words) in [
            ("attempts = 0", "retry.network: attempts is 0"),
            ("factor = 0.5", "factor is 0.5"),
            ("jitter = 1.5", "jitter is 1.5"),
            ("base_ms = 10", "longer than cap_ms"),
            ("cap_ms = 86400001", "longer than a day"),
        ] {
            let error = refused(line);
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
