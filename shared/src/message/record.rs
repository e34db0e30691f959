//! Records: what brokers carry. Bytes and headers, no meaning.

use super::Topic;
use bytes::Bytes;
use jiff::Timestamp;
use std::borrow::Cow;

/// Record headers in order; a name may stand more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, Bytes)>);

impl Headers {
    /// No headers, with room for `n`.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    /// Adds a header behind the others.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// Replaces every header of that name by one.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) {
        let name = name.into();
        match self.0.iter().position(|(n, _)| *n == name) {
            None => self.0.push((name, value.into())),
            Some(first) => {
                self.0[first].1 = value.into();
                let mut at = 0;
                self.0.retain(|(n, _)| {
                    at += 1;
                    at - 1 <= first || *n != name
                });
            }
        }
    }

    /// Takes out every header of that name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// The last value of that name (Kafka's convention: the latest writer wins).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The last value of that name, where it is UTF-8.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A record on its way to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it goes.
    pub topic: Topic,
    /// The partition, where the sender decides it (`retry` does); else the key decides.
    pub partition: Option<i32>,
    /// Records with the same key share a partition, and so their order.
    pub key: Option<Bytes>,
    /// Metadata.
    pub headers: Headers,
    /// The value.
    pub payload: Bytes,
}

impl Record {
    /// Roughly what the record takes in memory, in bytes: what bounds are counted in.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.payload.len() + self.key.as_ref().map_or(0, Bytes::len) + headers + 64
    }
}

/// A record as a consumer gets it: with its place in the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The record.
    pub record: Record,
    /// Its partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// The offset behind the last record of the partition, as last heard of.
    pub high_watermark: i64,
    /// When the record was produced (or appended, as the topic is set).
    pub timestamp: Timestamp,
}
