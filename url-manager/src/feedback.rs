//! `parsed-data`: how tasks ended, and the links they found. The frontier's first half.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    input::EndedTask,
    job::Job,
    key::UrlKey,
    offer::{Harvest, Place},
    queues::QueueRef,
    revisit::Visit,
    scope::ScopeKind,
    seen::Seen,
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
    model::{CanonicalUrl, JobId, Outcome},
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
    type In = EndedTask;
    type Out = ();

    async fn handle(&self, batch: Vec<(EndedTask, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        let facts: Vec<EndedTask> = batch.into_iter().map(|(ended, _)| ended).collect();
        let known = self.frontier.apply(&facts).await?;
        let answer = |(known, ended)| if known { Ok(()) } else { Err(unknown(ended)) };
        Ok(known.into_iter().zip(&facts).map(answer).collect())
    }
}

fn unknown(ended: &EndedTask) -> Failure {
    let error = anyhow::anyhow!(
        "{} of job {} is not in this frontier: is the database another one than the crawl's?",
        ended.origin.url,
        ended.origin.job
    );
    Failure::reject(FailureClass::Message, UNKNOWN_TASK, error)
}

impl Frontier {
    /// Applies terminal facts; answers which of them are about URLs of this frontier. Doing it twice is
    /// doing it once.
    ///
    /// # Errors
    /// When the database fails: then nothing was applied.
    pub async fn apply(&self, facts: &[EndedTask]) -> Result<Vec<bool>, FrontierError> {
        let mut jobs: BTreeMap<JobId, Arc<Job>> = BTreeMap::new();
        for ended in facts {
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
        facts: &[EndedTask],
        jobs: &BTreeMap<JobId, Arc<Job>>,
    ) -> Result<Vec<bool>, FrontierError> {
        let mut work = self.begin().await?;
        let mut jobs = jobs.clone();
        for (job, anchors) in moved_sites(facts, &jobs) {
            jobs.insert(job.id, work.widen(&job, anchors).await?);
        }
        let jobs = work.pin_jobs(jobs.into_values()).await?;
        let deleted =
            facts.iter().map(|fact| jobs.get(&fact.origin.job).is_some_and(|job| work.is_deleted(job.row)));
        let deleted: Vec<bool> = deleted.collect();
        let known = find(&mut work, facts, &jobs).await?;
        let ended: Vec<&Known<'_>> = known.iter().flatten().filter(|fact| fact.end(&mut work)).collect();
        let visits: Vec<Visit<'_>> = ended.iter().filter_map(|fact| fact.visit()).collect();
        work.schedule(&visits).await?;
        let mut harvest = Harvest::default();
        for fact in known.iter().flatten() {
            fact.harvest(&work, &mut harvest, &mut self.seen());
        }
        work.settle(&harvest).await?;
        work.commit().await?;
        harvest.remember(&mut self.seen());
        // Late facts about a job that was deleted are nobody's concern.
        Ok(known.iter().zip(deleted).map(|(known, deleted)| deleted || known.is_some()).collect())
    }
}

/// A fact about a URL of this frontier.
struct Known<'a> {
    ended: &'a EndedTask,
    job: &'a Job,
    queue: QueueRef,
    row: i64,
}

/// The rows that facts are about.
async fn find<'a>(
    work: &mut Work<'_>,
    facts: &'a [EndedTask],
    jobs: &'a HashMap<JobId, Arc<Job>>,
) -> Result<Vec<Option<Known<'a>>>, FrontierError> {
    let of_jobs =
        facts.iter().enumerate().filter_map(|(at, ended)| Some((at, ended, &**jobs.get(&ended.origin.job)?)));
    let of_jobs: Vec<_> = of_jobs.collect();
    let hosts: Vec<_> = of_jobs.iter().map(|(_, ended, _)| ended.origin.url.host_key()).collect();
    let places: Vec<_> = of_jobs.iter().zip(&hosts).map(|((.., job), host)| (job.row, host)).collect();
    let queues = work.find_queues(&places).await?;
    let queued: Vec<_> =
        of_jobs.iter().zip(queues).filter_map(|(fact, queue)| Some((*fact, queue?))).collect();
    let wanted =
        queued.iter().map(|((_, ended, job), queue)| (job.row, queue.queue, UrlKey::of(&ended.origin.url)));
    let rows = work.load(&wanted.collect::<Vec<_>>()).await?;
    let mut known: Vec<_> = facts.iter().map(|_| None).collect();
    for (((at, ended, job), queue), row) in queued.into_iter().zip(rows) {
        known[at] = row.map(|row| Known { ended, job, queue, row });
    }
    Ok(known)
}

impl Known<'_> {
    /// The URL's state changes, and with it what is known of its host. Answers whether the state did.
    fn end(&self, work: &mut Work<'_>) -> bool {
        let Self { ended, row, .. } = self;
        self.learn(work);
        let changed = work.change(*row, |row| row.round == ended.origin.round && row.end(end(ended)));
        if changed && ended.outcome == Outcome::Stored {
            work.books.stored(self.job, self.queue.queue, ended.body_bytes);
        }
        changed
    }

    /// What the answer says of its host.
    fn learn(&self, work: &mut Work<'_>) {
        let Self { ended, job, queue, .. } = self;
        let host = || ended.origin.url.host_key();
        let mut told = *queue;
        if let Some(asked) = ended.crawl_delay_ms.filter(|asked| *asked != queue.crawl_delay_ms) {
            told.crawl_delay_ms = asked;
            work.hosts.crawl_delays.insert(queue.host, asked);
        }
        let counts_addresses = work.frontier.settings.per_address > 0;
        if let Some(address) = ended.address.filter(|_| counts_addresses && ended.address != queue.address) {
            told.address = Some(address);
            work.hosts.addresses.insert(queue.host, address);
        }
        if told != *queue {
            work.fresh_queues.insert(job.row, host(), told);
        }
        // A request may have left later than its slot; the next slot must be a gap behind the request.
        let has_gap = told.crawl_delay_ms > 0 || job.spec.delay_ms != Some(0);
        if let Some(fetched_at) = ended.fetched_at.filter(|_| has_gap) {
            let gap = i64::try_from(job.delay_ms(&host(), told.crawl_delay_ms)).unwrap_or(i64::MAX);
            let next = fetched_at.as_millisecond().saturating_add(gap);
            if gap > 0 && next > work.now {
                work.hosts.quiet(queue.host, next);
            }
        }
    }

    /// The visit that ended, where the page is fetched again and again.
    fn visit(&self) -> Option<Visit<'_>> {
        let Self { ended, job, row, .. } = *self;
        job.spec.recrawl.as_ref()?;
        let (validators, content_hash) = (ended.validators.as_ref(), ended.content_hash.as_deref());
        Some(Visit { row, job, outcome: ended.outcome, validators, content_hash })
    }

    /// What the page leads to.
    fn harvest(&self, work: &Work<'_>, harvest: &mut Harvest, seen: &mut Seen) {
        let Self { ended, job, row: parent, .. } = self;
        let Some(row) = work.row(*parent) else { return };
        let place = Place { job, parent: *parent, depth: row.depth, follow: ended.follow };
        harvest.page(place, &ended.links, seen);
        if let Some(target) = redirect(ended, job) {
            let redirects = row.redirects.saturating_add(1);
            let verdict = job.judge(&target, row.depth, redirects);
            harvest.add(job, target, Offer { verdict, depth: row.depth, parent: Some(*parent), redirects });
        }
    }
}

fn end(ended: &EndedTask) -> End {
    End {
        evidence: Evidence::fact(ended.replays),
        outcome: ended.outcome,
        code: line(&ended.code).into(),
        detail: ended.detail.as_deref().map(line),
        status: ended.status,
        redirect_to: ended.redirect_to.as_deref().map(line),
        failures: None,
    }
}

/// Where a redirect leads, by the job's rules. A site that redirects to what the rules take to be the same
/// page (`/x` to `/x?session=1`) means the difference, so there the target stays as it is.
fn redirect(ended: &EndedTask, job: &Job) -> Option<CanonicalUrl> {
    let target = ended.redirect_to.as_deref().filter(|_| ended.outcome == Outcome::Redirected)?;
    let target = CanonicalUrl::parse(target).ok()?;
    let ruled = job.spec.urls.canonical(target.clone()).ok()?;
    Some(if ruled == ended.origin.url { target } else { ruled })
}

/// Seeds that redirect take their job along: `http://example.org` may live on `www.example.org`. What
/// such a seed leads to has depth zero as well, so a chain is followed to its end.
fn moved_sites(facts: &[EndedTask], jobs: &BTreeMap<JobId, Arc<Job>>) -> Vec<(Arc<Job>, Vec<String>)> {
    let mut moved: Vec<(Arc<Job>, Vec<String>)> = Vec::new();
    for ended in facts.iter().filter(|ended| ended.origin.depth == 0) {
        let Some(job) = jobs.get(&ended.origin.job) else { continue };
        let Some(target) = redirect(ended, job) else { continue };
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
