//! How much a job may use up, and when its turn is.

use super::millis;
use crate::{Budgets, HostBudget, JobSpec};
use bytesize::ByteSize;
use humantime::Duration as HumanDuration;
use jiff::Timestamp;

/// What the job may use up, in all and of each host.
#[derive(Clone, Debug, clap::Args)]
pub struct BudgetArgs {
    /// Most pages to store [default: no limit]
    #[arg(long, value_name = "N")]
    pub max_pages: Option<u64>,
    /// Most bytes to store, such as 10GiB; what is in flight then comes in besides
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<ByteSize>,
    /// Longest time from the making of the job on, such as 12h
    #[arg(long, value_name = "DURATION")]
    pub max_time: Option<HumanDuration>,
    /// Most pages to store of one host
    #[arg(long, value_name = "N")]
    pub host_max_pages: Option<u64>,
    /// Most bytes to store of one host
    #[arg(long, value_name = "SIZE")]
    pub host_max_bytes: Option<ByteSize>,
    /// Longest time to spend on one host, from its first answer on
    #[arg(long, value_name = "DURATION")]
    pub host_max_time: Option<HumanDuration>,
    /// Jobs with a higher priority get what room there is first
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i16,
    /// When the job ends, whatever is left: an instant such as 2030-01-31T12:00:00Z, or a time from now such as 7d
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub expires: Option<Timestamp>,
}

impl BudgetArgs {
    pub(super) fn apply(&self, spec: &mut JobSpec) {
        let time = |time: Option<HumanDuration>| time.map(|time| millis(*time));
        let bytes = |bytes: Option<ByteSize>| bytes.map(|bytes| bytes.as_u64());
        spec.max_pages = self.max_pages;
        spec.budgets = Budgets {
            bytes: bytes(self.max_bytes),
            time_ms: time(self.max_time),
            host: HostBudget {
                pages: self.host_max_pages,
                bytes: bytes(self.host_max_bytes),
                time_ms: time(self.host_max_time),
            },
        };
        spec.priority = self.priority;
        spec.expires_at = self.expires;
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let time = humantime::parse_duration(text).map_err(|_| {
        "write an instant such as 2030-01-31T12:00:00Z, or a time from now such as 7d".to_owned()
    })?;
    Timestamp::now().checked_add(time).map_err(|error| error.to_string())
}
