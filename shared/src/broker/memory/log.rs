//! One partition: an append-only run of records with a moving start.

use crate::message::Record;
use jiff::Timestamp;
use std::{collections::VecDeque, hash::Hasher};

#[derive(Default)]
pub(super) struct Log {
    start: i64,
    bytes: usize,
    records: VecDeque<(Timestamp, Record)>,
}

impl Log {
    pub(super) fn append(&mut self, at: Timestamp, record: Record) -> i64 {
        self.bytes += record.size();
        self.records.push_back((at, record));
        self.end() - 1
    }

    /// Offset of the oldest record held.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// Offset behind the newest record.
    pub(super) fn end(&self) -> i64 {
        self.start + i64::try_from(self.records.len()).unwrap_or(i64::MAX)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().map(|(_, record)| record)
    }

    pub(super) fn get(&self, offset: i64) -> Option<&(Timestamp, Record)> {
        self.records.get(usize::try_from(offset - self.start).ok()?)
    }

    /// Offset of the first record at or after `instant`.
    pub(super) fn at(&self, instant: Timestamp) -> i64 {
        let before = self.records.partition_point(|(timestamp, _)| *timestamp < instant);
        self.start + i64::try_from(before).unwrap_or(i64::MAX)
    }

    pub(super) fn trim(&mut self, below: i64) {
        while self.start < below {
            let Some((_, record)) = self.records.pop_front() else { break };
            self.bytes -= record.size();
            self.start += 1;
        }
        if self.records.capacity() > 1024 && self.records.len() * 8 < self.records.capacity() {
            self.records.shrink_to(self.records.len() * 2);
        }
    }
}

/// Equal keys meet in one partition; records without a key spread.
pub(super) fn partition_of(key: Option<&[u8]>, partitions: usize) -> i32 {
    let hash = key.map_or_else(
        || fastrand::u64(..),
        |key| {
            let mut hasher = std::hash::DefaultHasher::new();
            hasher.write(key);
            hasher.finish()
        },
    );
    let partitions = u64::try_from(partitions.max(1)).unwrap_or(1);
    i32::try_from(hash % partitions).unwrap_or(0)
}
