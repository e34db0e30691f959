//! How the hosts stand, for an operator: in numbers, and the slowest and the blocked ones by name.

use super::{Pace, gate::Snapshot};
use serde::Serialize;
use std::{cmp::Reverse, sync::PoisonError, time::Duration};
use tokio::time::Instant;
use trawl_shared::model::HostKey;

/// Hosts by how they stand; one may count more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All that have a gate.
    pub known: usize,
    /// With a request under way.
    pub active: usize,
    /// With tasks that wait at the gate.
    pub waited_for: usize,
    /// That asked for fewer requests.
    pub backing_off: usize,
}

/// One host, as its gate has it.
#[derive(Clone, Debug, Serialize)]
pub struct HostReport {
    /// The host.
    pub host: HostKey,
    /// Requests under way.
    pub under_way: usize,
    /// Tasks that wait at the gate.
    pub queued: u32,
    /// How long its answers took to begin lately, in milliseconds.
    pub latency_ms: u64,
    /// How long it is left alone from now on because it asked for it, in milliseconds.
    pub blocked_for_ms: u64,
}

/// The hosts that an operator wants to see.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HostReports {
    /// Those whose answers take longest, the slowest first.
    pub slowest: Vec<HostReport>,
    /// Those that are left alone, the longest first.
    pub blocked: Vec<HostReport>,
}

impl Pace {
    fn snapshots(&self) -> Vec<(HostKey, Snapshot)> {
        let now = Instant::now();
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.gates.iter().map(|(host, gate)| (host.clone(), gate.snapshot(now))).collect()
    }

    /// Counts the hosts.
    #[must_use]
    pub fn census(&self) -> Census {
        let now = Instant::now();
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut census = Census { known: hosts.gates.len(), ..Census::default() };
        for gate in hosts.gates.values() {
            let gate = gate.snapshot(now);
            census.active += usize::from(gate.under_way > 0);
            census.waited_for += usize::from(gate.queued > 0);
            census.backing_off += usize::from(gate.is_backing_off());
        }
        census
    }

    /// The slowest and the blocked hosts, at most `most` of each.
    #[must_use]
    pub fn report(&self, most: usize) -> HostReports {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let reports: Vec<HostReport> = self
            .snapshots()
            .into_iter()
            .map(|(host, gate)| HostReport {
                host,
                under_way: gate.under_way,
                queued: gate.queued,
                latency_ms: millis(gate.latency),
                blocked_for_ms: millis(gate.blocked_for),
            })
            .collect();
        let first = |by: fn(&HostReport) -> u64| {
            let mut found: Vec<_> = reports.iter().filter(|report| by(report) > 0).cloned().collect();
            found.sort_by_key(|report| Reverse(by(report)));
            found.truncate(most);
            found
        };
        HostReports {
            slowest: first(|report| report.latency_ms),
            blocked: first(|report| report.blocked_for_ms),
        }
    }
}
