//! Facts about single URLs that bring no links: found by job and URL, changed by a rule.

use crate::{error::FrontierError, frontier::Frontier, job::Job, key::UrlKey, row::UrlRow};
use futures_util::FutureExt;
use std::sync::Arc;
use trawl_shared::model::{CanonicalUrl, HostKey, JobId};

/// What a fact says besides what it makes of its URL.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// When the URL's host may be asked again, in Unix milliseconds.
    pub(crate) quiet_until: Option<i64>,
    /// The failed attempts so far, as JSON. Kept where the fact changes the URL.
    pub(crate) history: Option<String>,
}

impl Frontier {
    /// Applies `change` to the row of each URL that this frontier knows, with its place in `urls`; the
    /// change answers whether it was one.
    pub(crate) async fn touch(
        &self,
        urls: &[(JobId, CanonicalUrl)],
        change: impl Fn(usize, &mut UrlRow) -> bool + Sync,
    ) -> Result<(), FrontierError> {
        self.touch_with(urls, change, |_| Aside::default()).await
    }

    /// As [`Frontier::touch`]; `aside` says what else there is to know of a place.
    pub(crate) async fn touch_with(
        &self,
        urls: &[(JobId, CanonicalUrl)],
        change: impl Fn(usize, &mut UrlRow) -> bool + Sync,
        aside: impl Fn(usize) -> Aside + Sync,
    ) -> Result<(), FrontierError> {
        let mut jobs = Vec::with_capacity(urls.len());
        for (job, _) in urls {
            jobs.push(self.job(*job).await?);
        }
        let hosts: Vec<_> = urls.iter().map(|(_, url)| url.host_key()).collect();
        self.retrying(|| self.touch_once(urls, &jobs, &hosts, &change, &aside).boxed()).await?;
        self.wake();
        Ok(())
    }

    async fn touch_once(
        &self,
        urls: &[(JobId, CanonicalUrl)],
        jobs: &[Option<Arc<Job>>],
        hosts: &[HostKey],
        change: &(impl Fn(usize, &mut UrlRow) -> bool + Sync),
        aside: &(impl Fn(usize) -> Aside + Sync),
    ) -> Result<(), FrontierError> {
        let mut work = self.begin().await?;
        let known: Vec<_> = (0..urls.len()).filter_map(|at| Some((at, jobs[at].as_ref()?.row))).collect();
        let keys: Vec<_> = known.iter().map(|(at, job)| (*job, &hosts[*at])).collect();
        let queues = work.find_queues(&keys).await?;
        let found: Vec<_> =
            known.iter().zip(queues).filter_map(|((at, job), queue)| Some((*at, *job, queue?))).collect();
        let wanted: Vec<_> =
            found.iter().map(|(at, job, queue)| (*job, queue.queue, UrlKey::of(&urls[*at].1))).collect();
        let ids = work.load(&wanted).await?;
        let mut changed = false;
        for ((at, _, queue), id) in found.iter().zip(ids) {
            let Aside { quiet_until, history } = aside(*at);
            if id.is_some_and(|id| work.change(id, |row| change(*at, row))) {
                changed = true;
                work.attempts.extend(id.zip(history));
            }
            if let Some(until) = quiet_until {
                work.hosts.quiet(queue.host, until);
                changed = true;
            }
        }
        if changed { work.commit().await } else { Ok(()) }
    }
}
