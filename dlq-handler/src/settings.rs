//! What can be set for the ledger. Where it is, is `database.url`.

use serde::{Deserialize, Serialize};
use trawl_shared::{config::Section, model::Secret, runtime::GroupSettings};

/// Settings of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most letters entered in one transaction.
    pub batch_size: usize,
    /// Longest a letter waits for its batch to fill, in milliseconds.
    pub batch_wait_ms: u64,
    /// Address that serves the page and REST; port 0 takes a free one, empty serves nothing.
    pub listen: String,
    /// What callers must show (as `Authorization: Bearer TOKEN`, or on the page's sign-in). Required on any address that is
    /// not loopback.
    pub token: Secret,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 64,
            batch_wait_ms: 100,
            listen: "127.0.0.1:0".to_owned(),
            token: Secret::default(),
        }
    }
}

impl Section for Settings {
    const NAME: &'static str = "dlq-handler";
}

impl Settings {
    /// The consumer group: letters may hold whole pages, so few are in memory at once.
    #[must_use]
    pub fn group(&self) -> GroupSettings {
        GroupSettings {
            concurrency: 1,
            max_in_flight: self.batch_size.saturating_mul(2).max(1),
            max_in_flight_bytes: 32 * 1024 * 1024,
            batch_size: self.batch_size.max(1),
            batch_wait_ms: self.batch_wait_ms,
            ..GroupSettings::default()
        }
    }
}
