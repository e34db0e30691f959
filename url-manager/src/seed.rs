//! Seeds: how jobs begin, and how their scope widens.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::{Job, JobSpec},
    jobs::{ensure_job, load_job},
    offer::Harvest,
    row::UrlRow,
    state::{Evidence, Offer, UrlState, Verdict},
    store::{Input, decode, statements},
    work::Work,
};
use futures_util::FutureExt;
use std::{collections::BTreeSet, sync::Arc};
use trawl_shared::model::{CanonicalUrl, JobId, code};

/// Seeds that go in with one transaction.
const CHUNK: usize = 4096;
/// Rows looked at with one statement when a scope has widened.
const PAGE: i64 = 4096;

/// What became of seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeded {
    /// The job.
    pub job: JobId,
    /// Whether the job is new. One that was there keeps its settings.
    pub created: bool,
    /// URLs that the job did not know.
    pub new: u64,
}

impl Frontier {
    /// Makes the job, unless there is one of its name, and gives it these seeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seed(&self, spec: &JobSpec, seeds: &[CanonicalUrl]) -> Result<Seeded, FrontierError> {
        let (job, created) = self.ensure_job(spec).await?;
        let new = self.add_seeds(job, seeds).await?;
        Ok(Seeded { job, created, new })
    }

    /// Makes a job unless there is one of its name; answers its id and whether it is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_job(&self, spec: &JobSpec) -> Result<(JobId, bool), FrontierError> {
        let mut tx = self.database.begin().await?;
        let made = ensure_job(&mut *tx, spec, self.now()).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Gives a job more seeds. Its scope grows by them, and it runs again if it was done. Answers how
    /// many it did not know.
    ///
    /// # Errors
    /// When there is no such job, or the database fails.
    pub async fn add_seeds(&self, job: JobId, seeds: &[CanonicalUrl]) -> Result<u64, FrontierError> {
        let mut new = 0;
        for seeds in seeds.chunks(CHUNK) {
            new += self.retrying(|| self.add_chunk(job, seeds).boxed()).await?;
        }
        self.wake();
        Ok(new)
    }

    async fn add_chunk(&self, id: JobId, seeds: &[CanonicalUrl]) -> Result<u64, FrontierError> {
        let job = self.job(id).await?.ok_or_else(|| FrontierError::NoSuchJob(id.to_string()))?;
        let canonical =
            |url: &CanonicalUrl| job.spec.urls.canonical(url.clone()).unwrap_or_else(|_| url.clone());
        let seeds: Vec<CanonicalUrl> = seeds.iter().map(canonical).collect();
        let outside = seeds.iter().filter(|url| !job.scope.admits(url));
        let anchors: BTreeSet<String> = outside.filter_map(|url| job.spec.scope.anchor(url)).collect();
        let mut work = self.begin().await?;
        let job =
            if anchors.is_empty() { job } else { work.widen(&job, anchors.into_iter().collect()).await? };
        work.pin_jobs([Arc::clone(&job)]).await?;
        let mut harvest = Harvest::default();
        for url in seeds {
            harvest.add(
                &job,
                url.clone(),
                Offer { verdict: Verdict::Queue, depth: 0, parent: None, redirects: 0 },
            );
        }
        let new = work.settle(&harvest).await?;
        work.commit().await?;
        Ok(new)
    }
}

impl Work<'_> {
    /// Hangs a job's scope on more, and lets in what was kept out before. Comes first in its
    /// transaction: no batch may judge by the narrow scope after this one has looked.
    pub(crate) async fn widen(
        &mut self,
        job: &Arc<Job>,
        anchors: Vec<String>,
    ) -> Result<Arc<Job>, FrontierError> {
        let raised = self.tx.ask(&statements::RAISE_GENERATION, Input::scalars([job.row.into()])).await?;
        let rows = anchors.iter().map(|anchor| [job.row.into(), anchor.as_str().into()]);
        self.tx.run(&statements::INSERT_ANCHORS, Input::table(rows)).await?;
        let wider = match decode::<i64>(&raised)?.first() {
            Some(generation) if *generation == job.generation + 1 => {
                let scope = job.scope.widened(anchors);
                Arc::new(Job { scope, generation: *generation, ..Job::clone(job) })
            }
            _ => load_job(&mut *self.tx, job.id).await?,
        };
        let excluded = i64::from(UrlState::Excluded as u8);
        let excluded =
            self.tx.ask(&statements::COUNT_OF, Input::scalars([job.row.into(), excluded.into()])).await?;
        if decode::<i64>(&excluded)?.first().is_some_and(|urls| *urls > 0) {
            self.judge_again(&wider).await?;
        }
        Ok(wider)
    }

    /// Offers every URL that the scope kept out once more.
    async fn judge_again(&mut self, job: &Job) -> Result<(), FrontierError> {
        let mut after = 0;
        loop {
            let page = Input::scalars([after.into(), job.row.into(), PAGE.into()]);
            let page = decode::<(String, UrlRow)>(&self.tx.ask(&statements::WALK_URLS, page).await?)?;
            let Some((_, last)) = page.last() else { return Ok(()) };
            after = last.id;
            for (url, row) in page {
                let by_scope = row.state == UrlState::Excluded
                    && row.evidence == Evidence::NONE
                    && row.code.as_deref() == Some(code::SCOPE);
                let Some(url) = by_scope.then(|| CanonicalUrl::parse(&url).ok()).flatten() else { continue };
                let verdict = job.judge(&url, row.depth, row.redirects);
                let (id, depth, parent, redirects) = (row.id, row.depth, row.parent, row.redirects);
                self.take(job.row, row);
                self.change(id, |row| row.offer(Offer { verdict, depth, parent, redirects }));
            }
        }
    }
}
