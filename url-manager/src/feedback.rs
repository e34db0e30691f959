//! `parsed-data`: how tasks ended, and the links they found. The frontier's first half.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::Job,
    key::UrlKey,
    offer::{Harvest, Place},
    queues::QueueRef,
    scope::ScopeKind,
    state::{End, Evidence, Offer},
    text::line,
    work::Work,
};
use futures_util::FutureExt;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use trawl_shared::{
    model::{CanonicalUrl, JobId, Outcome, TaskEnded},
    runtime::{BatchHandler, Context, Failure, FailureClass},
};

/// The code of facts about tasks that are not of this frontier.
pub const UNKNOWN_TASK: &str = "unknown_task";

/// Takes terminal facts: states change, links come in, in one transaction for each batch.
#[derive(Debug)]
pub struct FeedbackHandler {
    frontier: Arc<Frontier>,
}

impl FeedbackHandler {
    /// A handler that feeds `frontier`.
    #[must_use]
    pub fn new(frontier: Arc<Frontier>) -> Self {
        Self { frontier }
    }
}

impl BatchHandler for FeedbackHandler {
    const NAME: &'static str = "url-manager";
    type In = TaskEnded;
    type Out = ();

    async fn handle(&self, batch: Vec<(TaskEnded, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        let facts: Vec<_> = batch.iter().map(|(ended, context)| (ended, context.envelope.replays)).collect();
        let known = self.frontier.apply(&facts).await?;
        Ok(known
            .into_iter()
            .zip(&facts)
            .map(|(known, (ended, _))| if known { Ok(()) } else { Err(unknown(ended)) })
            .collect())
    }
}

fn unknown(ended: &TaskEnded) -> Failure {
    let error = anyhow::anyhow!(
        "{} of job {} is not in this frontier: is the database another one than the crawl's?",
        ended.origin.url,
        ended.origin.job
    );
    Failure::reject(FailureClass::Message, UNKNOWN_TASK, error)
}

impl Frontier {
    /// Applies terminal facts, each with how often it was replayed from the dead letters; answers
    /// which of them are about URLs of this frontier. Doing it twice is doing it once.
    ///
    /// # Errors
    /// When the database fails: then nothing was applied.
    pub async fn apply(&self, facts: &[(&TaskEnded, u32)]) -> Result<Vec<bool>, FrontierError> {
        let mut jobs: BTreeMap<JobId, Arc<Job>> = BTreeMap::new();
        for (ended, _) in facts {
            let id = ended.origin.job;
            if !jobs.contains_key(&id)
                && let Some(job) = self.job(id).await?
            {
                jobs.insert(id, job);
            }
        }
        let known = self.retrying(|| self.apply_once(facts, &jobs).boxed()).await?;
        self.wake();
        Ok(known)
    }

    async fn apply_once(
        &self,
        facts: &[(&TaskEnded, u32)],
        jobs: &BTreeMap<JobId, Arc<Job>>,
    ) -> Result<Vec<bool>, FrontierError> {
        let mut work = self.begin().await?;
        let mut jobs = jobs.clone();
        for (job, anchors) in moved_sites(facts, &jobs) {
            jobs.insert(job.id, work.widen(&job, anchors).await?);
        }
        let jobs = work.pin_jobs(jobs.into_values()).await?;
        let rows = load(&mut work, facts, &jobs).await?;

        for ((ended, replays), (id, queue)) in
            facts.iter().zip(&rows).filter_map(|(fact, row)| Some((fact, (*row)?)))
        {
            work.change(id, |row| row.round == ended.origin.round && row.end(end(ended, *replays)));
            if let Some(asked) = ended.crawl_delay_ms.filter(|asked| *asked != queue.crawl_delay_ms)
                && let Some(job) = jobs.get(&ended.origin.job)
            {
                let told = QueueRef { crawl_delay_ms: asked, ..queue };
                work.fresh_queues.insert((job.row, ended.origin.url.host_key()), told);
                work.crawl_delays.insert(queue.host, asked);
            }
        }
        let mut harvest = Harvest::default();
        {
            let mut seen = self.seen();
            for ((ended, _), id) in
                facts.iter().zip(&rows).filter_map(|(fact, row)| Some((fact, row.as_ref()?.0)))
            {
                let (Some(row), Some(job)) = (work.row(id), jobs.get(&ended.origin.job)) else { continue };
                if let Some(page) = &ended.page {
                    harvest.page(
                        Place { job, parent: id, depth: row.depth, follow: ended.follow },
                        page,
                        &mut seen,
                    );
                }
                if let Some(target) = redirect(ended) {
                    let redirects = row.redirects.saturating_add(1);
                    let verdict = job.judge(&target, row.depth, redirects);
                    harvest.add(
                        job,
                        target,
                        Offer { verdict, depth: row.depth, parent: Some(id), redirects },
                    );
                }
            }
        }
        work.settle(&harvest).await?;
        work.commit().await?;
        harvest.remember(&mut self.seen());
        Ok(rows.iter().map(Option::is_some).collect())
    }
}

/// The rows that facts are about, with their queues.
async fn load(
    work: &mut Work<'_>,
    facts: &[(&TaskEnded, u32)],
    jobs: &HashMap<JobId, Arc<Job>>,
) -> Result<Vec<Option<(i64, QueueRef)>>, FrontierError> {
    let mut rows = vec![None; facts.len()];
    let of_job = |(at, (ended, _)): (usize, &(&TaskEnded, u32))| Some((at, jobs.get(&ended.origin.job)?.row));
    let known: Vec<(usize, i64)> = facts.iter().enumerate().filter_map(of_job).collect();
    let keys: Vec<_> = known.iter().map(|(at, _)| facts[*at].0.origin.url.host_key()).collect();
    let hosts: Vec<_> = known.iter().zip(&keys).map(|((_, job), host)| (*job, host)).collect();
    let queues = work.find_queues(&hosts).await?;
    let found: Vec<_> =
        known.iter().zip(queues).filter_map(|((at, job), queue)| Some((*at, *job, queue?))).collect();
    let wanted: Vec<_> = found
        .iter()
        .map(|(at, job, queue)| (*job, queue.queue, UrlKey::of(&facts[*at].0.origin.url)))
        .collect();
    for ((at, _, queue), id) in found.into_iter().zip(work.load(&wanted).await?) {
        rows[at] = id.map(|id| (id, queue));
    }
    Ok(rows)
}

fn end(ended: &TaskEnded, replays: u32) -> End {
    End {
        evidence: Evidence::fact(replays),
        outcome: ended.outcome,
        code: ended.code.clone(),
        detail: ended.detail.as_deref().map(line),
        status: ended.status,
        redirect_to: ended.redirect_to.as_deref().map(line),
        failures: None,
    }
}

fn redirect(ended: &TaskEnded) -> Option<CanonicalUrl> {
    let target = ended.redirect_to.as_deref().filter(|_| ended.outcome == Outcome::Redirected)?;
    CanonicalUrl::parse(target).ok()
}

/// Seeds that redirect take their job along: `http://example.org` may live on `www.example.org`. What
/// such a seed leads to has depth zero as well, so a chain is followed to its end.
fn moved_sites(
    facts: &[(&TaskEnded, u32)],
    jobs: &BTreeMap<JobId, Arc<Job>>,
) -> Vec<(Arc<Job>, Vec<String>)> {
    let mut moved: Vec<(Arc<Job>, Vec<String>)> = Vec::new();
    for (ended, _) in facts.iter().filter(|(ended, _)| ended.origin.depth == 0) {
        let (Some(target), Some(job)) = (redirect(ended), jobs.get(&ended.origin.job)) else { continue };
        let widens = matches!(job.spec.scope, ScopeKind::Host | ScopeKind::Domain);
        let Some(anchor) = job.spec.scope.anchor(&target).filter(|_| widens && !job.scope.admits(&target))
        else {
            continue;
        };
        match moved.iter_mut().find(|(known, _)| known.row == job.row) {
            Some((_, anchors)) => anchors.push(anchor),
            None => moved.push((Arc::clone(job), vec![anchor])),
        }
    }
    moved
}
