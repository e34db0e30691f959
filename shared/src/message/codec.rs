//! Typed messages and their bytes.

use super::{Delivery, Envelope, EnvelopeError, Topic};
use crate::model::{FetchTask, MessageId, RetryChanges, ScrapedPage, TaskEnded};
use bytes::{BufMut, Bytes, BytesMut};

/// A message that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{kind} can't be encoded: {source}")]
pub struct EncodeError {
    /// The message type.
    pub kind: &'static str,
    /// Why.
    pub source: serde_json::Error,
}

/// A record that is not the message its topic should hold.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The headers are no envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A type or a schema version that this program does not know.
    #[error(
        "message type {found:?} is not known here (expected {expected:?}); a newer service may have written it"
    )]
    Type {
        /// The `ce_type` of the record.
        found: String,
        /// What the handler takes.
        expected: &'static str,
    },
    /// The payload does not follow the schema.
    #[error("payload is not a {kind}: {reason}")]
    Payload {
        /// The message type.
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// A fact on the wire. Its type names its topic.
pub trait Message: Sized + Send + 'static {
    /// The topic that carries it.
    const TOPIC: Topic;
    /// Type and schema version: `trawl.<name>.v<n>`. Every version ever written still decodes.
    const KIND: &'static str;
    /// Media type of the payload.
    const CONTENT_TYPE: &'static str = "application/json";

    /// Messages with the same key share a partition, and so their order.
    fn key(&self) -> Bytes;

    /// The id, where the message's content decides it; else it is derived from the parent's.
    fn id(&self) -> Option<MessageId> {
        None
    }

    /// The URL the message is about.
    fn subject(&self) -> Option<&str> {
        None
    }

    /// What its job changes of how failures are retried.
    fn retry(&self) -> RetryChanges {
        RetryChanges::default()
    }

    /// The payload.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn encode(&self) -> Result<Bytes, EncodeError>;

    /// Reads a payload of type `KIND`.
    ///
    /// # Errors
    /// When the payload does not follow the schema.
    fn decode(payload: Bytes) -> Result<Self, DecodeError>;
}

/// What a handler takes: a [`Message`], or a view of any record of a topic (a dead letter, a retry
/// notice).
pub trait Input: Sized + Send + 'static {
    /// The topic it is read from.
    const TOPIC: Topic;
    /// The message type, for the registry and the topology.
    const KIND: &'static str;
    /// Whether it reads any record of the topic, whatever its type.
    const ANY_TYPE: bool = false;

    /// Reads a delivered record.
    ///
    /// # Errors
    /// When the record is not what its topic should hold.
    fn read(delivery: &Delivery, envelope: &Envelope) -> Result<Self, DecodeError>;

    /// Reads the record's envelope; inputs that must take any record make one up where it has none.
    ///
    /// # Errors
    /// When the headers are no envelope.
    fn envelope(delivery: &Delivery) -> Result<Envelope, EnvelopeError> {
        Envelope::read(&delivery.record)
    }

    /// What tells it from others, so that it is handled once. Inputs that are views of other messages
    /// meet the same message more than once, and each time it is news.
    fn identity(_: &Delivery, envelope: &Envelope) -> MessageId {
        envelope.id
    }

    /// What its job changes of how failures are retried.
    fn retry(&self) -> RetryChanges {
        RetryChanges::default()
    }
}

impl<M: Message> Input for M {
    const TOPIC: Topic = M::TOPIC;
    const KIND: &'static str = M::KIND;

    fn read(delivery: &Delivery, envelope: &Envelope) -> Result<Self, DecodeError> {
        if envelope.kind != M::KIND {
            return Err(DecodeError::Type { found: envelope.kind.clone().into_owned(), expected: M::KIND });
        }
        M::decode(delivery.record.payload.clone())
    }

    fn retry(&self) -> RetryChanges {
        M::retry(self)
    }
}

fn to_json<M: Message + serde::Serialize>(message: &M) -> Result<Bytes, EncodeError> {
    serde_json::to_vec(message).map(Bytes::from).map_err(|source| EncodeError { kind: M::KIND, source })
}

fn from_json<M: Message + serde::de::DeserializeOwned>(payload: &[u8]) -> Result<M, DecodeError> {
    serde_json::from_str(json_text(payload, M::KIND)?).map_err(|error| payload_error::<M>(error.to_string()))
}

/// The payload of a message of type `kind` as text: looked at once as a whole, where a reader of bytes
/// would look at each string.
///
/// # Errors
/// When it is not UTF-8.
pub fn json_text<'a>(payload: &'a [u8], kind: &'static str) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(payload).map_err(|error| DecodeError::Payload { kind, reason: error.to_string() })
}

fn payload_error<M: Message>(reason: String) -> DecodeError {
    DecodeError::Payload { kind: M::KIND, reason }
}

/// Keyed by page, so that one hot host spreads over every parser and sink.
fn page_key(task: crate::model::TaskId) -> Bytes {
    Bytes::copy_from_slice(task.0.as_hyphenated().to_string().as_bytes())
}

impl Message for FetchTask {
    const TOPIC: Topic = Topic::ScrapingTasks;
    const KIND: &'static str = "trawl.fetch-task.v1";

    fn key(&self) -> Bytes {
        self.origin.url.host_key().as_str().to_owned().into()
    }
    fn id(&self) -> Option<MessageId> {
        Some(self.origin.task.into())
    }
    fn subject(&self) -> Option<&str> {
        Some(self.origin.url.as_str())
    }
    fn retry(&self) -> RetryChanges {
        self.fetch.retry.clone()
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        to_json(self)
    }
    fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        from_json(&payload)
    }
}

impl Message for TaskEnded {
    const TOPIC: Topic = Topic::ParsedData;
    const KIND: &'static str = "trawl.task-ended.v1";

    fn key(&self) -> Bytes {
        page_key(self.origin.task)
    }
    fn subject(&self) -> Option<&str> {
        Some(self.origin.url.as_str())
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        to_json(self)
    }
    fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        from_json(&payload)
    }
}

/// The payload is a frame: the length of the metadata (4 bytes, big-endian), the metadata as JSON,
/// then the body byte for byte. Decoding copies neither.
impl Message for ScrapedPage {
    const TOPIC: Topic = Topic::ScrapedData;
    const KIND: &'static str = "trawl.scraped-page.v1";
    const CONTENT_TYPE: &'static str = "application/vnd.trawl.scraped-page";

    fn key(&self) -> Bytes {
        page_key(self.origin.task)
    }
    fn subject(&self) -> Option<&str> {
        Some(self.origin.url.as_str())
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        let metadata = to_json(self)?;
        let mut frame = BytesMut::with_capacity(4 + metadata.len() + self.body.len());
        frame.put_u32(u32::try_from(metadata.len()).unwrap_or(u32::MAX));
        frame.put(metadata);
        frame.put(&self.body[..]);
        Ok(frame.freeze())
    }
    fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let length = payload.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes) as usize);
        let body_at = length.and_then(|length| length.checked_add(4)).filter(|at| *at <= payload.len());
        let Some(body_at) = body_at else {
            let reason = format!("the frame is {} bytes long, shorter than its metadata", payload.len());
            return Err(payload_error::<Self>(reason));
        };
        let mut page: Self = from_json(&payload[4..body_at])?;
        page.body = payload.slice(body_at..);
        Ok(page)
    }
}
