//! How often a job's pages are fetched.

use super::millis;
use crate::{Adaptive, JobSpec, Recrawl};
use humantime::Duration as HumanDuration;
use std::{str::FromStr, time::Duration};

/// When pages are fetched again.
#[derive(Clone, Debug, clap::Args)]
pub struct RecrawlArgs {
    /// Fetch pages again: at a fixed interval such as 24h, or `adaptive`, which follows how often each page
    /// changes [default: never]
    #[arg(long, value_name = "DURATION|adaptive")]
    pub every: Option<Every>,
    /// Adaptive: the first interval of a page
    #[arg(long, value_name = "DURATION", default_value = "1day", requires = "every")]
    pub first_interval: HumanDuration,
    /// Adaptive: the shortest interval
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "every")]
    pub min_interval: HumanDuration,
    /// Adaptive: the longest interval
    #[arg(long, value_name = "DURATION", default_value = "90days", requires = "every")]
    pub max_interval: HumanDuration,
    /// Adaptive: what the interval of a page grows by that had not changed, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 40, requires = "every")]
    pub grow: u32,
    /// Adaptive: what the interval of a page shrinks by that had changed, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 20, requires = "every",
          value_parser = clap::value_parser!(u32).range(0..100))]
    pub shrink: u32,
}

/// See [`RecrawlArgs::every`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// At a fixed interval.
    Fixed(Duration),
    /// As often as each page changes.
    Adaptive,
}

impl FromStr for Every {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "adaptive" {
            return Ok(Self::Adaptive);
        }
        humantime::parse_duration(text)
            .map(Self::Fixed)
            .map_err(|error| format!("neither `adaptive` nor a time such as 24h: {error}"))
    }
}

impl RecrawlArgs {
    pub(super) fn apply(&self, spec: &mut JobSpec) {
        spec.recrawl = self.every.map(|every| match every {
            Every::Fixed(time) => Recrawl::every(millis(time)),
            Every::Adaptive => Recrawl {
                every_ms: millis(*self.first_interval),
                adaptive: Some(Adaptive {
                    min_ms: millis(*self.min_interval),
                    max_ms: millis(*self.max_interval),
                    grow_percent: self.grow,
                    shrink_percent: self.shrink,
                }),
            },
        });
    }
}
