//! Kinds of failure that differ in how long to wait.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A kind of failure: what decides how often and when a message is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Connections, time-outs, broken answers.
    Network,
    /// Names that do not resolve.
    Dns,
    /// 5xx answers.
    Server,
    /// 429 and 503 with `Retry-After`.
    Throttled,
    /// A store refused the effect.
    Storage,
    /// The record itself is wrong.
    Message,
    /// Panics, handler time-outs and all that nobody foresaw.
    Unexpected,
}

impl FailureClass {
    /// All classes.
    pub const ALL: [Self; 7] = [
        Self::Network,
        Self::Dns,
        Self::Server,
        Self::Throttled,
        Self::Storage,
        Self::Message,
        Self::Unexpected,
    ];

    /// The name in records, metrics and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Server => "server",
            Self::Throttled => "throttled",
            Self::Storage => "storage",
            Self::Message => "message",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FailureClass {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("no class of failures is called {name:?}; there are {known}")
        })
    }
}
