//! What can be set for the frontier. What belongs to a job travels with the job and is not here.

use serde::{Deserialize, Serialize};
use trawl_shared::config::Section;

/// Settings of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most URLs in flight, over all jobs and hosts.
    pub max_in_flight: u32,
    /// Most URLs given out in one transaction.
    pub batch: u32,
    /// Most URLs of one host in flight where its delay is zero (or eight times the job's `per_host`,
    /// if that is more).
    pub queue_ahead: u32,
    /// Where a host has a delay: how much of its time is given out ahead, in milliseconds.
    pub queue_ahead_ms: u64,
    /// A URL whose slot is further away than this is not given out yet, in milliseconds.
    pub horizon_ms: u64,
    /// How long a URL may be in flight, from its slot on, before it is given out again, in
    /// milliseconds. Waits in the retry lane extend it.
    pub lease_ms: u64,
    /// How often due URLs are looked for when nothing else says that there may be some, in
    /// milliseconds.
    pub poll_ms: u64,
    /// How long dispatch waits after feedback for more to come in, so that each round is worth its
    /// transaction, in milliseconds.
    pub settle_ms: u64,
    /// Most URLs in flight over all hosts of one registrable domain; 0 for no such bound.
    pub per_domain: u32,
    /// Most URLs in flight over all hosts that answered from one address; 0 for no such bound.
    pub per_address: u32,
    /// Most URLs given out in a minute, over all jobs and hosts, each in a slot of its own; 0 for no
    /// such bound.
    pub max_per_minute: u32,
    /// How long the hosts of a url-manager that is gone wait for another one, where several share a
    /// database, in milliseconds. It is renewed every second.
    pub shard_lease_ms: u64,
    /// Links remembered in memory, in front of the table of URLs (10 bytes each; the memory grows
    /// with use). More of them means fewer questions to the database, never another answer.
    pub seen_front: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_in_flight: 256,
            batch: 256,
            queue_ahead: 128,
            queue_ahead_ms: 2_000,
            horizon_ms: 10_000,
            lease_ms: 5 * 60_000,
            poll_ms: 250,
            settle_ms: 5,
            per_domain: 0,
            per_address: 0,
            max_per_minute: 0,
            shard_lease_ms: 10_000,
            seen_front: 16 * 1024 * 1024,
        }
    }
}

impl Section for Settings {
    const NAME: &'static str = "url-manager";
}
