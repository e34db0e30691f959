//! The numbers of the runtime.

use super::{Clock, RetryPolicies};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// One consumer group: which handlers it runs, and how much of it at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSettings {
    /// Handlers, by name; each brings its topic. A group takes its own name's handler when empty.
    #[serde(default)]
    pub handlers: Vec<String>,
    /// Members of the group in this process.
    #[serde(default = "one")]
    pub instances: usize,
    /// Messages (or batches) handled at once by one member.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// Messages a member holds, waiting ones included.
    #[serde(default = "default_max_in_flight")]
    pub max_in_flight: usize,
    /// Bytes of records a member holds.
    #[serde(default = "default_max_in_flight_bytes")]
    pub max_in_flight_bytes: usize,
    /// Most messages of a batch.
    #[serde(default = "default_batch_size")]
    pub batch_size: usize,
    /// Longest a message waits for its batch to fill, in milliseconds.
    #[serde(default = "default_batch_wait_ms")]
    pub batch_wait_ms: u64,
    /// Longest one call of the handler may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

const fn one() -> usize {
    1
}
const fn default_concurrency() -> usize {
    64
}
const fn default_max_in_flight() -> usize {
    1024
}
const fn default_max_in_flight_bytes() -> usize {
    64 * 1024 * 1024
}
const fn default_batch_size() -> usize {
    256
}
const fn default_batch_wait_ms() -> u64 {
    25
}
const fn default_timeout_ms() -> u64 {
    600_000
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            handlers: Vec::new(),
            instances: one(),
            concurrency: default_concurrency(),
            max_in_flight: default_max_in_flight(),
            max_in_flight_bytes: default_max_in_flight_bytes(),
            batch_size: default_batch_size(),
            batch_wait_ms: default_batch_wait_ms(),
            timeout_ms: default_timeout_ms(),
        }
    }
}

/// How the loops of a process run.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// Consumer groups by name; a service's own defaults stand for those not named here.
    pub groups: BTreeMap<String, GroupSettings>,
    /// When failed messages are tried again.
    pub retry: RetryPolicies,
    /// Partitions of `retry`, which are its delay tiers.
    pub retry_partitions: i32,
    /// `Later` waits up to this hold the message in place, longer ones send it through `retry`.
    pub hold_in_place: Duration,
    /// Finished message ids remembered per group.
    pub recent_ids: usize,
    /// Offsets are committed at least this often...
    pub commit_interval: Duration,
    /// ...and after this many finished messages.
    pub commit_every: usize,
    /// How long a rebalance waits for what is in flight.
    pub revoke_timeout: Duration,
    /// How long a shutdown waits for what is in flight.
    pub drain_timeout: Duration,
    /// Names this process among those of its service; empty takes host name and process id.
    pub instance: String,
    /// Whether members keep their partitions over a restart (`group.instance.id`).
    pub static_membership: bool,
    /// Due times are told by it.
    pub clock: Clock,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            retry: RetryPolicies::default(),
            retry_partitions: 12,
            hold_in_place: Duration::from_secs(5),
            recent_ids: 65_536,
            commit_interval: Duration::from_secs(1),
            commit_every: 1_000,
            revoke_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(25),
            instance: String::new(),
            static_membership: false,
            clock: Clock::System,
        }
    }
}
