//! Pages that are fetched again: when each is due, and what is remembered of the version seen last.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::Job,
    row::UrlRow,
    store::{Cell, Input, decode, statements},
    work::Work,
};
use futures_util::FutureExt;
use serde::Deserialize;
use std::collections::HashMap;
use trawl_shared::model::{Outcome, Validators};

/// Pages queued again in one transaction.
const CHUNK: i64 = 4096;

/// A row of `revisits`. Read from an array, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Revisit {
    /// `urls.id`
    url: i64,
    /// `jobs.id`
    job: i64,
    due_at: i64,
    interval_ms: u64,
    etag: Option<String>,
    last_modified: Option<String>,
    content_hash: Option<String>,
}

/// How a fetch of such a page ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) row: i64,
    pub(crate) job: &'a Job,
    pub(crate) outcome: Outcome,
    pub(crate) validators: Option<&'a Validators>,
    pub(crate) content_hash: Option<&'a str>,
}

impl Visit<'_> {
    /// When the page is due next. A page counts as changed when it was there and does not have the hash that it
    /// had, or there is no hash to tell by.
    fn next(&self, known: Option<Revisit>, now: i64) -> Option<Revisit> {
        let recrawl = self.job.spec.recrawl.as_ref()?;
        let here = self.outcome == Outcome::Stored;
        let is_same = |known: &Revisit| {
            known.content_hash.is_some() && known.content_hash.as_deref() == self.content_hash
        };
        let changed = here && !known.as_ref().is_some_and(is_same);
        let interval_ms = recrawl.next_ms(known.as_ref().map(|known| known.interval_ms), changed);
        let due_at = now.saturating_add(i64::try_from(interval_ms).unwrap_or(i64::MAX));
        let Revisit { etag, last_modified, content_hash, .. } = known.unwrap_or(Revisit {
            url: self.row,
            job: self.job.row,
            due_at,
            interval_ms,
            etag: None,
            last_modified: None,
            content_hash: None,
        });
        let mut next = Revisit {
            url: self.row,
            job: self.job.row,
            due_at,
            interval_ms,
            etag,
            last_modified,
            content_hash,
        };
        if here {
            let validators = self.validators.cloned().unwrap_or_default();
            (next.etag, next.last_modified) = (validators.etag, validators.last_modified);
            next.content_hash = self.content_hash.map(str::to_owned);
        }
        Some(next)
    }
}

impl Work<'_> {
    /// Writes down when pages are due next.
    pub(crate) async fn schedule(&mut self, visits: &[Visit<'_>]) -> Result<(), FrontierError> {
        let rows = visits.iter().map(|visit| [Cell::from(visit.row)]);
        let known = self.tx.ask(&statements::LOAD_REVISITS, Input::table(rows)).await?;
        let mut known: HashMap<i64, Revisit> =
            decode::<Revisit>(&known)?.into_iter().map(|revisit| (revisit.url, revisit)).collect();
        let now = self.now;
        let next = visits.iter().filter_map(|visit| visit.next(known.remove(&visit.row), now)).collect();
        self.save_revisits(next).await
    }

    async fn save_revisits(&mut self, revisits: Vec<Revisit>) -> Result<(), FrontierError> {
        let rows = revisits.into_iter().map(|revisit| {
            [
                revisit.url.into(),
                revisit.job.into(),
                revisit.due_at.into(),
                i64::try_from(revisit.interval_ms).unwrap_or(i64::MAX).into(),
                revisit.etag.as_deref().into(),
                revisit.last_modified.as_deref().into(),
                revisit.content_hash.as_deref().into(),
            ]
        });
        self.tx.run(&statements::SAVE_REVISITS, Input::table(rows)).await?;
        Ok(())
    }
}

impl Frontier {
    /// Queues the pages of a job again that are due. Answers how many.
    pub(crate) async fn requeue_due(&self, job: &Job) -> Result<u64, FrontierError> {
        // A look beside the writer first: mostly there is nothing to do.
        let peek = Input::scalars([job.row.into(), self.now().into(), 1i64.into()]);
        let peek = self.database.ask(&statements::DUE_REVISITS, peek).await?;
        let mut requeued = 0;
        if decode::<(UrlRow, Revisit)>(&peek)?.is_empty() {
            return Ok(requeued);
        }
        loop {
            match self.retrying(|| self.requeue_some_due(job).boxed()).await? {
                0 => return Ok(requeued),
                more => requeued += more,
            }
        }
    }

    async fn requeue_some_due(&self, job: &Job) -> Result<u64, FrontierError> {
        let mut work = self.begin().await?;
        let due = Input::scalars([job.row.into(), work.now.into(), CHUNK.into()]);
        let due = decode::<(UrlRow, Revisit)>(&work.tx.ask(&statements::DUE_REVISITS, due).await?)?;
        let count = due.len() as u64;
        let mut later = Vec::with_capacity(due.len());
        for (row, mut revisit) in due {
            let id = row.id;
            work.take(job.row, row);
            work.change(id, UrlRow::revisit);
            // However this fetch ends, there is a next one: its end will say when, or this does.
            let interval = i64::try_from(revisit.interval_ms.max(1)).unwrap_or(i64::MAX);
            revisit.due_at = work.now.saturating_add(interval);
            later.push(revisit);
        }
        work.save_revisits(later).await?;
        work.commit().await?;
        Ok(count)
    }
}
