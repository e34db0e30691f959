//! What closes a dead letter: the word that its record was sent again and was handled.

use super::{
    DeadLetter, DecodeError, Delivery, Envelope, EnvelopeError, Input, Record, Source, Topic,
    headers as names, letter::read,
};
use crate::model::MessageId;
use bytes::Bytes;
use jiff::Timestamp;

/// A message that came back from the dead letters was handled by the group that it had died in.
///
/// It stands on `dead-letter` under the key of its letter, so behind it. A terminal fact takes its payload along, because
/// the frontier still holds its letter against it; of other messages the children tell, and the payload is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The record as the replay sent it; its topic is the one it was first read from.
    pub record: Record,
    /// The envelope of the replay; `replays` is at least 1.
    pub envelope: Envelope,
    /// Where the record was first read.
    pub source: Source,
    /// The group that handled it.
    pub group: String,
    /// Who handled it, as `<service>/<instance>`.
    pub worker: String,
    /// When.
    pub at: Timestamp,
}

impl Recovered {
    /// What there is to say when `group` has handled `delivery`; nothing where it is no replay for that group.
    #[must_use]
    pub fn of(
        delivery: &Delivery,
        envelope: &Envelope,
        group: &str,
        worker: &str,
        at: Timestamp,
    ) -> Option<Self> {
        let source = envelope.origin.filter(|_| envelope.replays > 0)?;
        let is_ours = envelope.target.as_deref() == Some(group);
        // The groups of the other two read notices, among them this very one.
        let is_data = matches!(source.topic, Topic::ScrapingTasks | Topic::ScrapedData | Topic::ParsedData);
        if !is_ours || !is_data {
            return None;
        }
        let payload =
            if source.topic == Topic::ParsedData { delivery.record.payload.clone() } else { Bytes::new() };
        let record = Record { topic: source.topic, partition: None, payload, ..delivery.record.clone() };
        Some(Self {
            record,
            envelope: envelope.clone(),
            source,
            group: group.into(),
            worker: worker.into(),
            at,
        })
    }

    /// The record that goes to `dead-letter`.
    #[must_use]
    pub fn into_record(self) -> Record {
        let Source { topic, partition, offset } = self.source;
        let mut record = Record { topic: Topic::DeadLetter, partition: None, ..self.record };
        let mut set = |name: &'static str, value: String| record.headers.set(name, value);
        set(names::DLQ_TOPIC, topic.to_string());
        set(names::DLQ_PARTITION, partition.to_string());
        set(names::DLQ_OFFSET, offset.to_string());
        set(names::DLQ_GROUP, self.group);
        set(names::DLQ_INSTANCE, self.worker);
        set(names::DLQ_RECOVERED_AT, self.at.to_string());
        record
    }

    fn from_record(record: &Record) -> Result<Self, EnvelopeError> {
        let headers = &record.headers;
        let source = Source {
            topic: read(headers, names::DLQ_TOPIC)?,
            partition: read(headers, names::DLQ_PARTITION)?,
            offset: read(headers, names::DLQ_OFFSET)?,
        };
        let mut original = Record { topic: source.topic, partition: None, ..record.clone() };
        for name in names::DLQ_ALL.into_iter().chain([names::DLQ_RECOVERED_AT]) {
            original.headers.remove(name);
        }
        Ok(Self {
            envelope: Envelope::read(record)?,
            record: original,
            source,
            group: read(headers, names::DLQ_GROUP)?,
            worker: read(headers, names::DLQ_INSTANCE)?,
            at: read(headers, names::DLQ_RECOVERED_AT)?,
        })
    }
}

/// What a record of `dead-letter` tells.
#[derive(Clone, Debug)]
pub enum LetterNews {
    /// A message was given up.
    Died(DeadLetter),
    /// One that was given up was sent again, and handled.
    Recovered(Recovered),
}

impl Input for LetterNews {
    const TOPIC: Topic = Topic::DeadLetter;
    const KIND: &'static str = "any dead letter";
    const ANY_TYPE: bool = true;

    fn read(delivery: &Delivery, envelope: &Envelope) -> Result<Self, DecodeError> {
        if is_recovery(delivery) {
            return Ok(Self::Recovered(Recovered::from_record(&delivery.record)?));
        }
        DeadLetter::read(delivery, envelope).map(Self::Died)
    }

    fn envelope(delivery: &Delivery) -> Result<Envelope, EnvelopeError> {
        <DeadLetter as Input>::envelope(delivery)
    }

    fn identity(delivery: &Delivery, envelope: &Envelope) -> MessageId {
        let death = DeadLetter::identity(delivery, envelope);
        if is_recovery(delivery) { death.child("recovered", 0) } else { death }
    }
}

fn is_recovery(delivery: &Delivery) -> bool {
    delivery.record.headers.get(names::DLQ_RECOVERED_AT).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{Headers, TraceContext},
        model::JobId,
    };

    fn replay(topic: Topic, target: &str, replays: u32) -> Delivery {
        let envelope = Envelope {
            id: MessageId::root(),
            kind: "trawl.task-ended.v1".into(),
            source: "/parser/1".into(),
            time: Timestamp::UNIX_EPOCH,
            content_type: "application/json".into(),
            subject: Some("http://a.example/".into()),
            correlation: Some(JobId::fresh()),
            causation: None,
            trace: TraceContext::root(),
            attempt: 0,
            not_before: None,
            target: Some(target.into()),
            origin: Some(Source { topic, partition: 1, offset: 2 }),
            history: Vec::new(),
            replays,
        };
        let mut headers = Headers::default();
        envelope.write_to(&mut headers);
        headers.push("x-foreign", &b"\xff"[..]);
        let (key, payload) = (Some(Bytes::from_static(b"k")), Bytes::from_static(b"\x80"));
        let record = Record { topic: Topic::Retry, partition: None, key, headers, payload };
        Delivery { record, partition: 0, offset: 9, high_watermark: 10, timestamp: Timestamp::UNIX_EPOCH }
    }

    fn told(delivery: &Delivery, group: &str) -> Option<Recovered> {
        let envelope = Envelope::read(&delivery.record).unwrap();
        Recovered::of(delivery, &envelope, group, "storage/1", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn it_survives_the_wire() {
        for (topic, payload) in [(Topic::ParsedData, &b"\x80"[..]), (Topic::ScrapedData, b"")] {
            let said = told(&replay(topic, "storage", 2), "storage").unwrap();
            assert_eq!(said.record.payload, payload, "only a fact is told again");
            let record = said.clone().into_record();
            assert_eq!((record.topic, record.key.as_deref()), (Topic::DeadLetter, Some(&b"k"[..])));
            let delivery = Delivery { record, ..replay(topic, "storage", 2) };
            let envelope = <LetterNews as Input>::envelope(&delivery).unwrap();
            let LetterNews::Recovered(read) = LetterNews::read(&delivery, &envelope).unwrap() else {
                panic!("no death is told")
            };
            assert_eq!(read, said);
            assert_ne!(
                LetterNews::identity(&delivery, &envelope),
                DeadLetter::identity(&delivery, &envelope)
            );
        }
    }

    #[test]
    fn only_replays_of_the_group_itself_are_told() {
        assert_eq!(told(&replay(Topic::ParsedData, "storage", 0), "storage"), None, "no replay");
        assert_eq!(told(&replay(Topic::ParsedData, "storage", 1), "url-manager"), None, "of another group");
        assert_eq!(told(&replay(Topic::DeadLetter, "dlq", 1), "dlq"), None, "it would never end");
    }
}
