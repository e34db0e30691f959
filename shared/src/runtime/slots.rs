//! Places for handlers: how many of one member run at once.
//!
//! A place is held while a handler works, and given back before its outputs are acknowledged: a
//! wait for the broker costs a message's share of memory (`max_in_flight`), not a handler's.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// The places of one member. Only its loop takes them; whoever has one gives it back by dropping it.
#[derive(Debug)]
pub(super) struct Slots {
    count: usize,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    taken: AtomicUsize,
    freed: Notify,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Shared>);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self { count, shared: Arc::default() }
    }

    pub(super) fn is_one_free(&self) -> bool {
        self.shared.taken.load(Ordering::Acquire) < self.count
    }

    pub(super) fn take(&self) -> Slot {
        self.shared.taken.fetch_add(1, Ordering::AcqRel);
        Slot(Arc::clone(&self.shared))
    }

    /// Waits until a place was given back since the last wait.
    pub(super) async fn freed(&self) {
        self.shared.freed.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}
