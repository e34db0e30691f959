//! The watermark of one assigned partition: what may be committed while messages finish out of
//! order.
//!
//! Holds: the committed offset is never above an unfinished record, and never goes back. What is
//! finished above the watermark rides in the commit's metadata, so a crash replays little.

use crate::broker::{Commit, Partition};
use std::{
    collections::{BTreeSet, VecDeque},
    ops::RangeInclusive,
};

/// Metadata longer than this is left out (brokers refuse more than 4 KiB); a crash then replays
/// the window, which is harmless.
const MAX_METADATA: usize = 3 * 1024;
const METADATA_VERSION: &str = "v1;";

#[derive(Debug)]
pub(super) struct Tracker {
    partition: Partition,
    /// Received and not finished.
    open: BTreeSet<i64>,
    /// Behind the highest offset received.
    next: i64,
    /// What the group committed last.
    committed: Option<i64>,
    /// Offsets that an earlier owner finished above its watermark.
    finished_before: VecDeque<RangeInclusive<i64>>,
    /// Whether something finished since the last commit.
    dirty: bool,
}

impl Tracker {
    pub(super) fn new(partition: Partition, commit: Option<&Commit>) -> Self {
        Self {
            partition,
            open: BTreeSet::new(),
            next: commit.map_or(0, |commit| commit.offset),
            committed: commit.map(|commit| commit.offset),
            finished_before: commit.map(read_metadata).unwrap_or_default(),
            dirty: false,
        }
    }

    /// Takes note of a record. `false` when it was finished already (by an earlier owner, or it is
    /// delivered again while its first delivery is in flight).
    pub(super) fn receive(&mut self, offset: i64) -> bool {
        self.next = self.next.max(offset + 1);
        while self.finished_before.front().is_some_and(|range| *range.end() < offset) {
            self.finished_before.pop_front();
        }
        if self.finished_before.front().is_some_and(|range| range.contains(&offset)) {
            self.dirty = true;
            return false;
        }
        self.open.insert(offset)
    }

    pub(super) fn finish(&mut self, offset: i64) {
        self.dirty |= self.open.remove(&offset);
    }

    /// What counted as finished is not: its transaction came to nothing.
    pub(super) fn reopen(&mut self, offset: i64) {
        self.open.insert(offset);
    }

    /// Everything below is finished.
    pub(super) fn watermark(&self) -> i64 {
        self.open.first().copied().unwrap_or(self.next)
    }

    /// What to commit now, if anything is new.
    pub(super) fn commit(&mut self) -> Option<Commit> {
        if !self.dirty {
            return None;
        }
        self.dirty = false;
        let offset = self.watermark();
        if self.committed.is_some_and(|committed| offset < committed) {
            return None;
        }
        let metadata = self.metadata(offset).unwrap_or_default();
        Some(Commit { partition: self.partition, offset, metadata })
    }

    /// Whether a commit tells all that is finished, so that nothing of it is ever handled again.
    pub(super) fn is_told_in_full(&self) -> bool {
        self.metadata(self.watermark()).is_some()
    }

    /// The commit reached the broker.
    pub(super) fn committed(&mut self, commit: &Commit) {
        self.committed = Some(commit.offset);
    }

    /// The commit did not reach the broker: the next one covers it.
    pub(super) fn commit_again(&mut self) {
        self.dirty = true;
    }

    /// `v1;<gap>+<length>,...`: runs of finished offsets, each as its distance from the end of the
    /// run before (the first from the watermark). `None` where they are too many.
    fn metadata(&self, watermark: i64) -> Option<String> {
        let mut text = String::new();
        let mut last_end = watermark;
        let mut push = |start: i64, end: i64| {
            let separator = if text.is_empty() { METADATA_VERSION } else { "," };
            text.push_str(&format!("{separator}{}+{}", start - last_end, end - start));
            last_end = end;
            text.len() <= MAX_METADATA
        };
        let mut gaps = self.open.iter().copied().peekable();
        while let Some(open) = gaps.next() {
            let run = open + 1;
            let end = gaps.peek().copied().unwrap_or(self.next);
            if end > run && !push(run, end) {
                return None;
            }
        }
        // What an earlier owner finished and was not read again yet.
        for range in &self.finished_before {
            let (start, end) = ((*range.start()).max(self.next), range.end() + 1);
            if end > start && !push(start, end) {
                return None;
            }
        }
        Some(text)
    }
}

/// Reads what [`Tracker::metadata`] wrote; anything else is ignored, which only replays more.
fn read_metadata(commit: &Commit) -> VecDeque<RangeInclusive<i64>> {
    let mut ranges = VecDeque::new();
    let mut end = commit.offset;
    for run in commit.metadata.strip_prefix(METADATA_VERSION).unwrap_or_default().split(',') {
        let parsed = run
            .split_once('+')
            .and_then(|(gap, length)| Some((gap.parse::<i64>().ok()?, length.parse::<i64>().ok()?)));
        match parsed {
            Some((gap, length)) if gap >= 0 && length > 0 => {
                let start = end.saturating_add(gap);
                end = start.saturating_add(length);
                ranges.push_back(start..=end - 1);
            }
            _ => break,
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Topic;
    use proptest::prelude::*;

    const PARTITION: Partition = Partition { topic: Topic::Retry, number: 0 };

    fn tracker(received: i64) -> Tracker {
        let mut tracker = Tracker::new(PARTITION, None);
        for offset in 0..received {
            assert!(tracker.receive(offset));
        }
        tracker
    }

    #[test]
    fn the_watermark_waits_for_the_slowest() {
        let mut tracker = tracker(5);
        assert_eq!(tracker.commit(), None, "nothing finished, nothing to say");
        tracker.finish(1);
        tracker.finish(3);
        let commit = tracker.commit().unwrap();
        assert_eq!((commit.offset, commit.metadata.as_str()), (0, "v1;1+1,1+1"));
        tracker.finish(0);
        assert_eq!(tracker.commit().unwrap().offset, 2);
        tracker.finish(2);
        tracker.finish(4);
        let commit = tracker.commit().unwrap();
        assert_eq!((commit.offset, commit.metadata.as_str()), (5, ""));
        assert_eq!(tracker.commit(), None);
    }

    #[test]
    fn foreign_metadata_is_ignored() {
        for text in ["", "v1;", "v1;x", "v2;1+1", "v1;-1+1", "v1;1+0", "v1;9223372036854775807+9"] {
            let commit = Commit { partition: PARTITION, offset: 7, metadata: text.to_owned() };
            let mut tracker = Tracker::new(PARTITION, Some(&commit));
            assert!(tracker.receive(7), "{text}");
            assert!(tracker.receive(8), "{text}");
        }
    }

    #[test]
    fn what_came_to_nothing_is_open_again() {
        let mut tracker = tracker(3);
        tracker.finish(0);
        tracker.finish(2);
        let commit = tracker.commit().unwrap();
        assert_eq!((commit.offset, commit.metadata.as_str()), (1, "v1;1+1"));
        tracker.reopen(0);
        tracker.commit_again();
        let commit = tracker.commit().unwrap();
        assert_eq!((commit.offset, commit.metadata.as_str()), (0, "v1;2+1"));
        tracker.committed(&commit);
        let scattered = (0..2_000).step_by(2);
        let mut tracker = self::tracker(2_000);
        scattered.clone().for_each(|offset| tracker.finish(offset + 1));
        assert!(!tracker.is_told_in_full());
        scattered.skip(300).for_each(|offset| tracker.reopen(offset + 1));
        assert!(tracker.is_told_in_full());
    }

    proptest! {
        /// Owner after owner dies at any point, each having read and finished some: nobody is given what one of those
        /// before him has finished and committed, and everybody the rest.
        #[test]
        fn what_is_finished_stays_finished_over_any_number_of_owners(
            owners in proptest::collection::vec((0_i64..40, proptest::collection::vec(any::<bool>(), 40)), 1..6),
        ) {
            let mut done = BTreeSet::new();
            let mut commit: Option<Commit> = None;
            for (read, finishes) in owners {
                let mut tracker = Tracker::new(PARTITION, commit.as_ref());
                let start = commit.as_ref().map_or(0, |commit| commit.offset);
                for (offset, finish) in (start..read.max(start)).zip(finishes) {
                    prop_assert_eq!(tracker.receive(offset), !done.contains(&offset), "{}", offset);
                    if finish {
                        tracker.finish(offset);
                        done.insert(offset);
                    }
                }
                if let Some(new) = tracker.commit() {
                    commit = Some(new);
                }
            }
        }

        /// Against the plain model: a set of finished offsets. After a crash at any point the next
        /// owner is given exactly the unfinished ones (or all, where the map was too long).
        #[test]
        fn nothing_unfinished_is_committed_and_nothing_finished_is_replayed(
            finished in proptest::collection::vec(any::<bool>(), 0..200),
        ) {
            let total = i64::try_from(finished.len()).unwrap();
            let mut tracker = tracker(total);
            for (offset, done) in (0..total).zip(&finished) {
                if *done { tracker.finish(offset); }
            }
            prop_assert!(tracker.is_told_in_full());
            if let Some(commit) = tracker.commit() {
                let mut next = Tracker::new(PARTITION, Some(&commit));
                for offset in 0..total {
                    let done = finished[usize::try_from(offset).unwrap()];
                    if offset < commit.offset { prop_assert!(done); } else { prop_assert_eq!(next.receive(offset), !done); }
                }
            }
        }
    }
}
