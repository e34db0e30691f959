//! What can be set for the store. Where it is, is `database.url`.

use serde::{Deserialize, Serialize};
use trawl_shared::{config::Section, runtime::GroupSettings};

/// Settings of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most pages stored in one transaction.
    pub batch_size: usize,
    /// Longest a page waits for its batch to fill, in milliseconds.
    pub batch_wait_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { batch_size: 128, batch_wait_ms: 50 }
    }
}

impl Section for Settings {
    const NAME: &'static str = "storage";
}

impl Settings {
    /// The consumer group: one batch is read while another is written; more at once only wait for the
    /// database and hold memory.
    #[must_use]
    pub fn group(&self) -> GroupSettings {
        GroupSettings {
            concurrency: 2,
            max_in_flight: self.batch_size.saturating_mul(4).max(1),
            max_in_flight_bytes: 16 * 1024 * 1024,
            batch_size: self.batch_size.max(1),
            batch_wait_ms: self.batch_wait_ms,
            ..GroupSettings::default()
        }
    }
}
