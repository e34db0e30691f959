//! The five topics.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A topic. The names are the user's; a `topic_prefix` setting may stand before each, and only
/// broker adapters know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// URLs that are to be fetched, keyed by host.
    ScrapingTasks,
    /// Pages as fetched, keyed by page.
    ScrapedData,
    /// How tasks ended, keyed by page.
    ParsedData,
    /// Records that wait for another attempt.
    Retry,
    /// Records that no further attempt can help.
    DeadLetter,
}

impl Topic {
    /// All topics, in the order of the pipeline.
    pub const ALL: [Self; 5] =
        [Self::ScrapingTasks, Self::ScrapedData, Self::ParsedData, Self::Retry, Self::DeadLetter];

    /// The name, without any prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScrapingTasks => "scraping-tasks",
            Self::ScrapedData => "scraped-data",
            Self::ParsedData => "parsed-data",
            Self::Retry => "retry",
            Self::DeadLetter => "dead-letter",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Topic {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|topic| topic.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("no topic is called {name:?}; there are {known}")
        })
    }
}
