//! Going on after a stop: for who is the sole user of the frontier and has lost every message.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    row::UrlRow,
    state::UrlState,
    store::{Input, decode, statements},
};
use futures_util::{Stream, StreamExt};
use std::{collections::HashSet, pin::pin};
use trawl_shared::model::{CanonicalUrl, JobId, TaskId};

/// Rows looked at in one transaction.
const PAGE: i64 = 4096;

impl Frontier {
    /// Queues every URL again that is in flight: whoever had it is gone. Answers how many. Only for
    /// the sole user of the frontier, before it dispatches.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_all_leases(&self) -> Result<u64, FrontierError> {
        self.forget_managers().await?;
        self.requeue_leased(i64::MAX).await
    }

    /// Queues these URLs again, as far as they are in flight.
    pub(crate) async fn release(&self, urls: &[(JobId, CanonicalUrl)]) -> Result<(), FrontierError> {
        self.touch(urls, |_, row| {
            let leased = row.state == UrlState::InFlight;
            if leased {
                row.requeue();
            }
            leased
        })
        .await
    }

    /// Queues URLs again that have ended according to the frontier, and left neither a row in the store
    /// of pages nor a dead letter: the message was lost on its way there. `stored` are the tasks that
    /// have one or the other (16 bytes each are kept in memory). Answers how many.
    ///
    /// # Errors
    /// When there is no such job, the stream breaks, or a database fails.
    pub async fn reconcile<E: Into<FrontierError>>(
        &self,
        job: JobId,
        stored: impl Stream<Item = Result<TaskId, E>>,
    ) -> Result<u64, FrontierError> {
        let mut present = HashSet::new();
        let mut stored = pin!(stored);
        while let Some(task) = stored.next().await {
            present.insert(task.map_err(Into::into)?);
        }
        let job = self.job(job).await?.ok_or_else(|| FrontierError::NoSuchJob(job.to_string()))?;
        let (mut after, mut requeued) = (0, 0);
        loop {
            let mut work = self.begin().await?;
            work.pin_jobs([job.clone()]).await?;
            let page = Input::scalars([after.into(), job.row.into(), PAGE.into()]);
            let page = decode::<(String, UrlRow)>(&work.tx.ask(&statements::WALK_URLS, page).await?)?;
            let Some((_, last)) = page.last() else { break };
            after = last.id;
            for (url, row) in page.into_iter().filter(|(_, row)| leaves_a_trace(row)) {
                let Ok(url) = CanonicalUrl::parse(&url) else { continue };
                if present.contains(&TaskId::derive(job.id, &url, row.round)) {
                    continue;
                }
                work.take_and_change(job.row, row, UrlRow::requeue);
                requeued += 1;
            }
            work.commit().await?;
        }
        self.wake();
        Ok(requeued)
    }
}

/// Whether the store of pages has a row for it, or the ledger a letter, if nothing was lost.
fn leaves_a_trace(row: &UrlRow) -> bool {
    use UrlState::{Dead, Gone, Redirected, Stored, Unchanged};
    let answered = row.evidence.is_fact() && row.status.is_some();
    row.state == Dead || (answered && matches!(row.state, Stored | Unchanged | Redirected | Gone))
}
