//! What the ledger keeps of a dead letter.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};
use trawl_shared::{
    message::{Attempt, DeadLetter, Record, Source},
    model::{CanonicalUrl, JobId, MessageId, TaskId},
};
use uuid::Uuid;

/// A letter's id: derived from the message and the consumer group it died in, so that a message that
/// dies again after a replay opens the same letter again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
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

/// What is to be done about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody has to look at it
    Open,
    /// Its record was sent again; nothing was heard of it since
    Replayed,
    /// Its replay succeeded
    Resolved,
    /// Nothing will be done
    Discarded,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Replayed, Self::Resolved, Self::Discarded];

    /// The name in tables and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| format!("no state is called {name:?}"))
    }
}

/// One time that a message was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Death {
    /// Replays before.
    pub generation: u32,
    /// Where the record was first read.
    pub source: Source,
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
    /// Attempts made since the last replay.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// The attempts, oldest first; those of earlier generations among them, as far as they travelled.
    pub history: Vec<Attempt>,
}

/// A letter without its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Topic the record was first read from.
    pub topic: String,
    /// As [`Death::service`] of the last death, and so on below.
    pub service: String,
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
    #[serde(serialize_with = "time")]
    pub first_died_at: i64,
    /// When it died last.
    #[serde(serialize_with = "time")]
    pub died_at: i64,
    /// When the state changed.
    #[serde(serialize_with = "time")]
    pub changed_at: i64,
    /// Who changed it.
    pub changed_by: String,
    /// Why it was discarded.
    pub remark: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn time<S: Serializer>(millis: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    moment(*millis).serialize(serializer)
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
    /// Reads a dead letter; `message` is the id of a record that has none itself.
    #[must_use]
    pub fn new(letter: DeadLetter, message: MessageId, by: &str) -> Self {
        let envelope = letter.envelope();
        let origin = letter.origin();
        let DeadLetter { record, reason } = letter;
        let message = envelope.as_ref().map_or(message, |envelope| envelope.id);
        let generation = envelope.as_ref().map_or(0, |envelope| envelope.replays);
        let job = origin.as_ref().map(|origin| origin.job).or(envelope.as_ref().and_then(|e| e.correlation));
        let subject = envelope.as_ref().and_then(|envelope| envelope.subject.clone());
        let url = origin.as_ref().map(|origin| origin.url.clone());
        let url = url.or_else(|| CanonicalUrl::parse(subject.as_deref()?).ok());
        // A payload that can't be read does not say its round: most are of the first.
        let task = origin.map(|origin| origin.task).or_else(|| Some(TaskId::derive(job?, url.as_ref()?, 0)));
        let failed_at = reason.failed_at;
        let death = Death {
            generation,
            source: reason.source,
            service: clean(reason.service),
            instance: clean(reason.instance),
            version: clean(reason.version),
            stage: clean(reason.stage),
            code: clean(reason.code),
            class: clean(reason.class),
            error: clean(reason.message),
            attempts: reason.attempts,
            failed_at,
            history: envelope.as_ref().map_or_else(Vec::new, |envelope| envelope.history.clone()),
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
            kind: envelope.map(|envelope| clean(envelope.kind.into_owned())),
            topic: death.source.topic.to_string(),
            service: death.service.clone(),
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
