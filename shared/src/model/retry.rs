//! A job's own idea of how failed fetches are tried again: what it says of a class of failures stands
//! before the configuration, and travels with each of its tasks.

use super::FailureClass;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, str::FromStr, time::Duration};

/// Longest wait that a policy may have.
pub const MAX_RETRY_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Most attempts that a policy may have.
pub const MAX_ATTEMPTS: u32 = 100;

/// The classes that a job may change: failures of fetching. How a store fails is no job's affair.
pub const JOB_CLASSES: [FailureClass; 5] = [
    FailureClass::Network,
    FailureClass::Dns,
    FailureClass::Server,
    FailureClass::Throttled,
    FailureClass::Unexpected,
];

/// A number that is one: no NaN, no infinity, so that equal numbers are equal.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl Eq for Finite {}

impl Finite {
    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Finite {
    type Error = String;
    fn try_from(number: f64) -> Result<Self, Self::Error> {
        number
            .is_finite()
            .then_some(Self(number))
            .ok_or_else(|| format!("{number} is no number to reckon with"))
    }
}

impl From<Finite> for f64 {
    fn from(number: Finite) -> Self {
        number.0
    }
}

/// What differs from the configured policy of one class; the rest stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyChange {
    /// Attempts in all, the first included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Wait before the second attempt, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_ms: Option<u64>,
    /// Growth of the wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<Finite>,
    /// Longest wait, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap_ms: Option<u64>,
    /// Share of the wait that is drawn at random, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Finite>,
    /// Longest `Retry-After` that is waited for, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl PolicyChange {
    fn merge(&mut self, later: Self) {
        *self = Self {
            attempts: later.attempts.or(self.attempts),
            base_ms: later.base_ms.or(self.base_ms),
            factor: later.factor.or(self.factor),
            cap_ms: later.cap_ms.or(self.cap_ms),
            jitter: later.jitter.or(self.jitter),
            retry_after_ms: later.retry_after_ms.or(self.retry_after_ms),
        };
    }
}

/// A job's changes, by class. Empty for most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RetryChanges(BTreeMap<FailureClass, PolicyChange>);

impl RetryChanges {
    /// Whether the job leaves all to the configuration.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the job changes of a class.
    #[must_use]
    pub fn of(&self, class: FailureClass) -> PolicyChange {
        self.0.get(&class).copied().unwrap_or_default()
    }
}

impl FromIterator<RetryRule> for RetryChanges {
    /// A later rule wins over an earlier one, key by key.
    fn from_iter<T: IntoIterator<Item = RetryRule>>(rules: T) -> Self {
        let mut changes = Self::default();
        for RetryRule { classes, change } in rules {
            for class in classes {
                changes.0.entry(class).or_default().merge(change);
            }
        }
        changes
    }
}

/// One rule as people write it: `CLASS:KEY=VALUE,...`, such as `network:attempts=6,base=2s,cap=10m`. The class `all`
/// stands for each that a job may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRule {
    classes: Vec<FailureClass>,
    change: PolicyChange,
}

impl FromStr for RetryRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (class, pairs) = text.split_once(':').ok_or_else(|| {
            format!("{text:?} names no class: write CLASS:KEY=VALUE,..., such as network:attempts=6,base=2s")
        })?;
        let classes = match class {
            "all" => JOB_CLASSES.to_vec(),
            name => match JOB_CLASSES.into_iter().find(|class| class.as_str() == name) {
                Some(class) => vec![class],
                None => {
                    let known = JOB_CLASSES.map(FailureClass::as_str).join(", ");
                    return Err(format!(
                        "a job can't change how {name:?} is retried; it can for {known}, or for all"
                    ));
                }
            },
        };
        let mut change = PolicyChange::default();
        for pair in pairs.split(',') {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| format!("{pair:?} is no KEY=VALUE; keys are {KEYS}"))?;
            set(&mut change, key.trim(), value.trim())?;
        }
        if let (Some(base), Some(cap)) = (change.base_ms, change.cap_ms)
            && base > cap
        {
            return Err(format!("base is longer than cap in {text:?}"));
        }
        Ok(Self { classes, change })
    }
}

const KEYS: &str = "attempts, base, factor, cap, jitter, retry-after";

fn set(change: &mut PolicyChange, key: &str, value: &str) -> Result<(), String> {
    match key {
        "attempts" => {
            let attempts = value.parse().ok().filter(|n| (1..=MAX_ATTEMPTS).contains(n));
            let attempts = attempts
                .ok_or_else(|| format!("attempts is {value:?}, not a number from 1 to {MAX_ATTEMPTS}"))?;
            change.attempts = Some(attempts);
        }
        "base" => change.base_ms = Some(wait(key, value)?),
        "cap" => change.cap_ms = Some(wait(key, value)?),
        "retry-after" => change.retry_after_ms = Some(wait(key, value)?),
        "factor" => change.factor = Some(number(key, value, 1.0, 100.0)?),
        "jitter" => change.jitter = Some(number(key, value, 0.0, 1.0)?),
        _ => return Err(format!("{key:?} is no key of a policy; there are {KEYS}")),
    }
    Ok(())
}

fn wait(key: &str, value: &str) -> Result<u64, String> {
    let wait = humantime::parse_duration(value).ok().filter(|wait| *wait <= MAX_RETRY_WAIT);
    let wait = wait.ok_or_else(|| {
        format!("{key} is {value:?}, not a duration of a day at most, such as 500ms or 10m")
    })?;
    Ok(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

fn number(key: &str, value: &str, least: f64, most: f64) -> Result<Finite, String> {
    let number = value.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
    number
        .and_then(|number| Finite::try_from(number).ok())
        .ok_or_else(|| format!("{key} is {value:?}, not a number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(rules: &[&str]) -> RetryChanges {
        rules.iter().map(|rule| rule.parse::<RetryRule>().unwrap()).collect()
    }

    #[test]
    fn rules_are_read_and_later_ones_win_key_by_key() {
        let found = changes(&[
            "all:attempts=2,base=500ms",
            "dns:attempts=9,factor=1.5,jitter=0,cap=1h,retry-after=2h",
        ]);
        assert_eq!(
            found.of(FailureClass::Network),
            PolicyChange { attempts: Some(2), base_ms: Some(500), ..PolicyChange::default() }
        );
        let dns = PolicyChange {
            attempts: Some(9),
            base_ms: Some(500),
            factor: Some(Finite(1.5)),
            cap_ms: Some(3_600_000),
            jitter: Some(Finite(0.0)),
            retry_after_ms: Some(7_200_000),
        };
        assert_eq!(found.of(FailureClass::Dns), dns);
        assert_eq!(found.of(FailureClass::Storage), PolicyChange::default());
        let json = serde_json::to_string(&changes(&["dns:attempts=9"])).unwrap();
        assert_eq!(json, r#"{"dns":{"attempts":9}}"#, "what is not said does not travel");
        assert_eq!(
            serde_json::from_str::<RetryChanges>(&serde_json::to_string(&found).unwrap()).unwrap(),
            found
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (rule, word) in [
            ("attempts=3", "names no class"),
            ("storage:attempts=3", "network, dns, server"),
            ("dns:3", "KEY=VALUE"),
            ("dns:retries=3", "retry-after"),
            ("dns:attempts=0", "from 1 to 100"),
            ("dns:base=25h", "a day at most"),
            ("dns:base=2m,cap=1m", "longer than cap"),
            ("dns:factor=0.5", "from 1 to 100"),
            ("dns:jitter=NaN", "from 0 to 1"),
        ] {
            let error = rule.parse::<RetryRule>().unwrap_err();
            assert!(error.contains(word), "{rule}: {error}");
        }
    }
}
