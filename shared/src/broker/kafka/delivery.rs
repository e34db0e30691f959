//! From librdkafka's messages to ours, byte for byte.

use super::names::Names;
use crate::{
    broker::Partition,
    message::{Delivery, Headers, Record},
};
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use rdkafka::{
    Message as _,
    message::{BorrowedHeaders, BorrowedMessage, Headers as _},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stands for a header whose name is no UTF-8: its bytes can't be had through the binding.
const UNREADABLE_NAME: &str = "\u{fffd}";

/// Copies a message out of librdkafka's buffers. `None` for a topic that was not subscribed.
pub(super) fn read(
    message: &BorrowedMessage<'_>,
    names: &Names,
    high_watermark: impl FnOnce(Partition) -> Option<i64>,
) -> Option<Delivery> {
    let topic = names.parse(message.topic())?;
    let (number, offset) = (message.partition(), message.offset());
    let (key, headers) = key_and_headers(message);
    let millis = message.timestamp().to_millis();
    Some(Delivery {
        record: Record {
            topic,
            partition: None,
            key,
            headers,
            // A value that is null (a tombstone) reads as an empty one.
            payload: message.payload().map_or_else(Bytes::new, Bytes::copy_from_slice),
        },
        partition: number,
        offset,
        high_watermark: high_watermark(Partition { topic, number }).unwrap_or(0).max(offset + 1),
        timestamp: millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or_default(),
    })
}

/// Key and header values share one allocation: they are many and small.
fn key_and_headers(message: &BorrowedMessage<'_>) -> (Option<Bytes>, Headers) {
    let read: Vec<_> = message
        .headers()
        .map(|headers| (0..headers.count()).map(|at| header(headers, at)).collect())
        .unwrap_or_default();
    let length = message.key_len() + read.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut buffer = BytesMut::with_capacity(length);
    let mut cut = |bytes: &[u8]| {
        buffer.extend_from_slice(bytes);
        buffer.split().freeze()
    };
    let key = message.key().map(&mut cut);
    let mut headers = Headers::with_capacity(read.len());
    for (name, value) in read {
        headers.push(name.to_owned(), cut(value));
    }
    (key, headers)
}

/// A header's name and value; a null value reads as an empty one.
fn header(headers: &BorrowedHeaders, at: usize) -> (&str, &[u8]) {
    // The binding panics on a name that is no UTF-8. Anybody may write such a record.
    let read = catch_unwind(AssertUnwindSafe(|| headers.try_get(at)));
    match read {
        Ok(Some(header)) => (header.key, header.value.unwrap_or_default()),
        Ok(None) | Err(_) => (UNREADABLE_NAME, &[]),
    }
}
