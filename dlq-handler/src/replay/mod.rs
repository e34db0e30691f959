//! Sending dead records again: the same messages, as if they had never been tried.

mod record;
mod run;

pub use record::{Replay, Sending};
pub use run::{Outcome, Replayer, Report, Speed};

use crate::{
    filter::Filter,
    letter::LetterId,
    state::State,
    store::{Change, Ledger},
};
use jiff::Timestamp;
use trawl_shared::{broker::SendError, sql::SqlError};

/// Which letters something is done about.
#[derive(Clone, Debug)]
pub enum Letters {
    /// These.
    Ids(Vec<LetterId>),
    /// Those that a filter lets through.
    Where(Filter),
}

impl Letters {
    /// The next `limit` letters; `place` is moved behind them.
    ///
    /// # Errors
    /// When the ledger can't be asked.
    pub async fn next(
        &self,
        ledger: &dyn Ledger,
        place: &mut i64,
        limit: usize,
    ) -> Result<Vec<LetterId>, SqlError> {
        match self {
            Self::Ids(ids) => {
                let from = usize::try_from(*place).unwrap_or(usize::MAX).min(ids.len());
                let until = from.saturating_add(limit).min(ids.len());
                *place = i64::try_from(until).unwrap_or(i64::MAX);
                Ok(ids[from..until].to_vec())
            }
            Self::Where(filter) => {
                let ids = ledger.ids(filter, *place, limit).await?;
                *place = ids.last().map_or(*place, |(seq, _)| *seq);
                Ok(ids.into_iter().map(|(_, id)| id).collect())
            }
        }
    }

    /// How many there are.
    ///
    /// # Errors
    /// When the ledger can't be asked.
    pub async fn count(&self, ledger: &dyn Ledger) -> Result<u64, SqlError> {
        match self {
            Self::Ids(ids) => Ok(ids.len() as u64),
            Self::Where(filter) => ledger.count(filter).await,
        }
    }
}

/// Marks letters as done with and answers how many; resolved ones stay resolved.
///
/// # Errors
/// When the ledger fails.
pub async fn discard(
    ledger: &dyn Ledger,
    letters: &Letters,
    by: &str,
    reason: &str,
) -> Result<u64, SqlError> {
    const AT_ONCE: usize = 256;
    let (mut place, mut discarded) = (0, 0);
    loop {
        let ids = letters.next(ledger, &mut place, AT_ONCE).await?;
        if ids.is_empty() {
            return Ok(discarded);
        }
        for (id, outcome) in ids.iter().zip(ledger.outcomes(&ids).await?) {
            let Some((state, generation)) = outcome else { continue };
            if matches!(state, State::Resolved | State::Discarded) {
                continue;
            }
            let change = Change { state: State::Discarded, at: Timestamp::now(), by, remark: Some(reason) };
            discarded += u64::from(ledger.change(*id, generation, &change).await?);
        }
    }
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
        sent: u64,
        /// The letter.
        id: LetterId,
        /// Why.
        source: SendError,
    },
    /// A record without an envelope goes back to its topic, where nothing waits.
    #[error("letter {0} has no envelope that can be read, so its replay can't wait: leave out the delay")]
    CannotWait(LetterId),
}
