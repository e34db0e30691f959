//! What the ledger keeps of a dead letter.

use crate::{as_text, state::State};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use trawl_shared::{
    message::{Attempt, DeadLetter, Envelope, Record, Source},
    model::{CanonicalUrl, JobId, MessageId, TaskId},
};
use uuid::Uuid;

/// A letter's id: derived from the message and the consumer group it died in, so that a message that
/// dies again after a replay opens the same letter again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LetterId(pub Uuid);

impl LetterId {
    /// The id of the letter about `message` in `group`.
    #[must_use]
    pub fn derive(message: MessageId, group: &str) -> Self {
        Self(Uuid::new_v5(&message.0, format!("dead in {group}").as_bytes()))
    }

    /// Its first eight characters: enough to name it among thousands.
    #[must_use]
    pub fn short(self) -> String {
        self.0.simple().to_string()[..8].to_owned()
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One time that a message was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// Replays before.
    #[serde(rename = "replays")]
    pub generation: u32,
    /// Where the record was first read.
    pub source: Source,
    /// When the record was made; none in letters of programs that did not say.
    pub time: Option<Timestamp>,
    /// Service that gave up.
    pub service: String,
    /// Instance that gave up.
    pub instance: String,
    /// Version of the program that gave up.
    pub version: String,
    /// `decode`, `handle` or `encode`.
    pub stage: String,
    /// Stable code.
    pub code: String,
    /// Failure class.
    pub class: String,
    /// The chain of causes in one line.
    pub error: String,
    /// The causes one by one, the outermost first.
    pub causes: Vec<String>,
    /// Attempts made since the last replay.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// The attempts, oldest first; those of earlier generations among them, as far as they travelled.
    pub history: Vec<Attempt>,
    /// The payload, where the record was edited before this replay.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::optional_bytes")]
    pub edited: Option<Bytes>,
}

/// A letter without its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: LetterId,
    /// The message that died.
    pub message: MessageId,
    /// The consumer group it died in, which is what a replay is addressed to.
    pub group: String,
    /// What is to be done about it.
    pub state: State,
    /// Replays before the last death.
    #[serde(rename = "replays")]
    pub generation: u32,
    /// The crawl.
    pub job: Option<JobId>,
    /// The fetch.
    pub task: Option<TaskId>,
    /// The URL it is about.
    pub url: Option<String>,
    /// That URL's host key.
    pub host: Option<String>,
    /// Message type.
    pub kind: Option<String>,
    /// The message that it follows from.
    pub causation: Option<MessageId>,
    /// Trace, 32 hexadecimal digits.
    pub trace: Option<String>,
    /// Topic the record was first read from.
    pub topic: String,
    /// As [`Death::service`] of the last death, and so on below.
    pub service: String,
    /// Instance of the last death.
    pub instance: String,
    /// Version of the last death.
    pub version: String,
    /// Stage of the last death.
    pub stage: String,
    /// Code of the last death.
    pub code: String,
    /// Class of the last death.
    pub class: String,
    /// Error of the last death.
    pub error: String,
    /// Attempts before the last death.
    pub attempts: u32,
    /// When it died first.
    #[serde(with = "millis")]
    pub first_died_at: i64,
    /// When it died last.
    #[serde(with = "millis")]
    pub died_at: i64,
    /// When the state changed.
    #[serde(with = "millis")]
    pub changed_at: i64,
    /// Who changed it.
    pub changed_by: String,
    /// Why, where somebody said so.
    pub remark: Option<String>,
}

/// Instants of columns in JSON.
mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    pub(super) fn serialize<S: Serializer>(millis: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        super::moment(*millis).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        Ok(Timestamp::deserialize(deserializer)?.as_millisecond())
    }
}

/// The instant of a column.
#[must_use]
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A letter as it enters the ledger.
#[derive(Clone, Debug)]
pub struct Letter {
    /// As it is listed.
    pub summary: Summary,
    /// The death it tells of.
    pub death: Death,
    /// The record as it came, byte for byte.
    pub record: Record,
}

impl Letter {
    /// Reads a dead letter; `known` is the envelope that the ledger gave a record that has none itself.
    #[must_use]
    pub fn new(letter: DeadLetter, known: &Envelope, by: &str) -> Self {
        let envelope = letter.envelope();
        let origin = letter.origin();
        let DeadLetter { record, reason } = letter;
        let Envelope { id: message, replays: generation, .. } = *envelope.as_ref().unwrap_or(known);
        let job = origin.as_ref().map(|origin| origin.job).or(envelope.as_ref().and_then(|e| e.correlation));
        let subject = envelope.as_ref().and_then(|envelope| envelope.subject.clone());
        let url = origin.as_ref().map(|origin| origin.url.clone());
        let url = url.or_else(|| CanonicalUrl::parse(subject.as_deref()?).ok());
        // A payload that can't be read does not say its round: most are of the first.
        let task = origin.map(|origin| origin.task).or_else(|| Some(TaskId::derive(job?, url.as_ref()?, 0)));
        let failed_at = reason.failed_at;
        let error = clean(reason.message);
        let causes: Vec<String> = reason.causes.into_iter().map(clean).collect();
        let history = envelope.as_ref().map_or_else(Vec::new, |envelope| envelope.history.clone());
        // What can't be read was looked at once, which no header of its own tells.
        let looked = || Attempt {
            at: failed_at,
            took_ms: 0,
            code: reason.code.clone(),
            class: reason.class.clone(),
            error: error.clone(),
            worker: reason.instance.clone(),
        };
        let history = if history.is_empty() { vec![looked()] } else { history };
        let death = Death {
            generation,
            source: reason.source,
            time: reason.time.or_else(|| Some(envelope.as_ref()?.time)),
            service: clean(reason.service),
            instance: clean(reason.instance),
            version: clean(reason.version),
            stage: clean(reason.stage),
            code: clean(reason.code),
            class: clean(reason.class),
            causes: if causes.is_empty() { vec![error.clone()] } else { causes },
            error,
            attempts: reason.attempts,
            failed_at,
            history,
            edited: None,
        };
        let summary = Summary {
            id: LetterId::derive(message, &reason.group),
            message,
            group: clean(reason.group),
            state: State::Open,
            generation,
            job,
            task,
            host: url.as_ref().map(|url| url.host_key().to_string()),
            url: url.map(String::from).or(subject.map(clean)),
            causation: envelope.as_ref().and_then(|envelope| envelope.causation),
            trace: envelope.as_ref().map(|envelope| format!("{:032x}", envelope.trace.trace_id)),
            kind: envelope.map(|envelope| clean(envelope.kind.into_owned())),
            topic: death.source.topic.to_string(),
            service: death.service.clone(),
            instance: death.instance.clone(),
            version: death.version.clone(),
            stage: death.stage.clone(),
            code: death.code.clone(),
            class: death.class.clone(),
            error: death.error.clone(),
            attempts: death.attempts,
            first_died_at: failed_at.as_millisecond(),
            died_at: failed_at.as_millisecond(),
            changed_at: Timestamp::now().as_millisecond(),
            changed_by: by.to_owned(),
            remark: None,
        };
        Self { summary, death, record }
    }
}

/// PostgreSQL's text can't hold NUL, and a letter must never be refused.
fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
