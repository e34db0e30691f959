//! The gate of one host.

use super::{Limits, pulse::Pulse};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex as FairMutex, Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// The first back-off of a host that throttles us; it doubles with each further answer of the kind
/// and halves with each other one.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// A back-off below this is over.
const LEAST_BACK_OFF: Duration = Duration::from_millis(500);
/// How long a host is remembered after its last request, beyond its gap.
const MEMORY: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Held by the head of the queue while it waits; tokio's mutex is fair, which makes the queue.
    turn: FairMutex<()>,
    queued: AtomicU32,
    /// Told whenever a request ends.
    ended: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    last_start: Option<Instant>,
    last_gap: Duration,
    /// The host's own wish: nobody before this.
    closed_until: Option<Instant>,
    back_off: Duration,
    /// What the host's answers say the gap should be; only who wants that is bound by it.
    adaptive_gap: Duration,
    /// How long its answers take to begin: half the newest, half what was known.
    latency: Duration,
}

/// A gate at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    pub(super) under_way: usize,
    pub(super) queued: u32,
    pub(super) latency: Duration,
    /// Until the host may be asked again, by its own wish.
    pub(super) blocked_for: Duration,
    back_off: Duration,
}

impl Snapshot {
    pub(super) fn is_backing_off(&self) -> bool {
        !self.back_off.is_zero() || !self.blocked_for.is_zero()
    }
}

impl State {
    /// The gap that holds for a request with these limits.
    fn gap(&self, limits: &Limits) -> Duration {
        let adaptive = limits.adaptive.map_or(Duration::ZERO, |longest| self.adaptive_gap.min(longest));
        limits.gap.max(self.back_off).max(adaptive)
    }

    /// When a request with these limits may start, as far as time goes.
    fn due(&self, limits: &Limits) -> Option<Instant> {
        let after_last = self.last_start.map(|start| start + self.gap(limits));
        after_last.max(self.closed_until).max(limits.earliest)
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self, now: Instant) -> Snapshot {
        let state = self.state();
        Snapshot {
            under_way: state.under_way,
            queued: self.queued.load(Ordering::Relaxed),
            latency: state.latency,
            blocked_for: state
                .closed_until
                .map_or(Duration::ZERO, |until| until.saturating_duration_since(now)),
            back_off: state.back_off,
        }
    }

    /// Somebody may have asked the host at this instant.
    pub(super) fn asked(&self, at: Option<Instant>) {
        let mut state = self.state();
        state.last_start = state.last_start.max(at);
    }

    /// How long a newcomer would wait, if every request took no time.
    pub(super) fn expected_wait(&self, limits: &Limits) -> Duration {
        let state = self.state();
        let gap = state.gap(limits);
        let head =
            state.due(limits).map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now()));
        head + gap.saturating_mul(self.queued.load(Ordering::Relaxed))
    }

    /// Whether nothing is lost if the host is met as a stranger next time.
    pub(super) fn is_forgettable(&self, now: Instant) -> bool {
        let state = self.state();
        let past = |instant: Option<Instant>, memory: Duration| instant.is_none_or(|i| i + memory <= now);
        state.under_way == 0
            && past(state.last_start, state.last_gap.max(state.back_off) + MEMORY)
            && past(state.closed_until, state.back_off + MEMORY)
    }

    /// Waits for the turn, the gap and a slot.
    pub(super) async fn enter(
        gate: &Arc<Self>,
        limits: &Limits,
        slots: &Arc<Semaphore>,
        pulse: &Pulse,
        max_back_off: Duration,
    ) -> Pass {
        let _queued = Queued::new(gate);
        let _turn = gate.turn.lock().await;
        loop {
            while gate.state().under_way >= limits.per_host.max(1) {
                // A permit is stored if it ends right now, and only the head ever waits here.
                gate.ended.notified().await;
            }
            if let Some(due) = gate.due_later(limits) {
                sleep_until(due).await;
                continue;
            }
            let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
            if let Some(until) = pulse.quiet_until() {
                drop(slot);
                sleep_until(until).await;
                continue;
            }
            // The host may have asked for quiet while no slot was free.
            if gate.due_later(limits).is_some() {
                continue;
            }
            let mut state = gate.state();
            state.under_way += 1;
            state.last_start = Some(Instant::now());
            state.last_gap = state.gap(limits);
            drop(state);
            return Pass { gate: Arc::clone(gate), limits: *limits, max_back_off, _slot: slot };
        }
    }

    fn due_later(&self, limits: &Limits) -> Option<Instant> {
        self.state().due(limits).filter(|due| *due > Instant::now())
    }
}

/// Counts a task as queued for as long as it is.
struct Queued<'a>(&'a Gate);

impl<'a> Queued<'a> {
    fn new(gate: &'a Gate) -> Self {
        gate.queued.fetch_add(1, Ordering::Relaxed);
        Self(gate)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to one request: counts as under way, and holds a slot, until dropped.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    limits: Limits,
    max_back_off: Duration,
    _slot: OwnedSemaphorePermit,
}

impl Pass {
    /// The host has seen the request by `when`: its answer began, or nobody waits for one any more. It may have seen it
    /// at any instant before, so the gap counts from here and holds in the host's own log, however long the way was and
    /// however late a busy host takes note.
    pub fn reached(&self, when: Instant) {
        self.gate.asked(Some(when));
    }

    /// The host asked for fewer requests, and perhaps for how long.
    pub fn throttled(&self, retry_after: Option<Duration>) {
        let mut state = self.gate.state();
        state.back_off = (state.back_off * 2).max(FIRST_BACK_OFF).min(self.max_back_off);
        let quiet = retry_after.unwrap_or_default().max(state.back_off).min(self.max_back_off);
        state.closed_until = state.closed_until.max(Some(Instant::now() + quiet));
    }

    /// The host failed, or took too long: an adaptive gap doubles.
    pub fn strained(&self) {
        if let Some(longest) = self.limits.adaptive {
            let mut state = self.gate.state();
            let doubled = state.adaptive_gap.max(self.limits.gap) * 2;
            state.adaptive_gap = doubled.max(FIRST_BACK_OFF).min(longest);
        }
    }

    /// The host answered as usual, the header after `latency`: its back-off eases, and an adaptive gap goes half the
    /// way down to the latency or all the way up. So a host is at work for us half of the time at most.
    pub fn answered(&self, latency: Duration) {
        let mut state = self.gate.state();
        state.latency = if state.latency.is_zero() { latency } else { (state.latency + latency) / 2 };
        if let Some(longest) = self.limits.adaptive {
            let half_way = (state.adaptive_gap + latency) / 2;
            state.adaptive_gap = half_way.max(latency).clamp(self.limits.gap.min(longest), longest);
        }
        if !state.back_off.is_zero() {
            state.back_off /= 2;
            if state.back_off < LEAST_BACK_OFF {
                state.back_off = Duration::ZERO;
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.state().under_way -= 1;
        self.gate.ended.notify_one();
    }
}
