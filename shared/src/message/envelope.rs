//! The envelope: a record's metadata as typed fields, and its one translation to headers and back.

use super::{Headers, Record, Topic, TraceContext, headers as names};
use crate::model::{JobId, MessageId};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt::Display, str::FromStr};

/// One failed attempt at handling a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Stable code (see [`crate::model::code`]).
    pub code: String,
    /// Failure class.
    pub class: String,
    /// The chain of causes in one line, at most 1 KiB.
    pub error: String,
    /// Who tried, as `<service>/<instance>`.
    pub worker: String,
}

/// Where a record was first read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Topic.
    pub topic: Topic,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// The metadata of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The message id.
    pub id: MessageId,
    /// Type and schema version, as `trawl.<name>.v<n>`.
    pub kind: Cow<'static, str>,
    /// `/<service>/<instance>`.
    pub source: Cow<'static, str>,
    /// When the message was made.
    pub time: Timestamp,
    /// Media type of the payload.
    pub content_type: Cow<'static, str>,
    /// The URL the message is about.
    pub subject: Option<String>,
    /// The crawl.
    pub correlation: Option<JobId>,
    /// The parent message.
    pub causation: Option<MessageId>,
    /// Trace context.
    pub trace: TraceContext,
    /// Attempts made before.
    pub attempt: u32,
    /// Not to be handled before.
    pub not_before: Option<Timestamp>,
    /// The group a record on `retry` is addressed to.
    pub target: Option<String>,
    /// Where the record was first read, once it has left that topic.
    pub origin: Option<Source>,
    /// Attempts that failed.
    pub history: Vec<Attempt>,
    /// Replays from the dead letters.
    pub replays: u32,
}

/// Headers that do not make an envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A header that every message has is missing.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A header's value can't be read.
    #[error("header {0} can't be read: {1}")]
    Invalid(&'static str, String),
}

impl Envelope {
    /// Writes the envelope over `headers`; headers of other names stay as they are.
    pub fn write_to(&self, headers: &mut Headers) {
        let text = |value: &dyn Display| Bytes::from(value.to_string());
        headers.set(names::SPEC_VERSION, Bytes::from_static(b"1.0"));
        headers.set(names::ID, text(&self.id));
        headers.set(names::TYPE, bytes_of(self.kind.clone()));
        headers.set(names::SOURCE, bytes_of(self.source.clone()));
        headers.set(names::TIME, text(&self.time));
        headers.set(names::CONTENT_TYPE, bytes_of(self.content_type.clone()));
        headers.set(names::TRACEPARENT, text(&self.trace));
        let mut optional = |name: &'static str, value: Option<Bytes>| match value {
            Some(value) => headers.set(name, value),
            None => headers.remove(name),
        };
        optional(names::SUBJECT, self.subject.clone().map(Bytes::from));
        optional(names::CORRELATION_ID, self.correlation.map(|id| text(&id)));
        optional(names::CAUSATION_ID, self.causation.map(|id| text(&id)));
        optional(names::ATTEMPT, (self.attempt > 0).then(|| text(&self.attempt)));
        optional(names::NOT_BEFORE, self.not_before.map(|at| text(&at)));
        optional(names::TARGET_GROUP, self.target.clone().map(Bytes::from));
        optional(names::ORIGIN_TOPIC, self.origin.map(|o| Bytes::from_static(o.topic.name().as_bytes())));
        optional(names::ORIGIN_PARTITION, self.origin.map(|o| text(&o.partition)));
        optional(names::ORIGIN_OFFSET, self.origin.map(|o| text(&o.offset)));
        let history =
            (!self.history.is_empty()).then(|| serde_json::to_vec(&self.history).unwrap_or_default());
        optional(names::HISTORY, history.map(Bytes::from));
        optional(names::REPLAYS, (self.replays > 0).then(|| text(&self.replays)));
    }

    /// Reads a record's envelope.
    ///
    /// # Errors
    /// When a header is missing or can't be read.
    pub fn read(record: &Record) -> Result<Self, EnvelopeError> {
        let headers = &record.headers;
        let version: String = required(headers, names::SPEC_VERSION)?;
        if version != "1.0" {
            return Err(EnvelopeError::Invalid(
                names::SPEC_VERSION,
                format!("{version:?}, only 1.0 is known"),
            ));
        }
        let origin = match optional::<Topic>(headers, names::ORIGIN_TOPIC)? {
            Some(topic) => Some(Source {
                topic,
                partition: required(headers, names::ORIGIN_PARTITION)?,
                offset: required(headers, names::ORIGIN_OFFSET)?,
            }),
            None => None,
        };
        let history = match headers.get(names::HISTORY) {
            Some(json) => serde_json::from_slice(json)
                .map_err(|error| EnvelopeError::Invalid(names::HISTORY, error.to_string()))?,
            None => Vec::new(),
        };
        Ok(Self {
            id: required(headers, names::ID)?,
            kind: Cow::Owned(required(headers, names::TYPE)?),
            source: Cow::Owned(required(headers, names::SOURCE)?),
            time: required(headers, names::TIME)?,
            content_type: Cow::Owned(required(headers, names::CONTENT_TYPE)?),
            subject: optional(headers, names::SUBJECT)?,
            correlation: optional(headers, names::CORRELATION_ID)?,
            causation: optional(headers, names::CAUSATION_ID)?,
            // A foreign producer may know nothing of traces: its message starts one.
            trace: optional(headers, names::TRACEPARENT)?.unwrap_or_else(TraceContext::root),
            attempt: optional(headers, names::ATTEMPT)?.unwrap_or(0),
            not_before: optional(headers, names::NOT_BEFORE)?,
            target: optional(headers, names::TARGET_GROUP)?,
            origin,
            history,
            replays: optional(headers, names::REPLAYS)?.unwrap_or(0),
        })
    }
}

fn bytes_of(text: Cow<'static, str>) -> Bytes {
    match text {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    }
}

fn optional<T: FromStr<Err: Display>>(
    headers: &Headers,
    name: &'static str,
) -> Result<Option<T>, EnvelopeError> {
    let Some(bytes) = headers.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|error| EnvelopeError::Invalid(name, error.to_string()))?;
    text.parse().map(Some).map_err(|error: T::Err| EnvelopeError::Invalid(name, error.to_string()))
}

fn required<T: FromStr<Err: Display>>(headers: &Headers, name: &'static str) -> Result<T, EnvelopeError> {
    optional(headers, name)?.ok_or(EnvelopeError::Missing(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn full() -> Envelope {
        let at: Timestamp = "2026-11-21T01:02:03.456Z".parse().unwrap();
        Envelope {
            id: MessageId(Uuid::from_u128(1)),
            kind: "trawl.fetch-task.v1".into(),
            source: "/url-manager/a".into(),
            time: at,
            content_type: "application/json".into(),
            subject: Some("http://a.example/é".into()),
            correlation: Some(JobId(Uuid::from_u128(2))),
            causation: Some(MessageId(Uuid::from_u128(3))),
            trace: TraceContext { trace_id: 4, span_id: 5, flags: 1 },
            attempt: 6,
            not_before: Some(at),
            target: Some("scraper".into()),
            origin: Some(Source { topic: Topic::ScrapingTasks, partition: 7, offset: 8 }),
            history: vec![Attempt {
                at,
                took_ms: 9,
                code: "timeout".into(),
                class: "network".into(),
                error: "no answer".into(),
                worker: "scraper/b".into(),
            }],
            replays: 10,
        }
    }

    fn record(headers: Headers) -> Record {
        Record { topic: Topic::Retry, partition: None, key: None, headers, payload: Bytes::new() }
    }

    /// Every field has a value of its own, so two fields that share a header name can't pass.
    #[test]
    fn round_trip() {
        let envelope = full();
        let mut headers = Headers::default();
        envelope.write_to(&mut headers);
        assert_eq!(Envelope::read(&record(headers.clone())).unwrap(), envelope);
        let mut seen: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "a header is written once");
        assert_eq!(all, 18);
    }

    #[test]
    fn clearing_a_field_clears_its_header() {
        let mut headers = Headers::default();
        full().write_to(&mut headers);
        let bare = Envelope {
            subject: None,
            correlation: None,
            causation: None,
            attempt: 0,
            not_before: None,
            target: None,
            origin: None,
            history: vec![],
            replays: 0,
            ..full()
        };
        bare.write_to(&mut headers);
        assert_eq!(headers.len(), 7);
        assert_eq!(Envelope::read(&record(headers)).unwrap(), bare);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let read = |edit: &dyn Fn(&mut Headers)| {
            let mut headers = Headers::default();
            full().write_to(&mut headers);
            edit(&mut headers);
            Envelope::read(&record(headers)).unwrap_err().to_string()
        };
        assert_eq!(read(&|h| h.remove(names::ID)), "header ce_id is missing");
        assert!(read(&|h| h.set(names::ATTEMPT, "x")).starts_with("header ce_attempt can't be read"));
        assert!(
            read(&|h| h.set(names::SUBJECT, &b"\xff"[..])).starts_with("header ce_subject can't be read")
        );
        assert!(read(&|h| h.set(names::SPEC_VERSION, "0.3")).contains("only 1.0 is known"));
    }
}
