//! The record of a replay: who it is for, when it is due, what it carries.

use super::ReplayError;
use crate::{
    letter::{LetterId, Summary},
    state::State,
    store::Ledger,
};
use bytes::Bytes;
use jiff::Timestamp;
use std::time::Duration;
use trawl_shared::{
    message::{Envelope, Record, Source, Topic, headers},
    runtime::retry_partition,
};

/// How records are sent again.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Partitions of the topic `retry`.
    pub retry_partitions: i32,
    /// How long they wait before they are handled.
    pub after: Duration,
    /// What they carry instead of their payload.
    pub edited: Option<Bytes>,
}

impl Sending {
    /// Due at once, as they are.
    #[must_use]
    pub const fn now(retry_partitions: i32) -> Self {
        Self { retry_partitions, after: Duration::ZERO, edited: None }
    }
}

/// A record that is ready to be sent again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The letter it comes from.
    pub id: LetterId,
    /// The letter's generation: if it has died again before the replay is noted, that is news.
    pub generation: u32,
    /// What to send.
    pub record: Record,
}

impl Replay {
    /// The replay of a letter; none where it was resolved, or is not there.
    ///
    /// The message keeps its id, so effects it already had stay single; its attempts begin anew, its history is
    /// kept, and it is addressed to the group it died in.
    ///
    /// # Errors
    /// When the ledger can't be asked, or the record is to wait and has no envelope to say so.
    pub async fn prepare(
        ledger: &dyn Ledger,
        id: LetterId,
        sending: &Sending,
    ) -> Result<Option<Self>, ReplayError> {
        let Some(summary) = ledger.summary(id).await?.filter(|letter| letter.state != State::Resolved) else {
            return Ok(None);
        };
        let (Some(record), Some(death)) = (ledger.record(id).await?, ledger.deaths(id).await?.pop()) else {
            return Ok(None);
        };
        let generation = summary.generation;
        let record = addressed(record, &summary, death.source, sending)?;
        Ok(Some(Self { id, generation, record }))
    }
}

fn addressed(
    mut record: Record,
    letter: &Summary,
    source: Source,
    sending: &Sending,
) -> Result<Record, ReplayError> {
    if let Some(edited) = &sending.edited {
        record.payload = edited.clone();
    }
    let replays = letter.generation.saturating_add(1);
    let Ok(envelope) = Envelope::read(&record) else {
        // Nobody can be addressed without an envelope: it goes back to its topic as it was. If it dies again, there or
        // elsewhere, the ledger knows it by this.
        if !sending.after.is_zero() {
            return Err(ReplayError::CannotWait(letter.id));
        }
        record.headers.set(headers::LEDGER_ID, letter.message.to_string());
        record.headers.set(headers::REPLAYS, replays.to_string());
        return Ok(record);
    };
    let now = Timestamp::now();
    let envelope = Envelope {
        attempt: 0,
        replays,
        not_before: Some(now.checked_add(sending.after).unwrap_or(now)),
        target: Some(letter.group.clone()),
        origin: Some(source),
        ..envelope
    };
    envelope.write_to(&mut record.headers);
    // The first partition is always of the shortest delay, also where their number is not known well.
    let partition = if sending.after.is_zero() {
        0
    } else {
        retry_partition(&envelope, sending.after, sending.retry_partitions)
    };
    Ok(Record { topic: Topic::Retry, partition: Some(partition), ..record })
}
