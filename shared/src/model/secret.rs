//! Text that no log, no error and no debug output shows.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A secret of a job. It travels with the job's tasks, because the fetcher needs it and has no database:
/// whoever reads the broker or the frontier's tables reads it. `Debug` and `Display` say `[redacted]`; only
/// [`Secret::expose`] and serialisation give the text.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// What stands where a secret would.
pub const REDACTED: &str = "[redacted]";

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A secret that holds [`REDACTED`]: for copies of settings that people look at.
    #[must_use]
    pub fn redacted() -> Self {
        Self::new(REDACTED)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
