//! A bounded memory of finished message ids: check, then process. Services with a database record
//! ids in the transaction of the effect as well; this one saves the work of near duplicates.

use crate::model::MessageId;
use std::collections::{HashSet, VecDeque};

#[derive(Debug)]
pub(super) struct RecentIds {
    capacity: usize,
    ids: HashSet<MessageId>,
    order: VecDeque<MessageId>,
}

impl RecentIds {
    /// Remembers the last `capacity` ids (0: none). 40 bytes each.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, ids: HashSet::new(), order: VecDeque::new() }
    }

    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn insert(&mut self, id: MessageId) {
        if self.capacity == 0 || !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let id = |n| MessageId(Uuid::from_u128(n));
        let mut recent = RecentIds::new(2);
        for n in [1, 2, 2, 3] {
            recent.insert(id(n));
        }
        assert_eq!([1, 2, 3].map(|n| recent.contains(id(n))), [false, true, true]);
        let mut none = RecentIds::new(0);
        none.insert(id(1));
        assert!(!none.contains(id(1)));
    }
}
