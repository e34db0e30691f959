//! Rows of the ledger as both databases give them.

use crate::{
    as_text::AsText,
    letter::{Death, LetterId, Summary, moment},
    state::{Event, State},
};
use bytes::Bytes;
use serde::Serialize;
use sqlx::types::Uuid;
use std::fmt::Display;
use trawl_shared::{
    message::{Headers, Record, Source},
    model::{JobId, MessageId, TaskId},
    row,
    sql::SqlError,
};

row! {
    /// The columns of `list.sql` and `letter.sql`.
    pub(super) struct SummaryRow {
        id: Uuid,
        message: Uuid,
        consumer: String,
        state: String,
        generation: i64,
        job: Option<Uuid>,
        task: Option<Uuid>,
        url: Option<String>,
        host: Option<String>,
        kind: Option<String>,
        causation: Option<Uuid>,
        trace: Option<String>,
        topic: String,
        service: String,
        instance: String,
        version: String,
        stage: String,
        code: String,
        class: String,
        error: String,
        attempts: i64,
        first_died_at: i64,
        died_at: i64,
        changed_at: i64,
        changed_by: String,
        remark: Option<String>,
    }
}

impl SummaryRow {
    pub(super) fn read(self) -> Result<Summary, SqlError> {
        Ok(Summary {
            id: LetterId(self.id),
            message: MessageId(self.message),
            group: self.consumer,
            state: state(&self.state)?,
            generation: number("generation", self.generation)?,
            job: self.job.map(JobId),
            task: self.task.map(TaskId),
            url: self.url,
            host: self.host,
            kind: self.kind,
            causation: self.causation.map(MessageId),
            trace: self.trace,
            topic: self.topic,
            service: self.service,
            instance: self.instance,
            version: self.version,
            stage: self.stage,
            code: self.code,
            class: self.class,
            error: self.error,
            attempts: number("attempts", self.attempts)?,
            first_died_at: self.first_died_at,
            died_at: self.died_at,
            changed_at: self.changed_at,
            changed_by: self.changed_by,
            remark: self.remark,
        })
    }
}

row! {
    /// The columns of `deaths.sql`.
    pub(super) struct DeathRow {
        generation: i64,
        topic: String,
        part: i64,
        place: i64,
        made_at: Option<i64>,
        service: String,
        instance: String,
        version: String,
        stage: String,
        code: String,
        class: String,
        error: String,
        causes: String,
        attempts: i64,
        failed_at: i64,
        history: String,
        edited: Option<Vec<u8>>,
    }
}

impl DeathRow {
    pub(super) fn read(self) -> Result<Death, SqlError> {
        let topic = self.topic.parse().map_err(|error| impossible("topic", error))?;
        Ok(Death {
            generation: number("generation", self.generation)?,
            source: Source { topic, partition: number("part", self.part)?, offset: self.place },
            time: self.made_at.map(moment),
            service: self.service,
            instance: self.instance,
            version: self.version,
            stage: self.stage,
            code: self.code,
            class: self.class,
            error: self.error,
            causes: serde_json::from_str(&self.causes).map_err(|error| impossible("causes", error))?,
            attempts: number("attempts", self.attempts)?,
            edited: self.edited.map(Bytes::from),
            failed_at: moment(self.failed_at),
            history: serde_json::from_str(&self.history).map_err(|error| impossible("history", error))?,
        })
    }
}

row! {
    /// The columns of `events.sql`.
    pub(super) struct EventRow {
        at: i64,
        state: String,
        done_by: String,
        remark: Option<String>,
        generation: i64,
    }
}

impl EventRow {
    pub(super) fn read(self) -> Result<Event, SqlError> {
        Ok(Event {
            at: moment(self.at),
            state: state(&self.state)?,
            by: self.done_by,
            remark: self.remark,
            replays: number("generation", self.generation)?,
        })
    }
}

row! {
    /// The columns of `record.sql` and `original.sql`.
    pub(super) struct RecordRow {
        topic: String,
        record_key: Option<Vec<u8>>,
        headers: String,
        payload: Vec<u8>,
    }
}

impl RecordRow {
    pub(super) fn read(self) -> Result<Record, SqlError> {
        Ok(Record {
            topic: self.topic.parse().map_err(|error| impossible("topic", error))?,
            partition: None,
            key: self.record_key.map(Bytes::from),
            headers: headers_from_text(&self.headers)?,
            payload: self.payload.into(),
        })
    }
}

/// Headers in order, as the column holds them.
pub(super) fn headers_to_text(headers: &Headers) -> String {
    let values: Vec<(&str, AsText)> =
        headers.iter().map(|(name, value)| (name, AsText::from(&value[..]))).collect();
    serde_json::to_string(&values).expect("names and texts are JSON")
}

fn headers_from_text(text: &str) -> Result<Headers, SqlError> {
    let values: Vec<(String, AsText)> =
        serde_json::from_str(text).map_err(|error| impossible("headers", error))?;
    let mut headers = Headers::with_capacity(values.len());
    for (name, value) in values {
        let value: Vec<u8> = value.try_into().map_err(|error| impossible("headers", error))?;
        headers.push(name, value);
    }
    Ok(headers)
}

/// What a column of JSON holds.
pub(super) fn to_json(value: &impl Serialize) -> String {
    // PostgreSQL's text has no NUL, and serde_json writes it as an escape.
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

/// The state of a column.
pub(super) fn state(name: &str) -> Result<State, SqlError> {
    name.parse().map_err(|error: String| impossible("state", error))
}

/// A number that is smaller in the program than in the table.
pub(super) fn number<T: TryFrom<i64>>(column: &str, value: i64) -> Result<T, SqlError> {
    T::try_from(value).map_err(|_| impossible(column, format!("{value} is out of range")))
}

/// A value that no version of this program writes.
pub(super) fn impossible(column: &str, error: impl Display) -> SqlError {
    let source = format!("{error}: nothing that this program writes").into();
    SqlError::Query(sqlx::Error::ColumnDecode { index: column.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_byte_for_byte() {
        let mut headers = Headers::default();
        headers.push("ce_id", "1");
        headers.push("twice", "a");
        headers.push("twice", &b"\xff\x00\x80"[..]);
        headers.push("nul", &b"\0 \x1b[31m \xc3\xa9"[..]);
        headers.push("hex", r#"{"hex":"00"}"#);
        headers.push("", "");
        let text = headers_to_text(&headers);
        assert!(!text.contains('\0'));
        assert_eq!(headers_from_text(&text).unwrap(), headers);
        assert!(headers_from_text(r#"[["a", {"hex": "zz"}]]"#).is_err());
    }
}
