//! When a group counts as ready: while nothing that it works with is known to be away.
//!
//! A message that waits for a database or for the broker makes the group not ready, and trying again alone does not
//! make it ready: that a thing is back is known when an attempt has got through to it.

use super::worker::Worker;
use std::sync::PoisonError;

/// A message that waits for what is not there now. Its group is ready again when the last of them is dropped: when it
/// was handled, or is somebody else's.
pub(super) struct Waiting<'a>(&'a Worker);

impl<'a> Waiting<'a> {
    pub(super) fn new(worker: &'a Worker) -> Self {
        *worker.waiting.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(worker)
    }

    /// Says (again) what it waits for.
    pub(super) fn for_what(&self, why: &str) {
        self.0.health.not_ready(why);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.works_again();
    }
}

impl Worker {
    /// A reason not to be ready is gone; the group is ready unless there is another one.
    pub(super) fn works_again(&self) {
        // Held until it is said, so that who begins to wait meanwhile has the last word.
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if *waiting == 0 && !self.circuit.is_open() && !self.stop.is_cancelled() {
            self.health.ready();
        }
    }
}
