//! Keeping jobs going: leases that end, budgets that are used up, jobs that are done.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    inspect::JobStatus,
    job::{Job, JobState},
    jobs::{BYTES, Counts, count_in, count_of},
    row::UrlRow,
    state::UrlState,
    store::{Input, decode, statements},
};
use futures_util::FutureExt;
use std::sync::Arc;
use trawl_shared::model::{JobId, code};

/// Rows changed in one transaction.
const CHUNK: i64 = 4096;

/// A job that runs, in numbers.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) job: Arc<Job>,
    pub(crate) queued: u64,
    pub(crate) in_flight: u64,
    /// Pages that count against the budget.
    pub(crate) pages: u64,
    /// Bytes of them, where there is a budget of bytes.
    pub(crate) bytes: u64,
}

impl Running {
    /// How many URLs it could have in flight besides those that are.
    pub(crate) fn wants(&self) -> u64 {
        let most = self.job.spec.max_pages.unwrap_or(u64::MAX);
        self.queued.min(most.saturating_sub(self.pages).saturating_sub(self.in_flight))
    }

    /// The code of what ends the job, if something does.
    fn ended_by(&self, now: i64) -> Option<&'static str> {
        let spec = &self.job.spec;
        let is_spent = spec.max_pages.is_some_and(|most| self.pages >= most)
            || spec.budgets.bytes.is_some_and(|most| self.bytes >= most);
        if is_spent { Some(code::BUDGET) } else { self.timed_out(now) }
    }

    fn timed_out(&self, now: i64) -> Option<&'static str> {
        let deadline = self.job.spec.deadline(self.job.created_at);
        deadline.filter(|(at, _)| now >= *at).map(|(_, code)| code)
    }
}

impl Frontier {
    /// The jobs that run.
    pub(crate) async fn running(&self) -> Result<Vec<Running>, FrontierError> {
        let answers = self.database.ask(&statements::RUNNING_JOBS, Input::default()).await?;
        self.read_running(&answers).await
    }

    /// The jobs that run, of an answer of `running_jobs`.
    pub(crate) async fn read_running(&self, answers: &[String]) -> Result<Vec<Running>, FrontierError> {
        let mut running = Vec::new();
        for (id, generation, counts) in decode::<(JobId, i64, Counts)>(answers)? {
            let Some(job) = self.job_at(id, generation).await? else { continue };
            running.push(Running {
                job,
                queued: count_in(&counts, UrlState::Queued),
                in_flight: count_in(&counts, UrlState::InFlight),
                pages: count_in(&counts, UrlState::Stored) + count_in(&counts, UrlState::Unchanged),
                bytes: count_of(&counts, BYTES),
            });
        }
        Ok(running)
    }

    /// Ends jobs that have nothing left to do, and what no budget is left for. Answers whether it
    /// changed anything.
    pub(crate) async fn tend(&self, running: &[Running]) -> Result<bool, FrontierError> {
        let mut changed = false;
        let now = self.now();
        for job in running {
            let comes_again = job.job.spec.recrawl.is_some() && job.timed_out(now).is_none();
            if let Some(code) = job.ended_by(now).filter(|_| job.queued > 0) {
                self.exclude_queued(&job.job, code).await?;
                changed = true;
            } else if job.queued > 0 && self.end_spent_hosts(&job.job).await? {
                changed = true;
            } else if job.queued == 0 && job.in_flight == 0 && !comes_again {
                let mut tx = self.database.begin().await?;
                tx.run(&statements::FINISH_JOB, Input::scalars([self.now().into(), job.job.row.into()]))
                    .await?;
                tx.commit().await?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Queues the pages again that are due, of jobs that fetch them again and again.
    /// Answers whether there were any.
    pub(crate) async fn revisit(&self, running: &[Running]) -> Result<bool, FrontierError> {
        let mut any = false;
        for job in running.iter().filter(|job| job.job.spec.recrawl.is_some()) {
            any |= self.requeue_due(&job.job).await? > 0;
        }
        Ok(any)
    }

    /// Queues URLs again whose lease ended before `until`, under the same task ids. Answers how many.
    pub(crate) async fn requeue_leased(&self, until: i64) -> Result<u64, FrontierError> {
        // A look beside the writer first: mostly there is nothing to do.
        let peek = Input::scalars([until.into(), 1i64.into()]);
        if decode::<(i64, UrlRow)>(&self.database.ask(&statements::EXPIRED_URLS, peek).await?)?.is_empty() {
            return Ok(0);
        }
        let mut requeued = 0;
        loop {
            match self.retrying(|| self.requeue_some(until).boxed()).await? {
                0 => break,
                more => requeued += more,
            }
        }
        self.end_stopped().await?;
        Ok(requeued)
    }

    /// What came back to a job after it was stopped does not wait there.
    async fn end_stopped(&self) -> Result<(), FrontierError> {
        let stopped =
            |status: &JobStatus| status.state == JobState::Stopped && status.count(UrlState::Queued) > 0;
        for status in self.statuses().await?.into_iter().filter(stopped) {
            if let Some(job) = self.job(status.id).await? {
                self.exclude_queued(&job, code::STOPPED).await?;
            }
        }
        Ok(())
    }

    async fn requeue_some(&self, until: i64) -> Result<u64, FrontierError> {
        let mut work = self.begin().await?;
        let some = Input::scalars([until.into(), CHUNK.into()]);
        let rows = decode::<(i64, UrlRow)>(&work.tx.ask(&statements::EXPIRED_URLS, some).await?)?;
        let count = rows.len() as u64;
        for (job, row) in rows {
            work.take_and_change(job, row, UrlRow::requeue);
        }
        work.commit().await?;
        Ok(count)
    }

    /// Excludes every URL of a job that waits. Answers how many.
    pub(crate) async fn exclude_queued(&self, job: &Job, code: &'static str) -> Result<u64, FrontierError> {
        let mut excluded = 0;
        loop {
            match self.retrying(|| self.exclude_some(job, code).boxed()).await? {
                0 => return Ok(excluded),
                more => excluded += more as u64,
            }
        }
    }

    async fn exclude_some(&self, job: &Job, code: &'static str) -> Result<usize, FrontierError> {
        let mut work = self.begin().await?;
        let some = Input::scalars([job.row.into(), CHUNK.into()]);
        let rows = decode::<UrlRow>(&work.tx.ask(&statements::QUEUED_URLS, some).await?)?;
        let count = rows.len();
        for row in rows {
            work.take_and_change(job.row, row, |row| row.exclude(code));
        }
        work.commit().await?;
        Ok(count)
    }
}
