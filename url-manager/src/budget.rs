//! Budgets: what a job has used up, in all and at each host, and what follows from it.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::{HostBudget, Job},
    row::UrlRow,
    store::{Input, decode, statements},
    work::Work,
};
use futures_util::FutureExt;
use std::collections::HashMap;
use trawl_shared::model::code;

/// Rows changed in one transaction.
const CHUNK: i64 = 4096;

/// What a job may still use up at hosts.
#[derive(Debug, Default)]
pub(crate) struct HostsLeft {
    budget: HostBudget,
    /// Pages that came in, by queue.
    pages: HashMap<i64, u64>,
}

impl HostsLeft {
    /// How many more URLs of a queue may be given out while `leased` are in flight.
    pub(crate) fn room(&self, queue: i64, leased: u64) -> u64 {
        let Some(most) = self.budget.pages else { return u64::MAX };
        most.saturating_sub(self.pages.get(&queue).copied().unwrap_or(0)).saturating_sub(leased)
    }
}

impl Work<'_> {
    /// What a job may still use up at the hosts of these queues.
    pub(crate) async fn hosts_left(
        &mut self,
        job: &Job,
        queues: impl Iterator<Item = i64>,
    ) -> Result<HostsLeft, FrontierError> {
        let budget = job.spec.budgets.host.clone();
        if budget.pages.is_none() {
            return Ok(HostsLeft::default());
        }
        let queues = Input::table(queues.map(|queue| [queue.into()]));
        let used = self.tx.ask(&statements::HOST_USE, queues).await?;
        let used = decode::<(i64, u64, u64, i64)>(&used)?;
        Ok(HostsLeft { budget, pages: used.into_iter().map(|(queue, pages, ..)| (queue, pages)).collect() })
    }
}

impl Frontier {
    /// Excludes what waits at hosts where the job's budget is used up. Answers whether there was any.
    pub(crate) async fn end_spent_hosts(&self, job: &Job) -> Result<bool, FrontierError> {
        if job.spec.budgets.host == HostBudget::default() {
            return Ok(false);
        }
        // A look beside the writer first: mostly there is nothing to do.
        let peek = self.database.ask(&statements::SPENT_URLS, spent(job, self.now(), 1)).await?;
        if decode::<UrlRow>(&peek)?.is_empty() {
            return Ok(false);
        }
        while self.retrying(|| self.exclude_spent(job).boxed()).await? > 0 {}
        Ok(true)
    }

    async fn exclude_spent(&self, job: &Job) -> Result<usize, FrontierError> {
        let mut work = self.begin().await?;
        let some = spent(job, work.now, CHUNK);
        let rows = decode::<UrlRow>(&work.tx.ask(&statements::SPENT_URLS, some).await?)?;
        let count = rows.len();
        for row in rows {
            work.take_and_change(job.row, row, |row| row.exclude(code::HOST_BUDGET));
        }
        work.commit().await?;
        Ok(count)
    }
}

/// What `spent_urls` is asked.
fn spent(job: &Job, now: i64, urls: i64) -> Input {
    let HostBudget { pages, bytes, time_ms } = &job.spec.budgets.host;
    let most = |budget: &Option<u64>| budget.map_or(i64::MAX, |most| i64::try_from(most).unwrap_or(i64::MAX));
    let since = time_ms.map_or(i64::MIN, |time| now.saturating_sub(i64::try_from(time).unwrap_or(i64::MAX)));
    Input::scalars([job.row.into(), most(pages).into(), most(bytes).into(), since.into(), urls.into()])
}
