//! Politeness: when a request to a host may start.
//!
//! Each host has a gate. Whoever wants to ask the host something queues at it, first come first
//! served; the one at the head waits until
//!
//! 1. fewer than `per_host` requests are under way,
//! 2. the gap since the last start has passed, the host's back-off is over and the task's own
//!    instant has come, and
//! 3. one of the global slots is free, and the process did not just stand still,
//!
//! and only then is the gate open for the next. A waiting task holds a small future, no slot and no
//! connection. Invariant: two starts at one host are never closer than the later one's gap. As that is to hold where
//! the host sees it, a start counts from when the host has surely seen its request ([`Pass::reached`]).

mod gate;
mod pulse;
mod report;
#[cfg(test)]
mod tests;

pub use gate::Pass;
pub use report::{Census, HostReport, HostReports};

use gate::Gate;
use pulse::Pulse;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use trawl_shared::model::HostKey;

/// Hosts remembered before the idle ones are looked for.
const FIRST_SWEEP: usize = 1024;

/// What one request asks of its host's gate.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at once.
    pub per_host: usize,
    /// Least time since the host saw the last request.
    pub gap: Duration,
    /// Not before.
    pub earliest: Option<Instant>,
    /// The gap follows how the host answers, between `gap` and this.
    pub adaptive: Option<Duration>,
}

/// The wait would be longer than the pace allows for; come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host's queue is {} ms long", .0.as_millis())]
pub struct TooLong(pub Duration);

/// The gates of all hosts. Hosts that nobody waits for are forgotten once their gap is over.
#[derive(Debug)]
pub struct Pace {
    hosts: Mutex<Hosts>,
    slots: Arc<Semaphore>,
    pulse: Pulse,
    max_wait: Duration,
    max_back_off: Duration,
}

#[derive(Debug)]
struct Hosts {
    gates: HashMap<HostKey, Arc<Gate>>,
    sweep_at: usize,
    /// Until then somebody else may have asked any host.
    handed_over: Option<Instant>,
}

impl Pace {
    /// A pace of at most `slots` requests at once over all hosts, in which nobody waits longer
    /// than `max_wait` and a host that throttles us is left alone for `max_back_off` at most.
    #[must_use]
    pub fn new(slots: usize, max_wait: Duration, max_back_off: Duration) -> Self {
        Self {
            hosts: Mutex::new(Hosts { gates: HashMap::new(), sweep_at: FIRST_SWEEP, handed_over: None }),
            slots: Arc::new(Semaphore::new(slots.clamp(1, Semaphore::MAX_PERMITS))),
            pulse: Pulse::default(),
            max_wait,
            max_back_off,
        }
    }

    /// Waits until a request to `host` may start. The pass is to be held until its last byte is in.
    ///
    /// # Errors
    /// When the wait is, or turns out to be, longer than the pace's bound.
    pub async fn enter(&self, host: &HostKey, limits: Limits) -> Result<Pass, TooLong> {
        let gate = self.gate(host);
        let expected = gate.expected_wait(&limits);
        if expected > self.max_wait {
            return Err(TooLong(expected));
        }
        timeout(self.max_wait, Gate::enter(&gate, &limits, &self.slots, &self.pulse, self.max_back_off))
            .await
            .map_err(|_| TooLong(gate.expected_wait(&limits).max(Duration::from_secs(1))))
    }

    /// Hosts came from somebody else, who may have asked any of them just now: each is left alone for its gap.
    pub fn handed_over(&self) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.handed_over = Some(Instant::now());
        hosts.gates.values().for_each(|gate| gate.asked(hosts.handed_over));
    }

    fn gate(&self, host: &HostKey) -> Arc<Gate> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = hosts.gates.get(host) {
            return Arc::clone(gate);
        }
        if hosts.gates.len() >= hosts.sweep_at {
            let now = Instant::now();
            hosts.gates.retain(|_, gate| Arc::strong_count(gate) > 1 || !gate.is_forgettable(now));
            hosts.sweep_at = FIRST_SWEEP.max(hosts.gates.len() * 2);
        }
        let gate = Arc::new(Gate::default());
        gate.asked(hosts.handed_over);
        hosts.gates.insert(host.clone(), Arc::clone(&gate));
        gate
    }

    #[cfg(test)]
    fn known_hosts(&self) -> usize {
        self.hosts.lock().unwrap().gates.len()
    }
}
