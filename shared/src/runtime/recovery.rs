//! What is published besides a handler's outputs when its message came back from the dead letters.

use super::{route::Item, worker::Worker};
use crate::message::{Record, Recovered};

impl Worker {
    /// A handler's outputs; where its message came back from the dead letters, that it was handled is one of them.
    pub(super) fn with_recovery(&self, item: &Item, mut records: Vec<Record>) -> Vec<Record> {
        let now = self.runtime.clock.now();
        let recovered = Recovered::of(&item.delivery, &item.envelope, &self.group, &self.caller.worker, now);
        records.extend(recovered.map(Recovered::into_record));
        records
    }
}
