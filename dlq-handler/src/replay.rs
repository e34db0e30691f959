//! Sending a dead record again: the same message, as if it had never been tried.

use crate::{
    letter::{LetterId, State},
    store::{Change, Ledger},
};
use jiff::Timestamp;
use trawl_shared::{
    broker::{Producer, SendError, queue},
    message::{Envelope, Record, Source, Topic},
    sql::SqlError,
};

/// Records on their way at once.
const AT_ONCE: usize = 64;

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

/// Why replaying ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] SqlError),
    /// The broker did not take a record. Its letter, and those behind it, are as they were.
    #[error("{sent} sent, then the broker did not take letter {id}: {source}")]
    Send {
        /// Letters replayed before.
        sent: usize,
        /// The letter.
        id: LetterId,
        /// Why.
        source: SendError,
    },
}

/// The records of letters, in order, as they have to be sent. A letter whose replay was confirmed, or that is
/// not there, has none.
///
/// The message keeps its id, so effects it already had stay single; its attempts begin anew, its history is
/// kept, and it is addressed to the group it died in.
///
/// # Errors
/// When the ledger can't be asked.
pub async fn replay_records(ledger: &dyn Ledger, ids: &[LetterId]) -> Result<Vec<Replay>, SqlError> {
    let mut replays = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(summary) = ledger.summary(*id).await?.filter(|letter| letter.state != State::Resolved)
        else {
            continue;
        };
        let (Some(record), Some(death)) = (ledger.record(*id).await?, ledger.deaths(*id).await?.pop()) else {
            continue;
        };
        let record = addressed(record, &summary.group, death.source);
        replays.push(Replay { id: *id, generation: summary.generation, record });
    }
    Ok(replays)
}

/// Notes that letters were sent again.
///
/// # Errors
/// When the ledger fails.
pub async fn mark_replayed(ledger: &dyn Ledger, replays: &[Replay], by: &str) -> Result<(), SqlError> {
    let change = Change { state: State::Replayed, by, remark: None };
    for Replay { id, generation, .. } in replays {
        ledger.change(*id, *generation, &change).await?;
    }
    Ok(())
}

/// Sends letters again and answers how many. A letter is marked only when the broker has its record, so a crash
/// in between sends it twice, which its id makes harmless.
///
/// # Errors
/// When the broker does not take one, or the ledger fails.
pub async fn replay(
    ledger: &dyn Ledger,
    producer: &dyn Producer,
    ids: &[LetterId],
    by: &str,
) -> Result<usize, ReplayError> {
    let mut sent = 0;
    for ids in ids.chunks(AT_ONCE) {
        let replays = replay_records(ledger, ids).await?;
        let mut confirmations = Vec::with_capacity(replays.len());
        for replay in &replays {
            confirmations.push(queue(producer, replay.record.clone()).await);
        }
        for (replay, confirmation) in replays.iter().zip(confirmations) {
            let confirmed = match confirmation {
                Ok(confirmation) => confirmation.await,
                Err(error) => Err(error),
            };
            confirmed.map_err(|source| ReplayError::Send { sent, id: replay.id, source })?;
            mark_replayed(ledger, std::slice::from_ref(replay), by).await?;
            sent += 1;
        }
    }
    Ok(sent)
}

fn addressed(mut record: Record, group: &str, source: Source) -> Record {
    let Ok(envelope) = Envelope::read(&record) else {
        // Nobody can be addressed without an envelope: it goes back to its topic as it was.
        return record;
    };
    let envelope = Envelope {
        attempt: 0,
        replays: envelope.replays.saturating_add(1),
        not_before: Some(Timestamp::now()),
        target: Some(group.to_owned()),
        origin: Some(source),
        ..envelope
    };
    envelope.write_to(&mut record.headers);
    // The first partition is always of the shortest delay.
    Record { topic: Topic::Retry, partition: Some(0), ..record }
}
