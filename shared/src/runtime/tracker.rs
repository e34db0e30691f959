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

    /// Everything below is finished.
    fn watermark(&self) -> i64 {
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
        self.committed = Some(offset);
        Some(Commit { partition: self.partition, offset, metadata: self.metadata(offset) })
    }

    /// The commit did not reach the broker: the next one covers it.
    pub(super) fn commit_again(&mut self) {
        self.dirty = true;
    }

    /// `v1;<gap>+<length>,...`: runs of finished offsets, each as its distance from the end of the
    /// run before (the first from the watermark).
    fn metadata(&self, watermark: i64) -> String {
        let mut text = String::new();
        let mut last_end = watermark;
        let mut gaps = self.open.iter().copied().peekable();
        while let Some(open) = gaps.next() {
            let run = open + 1;
            let end = gaps.peek().copied().unwrap_or(self.next);
            if end > run {
                let separator = if text.is_empty() { METADATA_VERSION } else { "," };
                text.push_str(&format!("{separator}{}+{}", run - last_end, end - run));
                last_end = end;
            }
            if text.len() > MAX_METADATA {
                return String::new();
            }
        }
        text
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

    proptest! {
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
