//! What is to be done about a letter, and what was.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What is to be done about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody has to look at it
    Open,
    /// Its record was sent again; nothing was heard of it since
    Replayed,
    /// Its replay was handled
    Resolved,
    /// Nothing will be done
    Discarded,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Replayed, Self::Resolved, Self::Discarded];

    /// The name in tables and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| format!("no state is called {name:?}"))
    }
}

/// One entry of a letter's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What the letter became; after a replay that was handled at once, `replayed` may stand behind `resolved`.
    pub state: State,
    /// Who did it: a person, or the worker that gave the message up or handled it.
    pub by: String,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Replays before.
    pub replays: u32,
}
