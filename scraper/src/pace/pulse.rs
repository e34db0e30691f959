//! Notices that the process stood still: stopped by a signal, or starved of time.
//!
//! Who was frozen for longer than its session has lost its hosts to another scraper, and does not know yet: its timers
//! are all due, and would send at once beside the new owner. So nothing leaves for a while after the process has come
//! back, until its consumers have seen by their own clocks that they are no members any more.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval},
};

/// How often the clock is looked at.
const BEAT: Duration = Duration::from_millis(200);
/// Below any session time-out, above what a busy machine does to a task.
const STOOD_STILL: Duration = Duration::from_secs(2);
/// A consumer looks at its session at least once a second.
const SETTLE: Duration = Duration::from_secs(2);

/// Looks at the clock while it lives.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beats: Arc<Mutex<Beats>>,
    ticker: OnceLock<AbortHandle>,
}

#[derive(Debug, Default)]
struct Beats {
    last: Option<Instant>,
    quiet_until: Option<Instant>,
}

impl Pulse {
    /// Until when nothing may leave, if the process stood still just now. Whoever asks before the ticker has seen it
    /// sees it himself.
    pub(super) fn quiet_until(&self) -> Option<Instant> {
        self.ticker.get_or_init(|| {
            let beats = Arc::clone(&self.beats);
            let ticking = async move {
                let mut ticks = interval(BEAT);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    beat(&beats);
                }
            };
            tokio::spawn(ticking).abort_handle()
        });
        beat(&self.beats)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if let Some(ticker) = self.ticker.get() {
            ticker.abort();
        }
    }
}

fn beat(beats: &Mutex<Beats>) -> Option<Instant> {
    let mut beats = beats.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let still = beats.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
    if still > STOOD_STILL {
        tracing::warn!(
            "the process stood still for {} ms: no site is asked for the next {} ms, because its hosts may be another's now",
            still.as_millis(),
            SETTLE.as_millis()
        );
        beats.quiet_until = Some(now + SETTLE);
    }
    beats.last = Some(now);
    beats.quiet_until.filter(|until| *until > now)
}
