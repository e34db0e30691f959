//! Dead letters and retry notices: records as they came, with the story of their failure beside
//! them.

use super::{
    DecodeError, Delivery, Envelope, EnvelopeError, Headers, Input, Message, Record, Source, Topic,
    TraceContext, headers as names,
};
use crate::model::{FetchTask, MessageId, Origin, ScrapedPage, TaskEnded};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt::Display, str::FromStr};
use uuid::Uuid;

/// Why a record is dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterReason {
    /// Where the record was first read.
    pub source: Source,
    /// The consumer group that gave up: what a replay is addressed to.
    pub group: String,
    /// The service of that group.
    pub service: String,
    /// The instance that gave up.
    pub instance: String,
    /// The version of the program that gave up.
    pub version: String,
    /// `decode`, `handle` or `encode`.
    pub stage: String,
    /// Stable code.
    pub code: String,
    /// Failure class.
    pub class: String,
    /// The chain of causes in one line, at most 1 KiB.
    pub message: String,
    /// The causes one by one, the outermost first; none in letters of older programs.
    pub causes: Vec<String>,
    /// Attempts made in all.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// When the record was made; none in letters of older programs.
    pub time: Option<Timestamp>,
}

/// A record that no further attempt can help: key, value and headers byte for byte, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record as it came; its topic is the one it was first read from.
    pub record: Record,
    /// Why it is dead.
    pub reason: LetterReason,
}

impl DeadLetter {
    /// The record that goes to `dead-letter`.
    #[must_use]
    pub fn into_record(self) -> Record {
        let LetterReason {
            source,
            group,
            service,
            instance,
            version,
            stage,
            code,
            class,
            message,
            causes,
            attempts,
            failed_at,
            time,
        } = self.reason;
        let mut record = Record { topic: Topic::DeadLetter, partition: None, ..self.record };
        let mut set = |name: &'static str, value: String| record.headers.set(name, value);
        set(names::DLQ_TOPIC, source.topic.to_string());
        set(names::DLQ_PARTITION, source.partition.to_string());
        set(names::DLQ_OFFSET, source.offset.to_string());
        set(names::DLQ_GROUP, group);
        set(names::DLQ_SERVICE, service);
        set(names::DLQ_INSTANCE, instance);
        set(names::DLQ_VERSION, version);
        set(names::DLQ_STAGE, stage);
        set(names::DLQ_CODE, code);
        set(names::DLQ_CLASS, class);
        set(names::DLQ_MESSAGE, message);
        set(names::DLQ_DELIVERY_COUNT, attempts.to_string());
        set(names::DLQ_FAILED_AT, failed_at.to_string());
        if let Some(time) = time {
            set(names::DLQ_TIME, time.to_string());
        }
        if !causes.is_empty() {
            set(names::DLQ_CAUSES, serde_json::to_string(&causes).unwrap_or_default());
        }
        record
    }

    /// Reads a record of `dead-letter`.
    ///
    /// # Errors
    /// When one of the headers that [`DeadLetter::into_record`] writes is missing or can't be read.
    pub fn from_record(record: &Record) -> Result<Self, EnvelopeError> {
        let headers = &record.headers;
        let source = Source {
            topic: read(headers, names::DLQ_TOPIC)?,
            partition: read(headers, names::DLQ_PARTITION)?,
            offset: read(headers, names::DLQ_OFFSET)?,
        };
        let reason = LetterReason {
            source,
            group: read(headers, names::DLQ_GROUP)?,
            service: read(headers, names::DLQ_SERVICE)?,
            instance: read(headers, names::DLQ_INSTANCE)?,
            version: read(headers, names::DLQ_VERSION)?,
            stage: read(headers, names::DLQ_STAGE)?,
            code: read(headers, names::DLQ_CODE)?,
            class: read(headers, names::DLQ_CLASS)?,
            message: read(headers, names::DLQ_MESSAGE)?,
            attempts: read(headers, names::DLQ_DELIVERY_COUNT)?,
            failed_at: read(headers, names::DLQ_FAILED_AT)?,
            causes: headers
                .get(names::DLQ_CAUSES)
                .and_then(|json| serde_json::from_slice(json).ok())
                .unwrap_or_default(),
            time: headers.get(names::DLQ_TIME).map(|_| read(headers, names::DLQ_TIME)).transpose()?,
        };
        let mut record = Record { topic: source.topic, partition: None, ..record.clone() };
        for name in names::DLQ_ALL {
            record.headers.remove(name);
        }
        Ok(Self { record, reason })
    }

    /// The fetch that the record is about, where its payload can be read.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        let payload = self.record.payload.clone();
        match self.reason.source.topic {
            Topic::ScrapingTasks => FetchTask::decode(payload).ok().map(|task| task.origin),
            Topic::ScrapedData => ScrapedPage::decode(payload).ok().map(|page| page.origin),
            Topic::ParsedData => TaskEnded::decode(payload).ok().map(|ended| ended.origin),
            Topic::Retry | Topic::DeadLetter => None,
        }
    }

    /// The envelope of the record, where it has one (an undecodable record may not).
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        Envelope::read(&self.record).ok()
    }
}

pub(super) fn read<T: FromStr<Err: Display>>(
    headers: &Headers,
    name: &'static str,
) -> Result<T, EnvelopeError> {
    let bytes: &Bytes = headers.get(name).ok_or(EnvelopeError::Missing(name))?;
    let text = String::from_utf8_lossy(bytes);
    text.parse().map_err(|error: T::Err| EnvelopeError::Invalid(name, error.to_string()))
}

/// Every record of `dead-letter` is one, whatever its own type is.
impl Input for DeadLetter {
    const TOPIC: Topic = Topic::DeadLetter;
    const KIND: &'static str = "any dead letter";
    const ANY_TYPE: bool = true;

    fn read(delivery: &Delivery, _: &Envelope) -> Result<Self, DecodeError> {
        Ok(Self::from_record(&delivery.record)?)
    }

    /// A letter may hold a record that never had an envelope: it gets one whose id follows from
    /// where the record stood, so that the same letter has the same id whenever it is read. A replay stands
    /// elsewhere, and carries the id that the ledger knows it by.
    fn envelope(delivery: &Delivery) -> Result<Envelope, EnvelopeError> {
        let error = match Envelope::read(&delivery.record) {
            Ok(envelope) => return Ok(envelope),
            Err(error) => error,
        };
        let Source { topic, partition, offset } =
            Self::from_record(&delivery.record).map_err(|_| error)?.reason.source;
        let headers = &delivery.record.headers;
        if let (Ok(id), Ok(replays)) = (read(headers, names::LEDGER_ID), read(headers, names::REPLAYS)) {
            return Ok(Envelope { replays, ..made_up(id, delivery.timestamp) });
        }
        let place = format!("{topic}/{partition}/{offset}");
        let id = MessageId(Uuid::new_v5(&Uuid::NAMESPACE_URL, place.as_bytes()));
        Ok(made_up(id, delivery.timestamp))
    }

    /// A message may die in several groups, and again after a replay.
    fn identity(delivery: &Delivery, envelope: &Envelope) -> MessageId {
        let group = delivery.record.headers.get(names::DLQ_GROUP).map(|group| String::from_utf8_lossy(group));
        envelope.id.child(&format!("dead in {}", group.unwrap_or_default()), envelope.replays as usize)
    }
}

/// The envelope of a record that has none.
fn made_up(id: MessageId, time: Timestamp) -> Envelope {
    Envelope {
        id,
        kind: "unknown".into(),
        source: "/unknown".into(),
        time,
        content_type: "application/octet-stream".into(),
        subject: None,
        correlation: None,
        causation: None,
        trace: TraceContext::root(),
        attempt: 0,
        not_before: None,
        target: None,
        origin: None,
        history: Vec::new(),
        replays: 0,
    }
}

/// What another service's record on `retry` tells: which message waits, for whom, until when, and
/// what its last attempt died of. The frontier extends leases by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryNotice {
    /// The envelope of the waiting record.
    pub envelope: Envelope,
}

impl Input for RetryNotice {
    const TOPIC: Topic = Topic::Retry;
    const KIND: &'static str = "any waiting record";
    const ANY_TYPE: bool = true;

    fn read(_: &Delivery, envelope: &Envelope) -> Result<Self, DecodeError> {
        Ok(Self { envelope: envelope.clone() })
    }

    /// A message waits once for each attempt, in each group.
    fn identity(_: &Delivery, envelope: &Envelope) -> MessageId {
        let Envelope { id, target, attempt, replays, not_before, .. } = envelope;
        let until = not_before.map_or(0, jiff::Timestamp::as_millisecond);
        id.child(
            &format!("waits for {} until {until}/{replays}", target.as_deref().unwrap_or_default()),
            *attempt as usize,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field has a value of its own, so two fields that share a header can't pass.
    #[test]
    fn a_letter_survives_the_wire_byte_for_byte() {
        let mut headers = Headers::default();
        headers.push("x-foreign", &b"\xff\x00"[..]);
        let letter = DeadLetter {
            record: Record {
                topic: Topic::ScrapedData,
                partition: None,
                key: Some(Bytes::from_static(b"\xfe")),
                headers,
                payload: Bytes::from_static(b"\x80 not json"),
            },
            reason: LetterReason {
                source: Source { topic: Topic::ScrapedData, partition: 1, offset: 2 },
                group: "parser".into(),
                service: "parser-service".into(),
                instance: "i".into(),
                version: "v".into(),
                stage: "decode".into(),
                code: "undecodable".into(),
                class: "message".into(),
                message: "not JSON".into(),
                causes: vec!["not JSON".into(), "because".into()],
                attempts: 3,
                failed_at: "2026-11-21T01:02:03Z".parse().unwrap(),
                time: Some("2026-11-21T01:02:02Z".parse().unwrap()),
            },
        };
        let record = letter.clone().into_record();
        assert_eq!(record.topic, Topic::DeadLetter);
        assert_eq!(record.headers.len(), 1 + names::DLQ_ALL.len());
        assert_eq!(DeadLetter::from_record(&record), Ok(letter));
    }

    #[test]
    fn each_death_and_each_wait_is_told_from_the_others() {
        let delivery = |group: &'static str| {
            let mut headers = Headers::default();
            headers.set(names::DLQ_GROUP, group);
            let record = Record {
                topic: Topic::DeadLetter,
                partition: None,
                key: None,
                headers,
                payload: Bytes::new(),
            };
            Delivery { record, partition: 0, offset: 0, high_watermark: 1, timestamp: Timestamp::UNIX_EPOCH }
        };
        let any = made_up(MessageId(Uuid::from_u128(1)), Timestamp::UNIX_EPOCH);
        let envelope = |replays, attempt| Envelope { replays, attempt, ..any.clone() };
        let died = |group, replays| DeadLetter::identity(&delivery(group), &envelope(replays, 3));
        assert_eq!(died("parser", 0), died("parser", 0));
        assert_ne!(died("parser", 0), died("storage", 0));
        assert_ne!(died("parser", 0), died("parser", 1));
        let waits = |attempt| RetryNotice::identity(&delivery("parser"), &envelope(0, attempt));
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    #[test]
    fn a_record_without_the_story_is_no_letter() {
        let record = Record {
            topic: Topic::DeadLetter,
            partition: None,
            key: None,
            headers: Headers::default(),
            payload: Bytes::new(),
        };
        assert_eq!(DeadLetter::from_record(&record), Err(EnvelopeError::Missing(names::DLQ_TOPIC)));
    }
}
