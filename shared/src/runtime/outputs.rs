//! What a handler gives back: no message, one, several, or several kinds. The topology is read off
//! these types.

use crate::{
    message::{EncodeError, Envelope, Headers, Message, Record, Topic, TraceContext},
    model::MessageId,
};
use jiff::Timestamp;
use std::borrow::Cow;

/// What the envelopes of a handler's outputs inherit.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// The message that was handled.
    pub parent: Envelope,
    /// `/<service>/<instance>`.
    pub source: Cow<'static, str>,
    /// Now.
    pub now: Timestamp,
}

/// Messages a handler may answer with.
pub trait Outputs: Send + 'static {
    /// The topics and message types it may contain.
    fn kinds() -> Vec<(Topic, &'static str)>;

    /// Encodes them in order.
    ///
    /// # Errors
    /// When a message can't be encoded.
    fn encode(self, lineage: &Lineage) -> Result<Vec<Record>, EncodeError>;
}

/// Encodes a message that no other message caused (a seed's task).
///
/// # Errors
/// When it can't be encoded.
pub fn encode_root<M: Message>(
    message: &M,
    correlation: crate::model::JobId,
    source: Cow<'static, str>,
) -> Result<Record, EncodeError> {
    encode_root_in(message, correlation, source, TraceContext::root())
}

/// As [`encode_root`], in a trace that somebody decided about.
///
/// # Errors
/// When it can't be encoded.
pub fn encode_root_in<M: Message>(
    message: &M,
    correlation: crate::model::JobId,
    source: Cow<'static, str>,
    trace: TraceContext,
) -> Result<Record, EncodeError> {
    let id = message.id().unwrap_or_else(MessageId::root);
    let envelope = Envelope {
        id,
        kind: M::KIND.into(),
        source,
        time: Timestamp::now(),
        content_type: M::CONTENT_TYPE.into(),
        subject: message.subject().map(str::to_owned),
        correlation: Some(correlation),
        causation: None,
        trace,
        attempt: 0,
        not_before: None,
        target: None,
        origin: None,
        history: Vec::new(),
        replays: 0,
    };
    record(message, &envelope)
}

fn encode_child<M: Message>(message: &M, ordinal: usize, lineage: &Lineage) -> Result<Record, EncodeError> {
    let parent = &lineage.parent;
    let envelope = Envelope {
        id: message.id().unwrap_or_else(|| parent.id.child(M::KIND, ordinal)),
        kind: M::KIND.into(),
        source: lineage.source.clone(),
        time: lineage.now,
        content_type: M::CONTENT_TYPE.into(),
        subject: message.subject().map(str::to_owned),
        correlation: parent.correlation,
        causation: Some(parent.id),
        trace: parent.trace.child(),
        attempt: 0,
        not_before: None,
        target: None,
        origin: None,
        history: Vec::new(),
        replays: 0,
    };
    record(message, &envelope)
}

fn record<M: Message>(message: &M, envelope: &Envelope) -> Result<Record, EncodeError> {
    let mut headers = Headers::with_capacity(12);
    envelope.write_to(&mut headers);
    Ok(Record {
        topic: M::TOPIC,
        partition: None,
        key: Some(message.key()),
        headers,
        payload: message.encode()?,
    })
}

impl Outputs for () {
    fn kinds() -> Vec<(Topic, &'static str)> {
        Vec::new()
    }
    fn encode(self, _: &Lineage) -> Result<Vec<Record>, EncodeError> {
        Ok(Vec::new())
    }
}

impl<M: Message> Outputs for M {
    fn kinds() -> Vec<(Topic, &'static str)> {
        vec![(M::TOPIC, M::KIND)]
    }
    fn encode(self, lineage: &Lineage) -> Result<Vec<Record>, EncodeError> {
        Ok(vec![encode_child(&self, 0, lineage)?])
    }
}

impl<M: Message> Outputs for Option<M> {
    fn kinds() -> Vec<(Topic, &'static str)> {
        M::kinds()
    }
    fn encode(self, lineage: &Lineage) -> Result<Vec<Record>, EncodeError> {
        self.map_or_else(|| Ok(Vec::new()), |message| message.encode(lineage))
    }
}

impl<M: Message> Outputs for Vec<M> {
    fn kinds() -> Vec<(Topic, &'static str)> {
        M::kinds()
    }
    fn encode(self, lineage: &Lineage) -> Result<Vec<Record>, EncodeError> {
        self.iter().enumerate().map(|(ordinal, message)| encode_child(message, ordinal, lineage)).collect()
    }
}

impl<A: Outputs, B: Outputs> Outputs for (A, B) {
    fn kinds() -> Vec<(Topic, &'static str)> {
        [A::kinds(), B::kinds()].concat()
    }
    fn encode(self, lineage: &Lineage) -> Result<Vec<Record>, EncodeError> {
        let mut records = self.0.encode(lineage)?;
        records.extend(self.1.encode(lineage)?);
        Ok(records)
    }
}
