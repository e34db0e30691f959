//! What people do to jobs that exist: stop, change, delete.
//!
//! All of it is rows that every url-manager reads anyway: dispatch asks for the jobs that run before each
//! round, and a batch of feedback is judged by the settings that its transaction sees.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::{Job, JobSpec, JobState},
    row::UrlRow,
    state::{Evidence, Offer, UrlState, Verdict, way},
    store::{Input, decode, statements},
};
use futures_util::FutureExt;
use std::{collections::BTreeSet, sync::Arc};
use trawl_shared::model::{CanonicalUrl, JobId, code};

/// Rows looked at, or deleted, in one transaction.
const PAGE: i64 = 4096;

impl Frontier {
    /// Ends a job: none of its URLs is given out any more, and those that wait are excluded as `stopped`.
    /// What is in flight comes in. Answers how many were excluded.
    ///
    /// # Errors
    /// When there is no such job, or the database fails.
    pub async fn stop(&self, id: JobId) -> Result<u64, FrontierError> {
        self.set_state(id, JobState::Stopped).await?;
        let job = self.job(id).await?.ok_or_else(|| FrontierError::NoSuchJob(id.to_string()))?;
        self.exclude_queued(&job, code::STOPPED).await
    }

    /// Gives a job other settings. What was found before is judged again by them, whether it was kept out
    /// or waits; what is in flight or has ended stays. Answers how many URLs came in and how many went out.
    ///
    /// # Errors
    /// When there is no such job, a pattern is none, or the database fails.
    pub async fn update(&self, id: JobId, spec: &JobSpec) -> Result<Rejudged, FrontierError> {
        spec.compile()
            .map_err(|error| FrontierError::Unreadable(format!("a pattern that is none: {error}")))?;
        let old = self.job(id).await?.ok_or_else(|| FrontierError::NoSuchJob(id.to_string()))?;
        let json = serde_json::to_string(spec).expect("settings are texts and numbers, which JSON can hold");
        let mut tx = self.database.begin().await?;
        let input = Input::scalars([json.as_str().into(), id.to_string().as_str().into()]);
        if tx.run(&statements::SET_JOB_SPEC, input).await? == 0 {
            return Err(FrontierError::NoSuchJob(id.to_string()));
        }
        tx.commit().await?;
        if old.spec.scope != spec.scope {
            self.anchor_again(id, spec).await?;
        }
        self.wake();
        self.judge_all_again(id).await
    }

    /// Hangs a job's scope on its seeds by another kind of scope.
    async fn anchor_again(&self, id: JobId, spec: &JobSpec) -> Result<(), FrontierError> {
        let job = self.row_of(id).await?;
        let (mut after, mut anchors) = (0, BTreeSet::new());
        loop {
            let page = Input::scalars([after.into(), job.into(), PAGE.into()]);
            let page =
                decode::<(CanonicalUrl, UrlRow)>(&self.database.ask(&statements::WALK_URLS, page).await?)?;
            let Some((_, last)) = page.last() else { break };
            after = last.id;
            let seeds = page.iter().filter(|(_, row)| row.depth == 0 && row.parent.is_none());
            anchors.extend(seeds.filter_map(|(url, _)| spec.scope.anchor(url)));
        }
        let mut tx = self.database.begin().await?;
        tx.run(&statements::DELETE_ANCHORS, Input::scalars([job.into()])).await?;
        let rows = anchors.iter().map(|anchor| [job.into(), anchor.as_str().into()]);
        tx.run(&statements::INSERT_ANCHORS, Input::table(rows)).await?;
        tx.ask(&statements::RAISE_GENERATION, Input::scalars([job.into()])).await?;
        Ok(tx.commit().await?)
    }

    async fn judge_all_again(&self, id: JobId) -> Result<Rejudged, FrontierError> {
        let (mut after, mut all) = (0, Rejudged::default());
        loop {
            let (next, some) = self.retrying(|| self.judge_page(id, after).boxed()).await?;
            all.queued += some.queued;
            all.excluded += some.excluded;
            match next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    async fn judge_page(&self, id: JobId, after: i64) -> Result<(Option<i64>, Rejudged), FrontierError> {
        let job = self.job(id).await?.ok_or_else(|| FrontierError::NoSuchJob(id.to_string()))?;
        let mut work = self.begin().await?;
        let pinned = work.pin_jobs([job]).await?;
        let Some(job) = pinned.get(&id).cloned() else {
            return Err(FrontierError::NoSuchJob(id.to_string()));
        };
        let page = Input::scalars([after.into(), job.row.into(), PAGE.into()]);
        let page = decode::<(CanonicalUrl, UrlRow)>(&work.tx.ask(&statements::WALK_URLS, page).await?)?;
        let mut done = Rejudged::default();
        let Some((_, last)) = page.last() else { return Ok((None, done)) };
        let next = last.id;
        for (url, row) in page {
            let Some(change) = judgement(&job, &url, &row) else { continue };
            match change {
                Verdict::Queue => done.queued += 1,
                Verdict::Exclude(_) => done.excluded += 1,
            }
            work.take_and_change(job.row, row, |row| match change {
                Verdict::Queue => {
                    let (depth, parent, redirects) = (row.depth, row.parent, row.redirects);
                    row.offer(Offer { verdict: Verdict::Queue, depth, parent, redirects });
                }
                Verdict::Exclude(code) => row.exclude(code),
            });
        }
        work.commit().await?;
        Ok((Some(next), done))
    }

    /// Forgets a job with its URLs. Its pages and dead letters stay where they are. Answers how many URLs
    /// were forgotten.
    ///
    /// # Errors
    /// When there is no such job, or the database fails.
    pub async fn delete(&self, id: JobId) -> Result<u64, FrontierError> {
        let job = self.row_of(id).await?;
        self.set_state(id, JobState::Deleted).await?;
        let mut tx = self.database.begin().await?;
        tx.run(&statements::DELETE_ATTEMPTS, Input::scalars([job.into()])).await?;
        tx.commit().await?;
        let mut urls = 0;
        loop {
            let mut tx = self.database.begin().await?;
            let some = tx.run(&statements::DELETE_URLS, Input::scalars([job.into(), PAGE.into()])).await?;
            tx.commit().await?;
            urls += some;
            if some == 0 {
                break;
            }
        }
        let mut tx = self.database.begin().await?;
        let of_job = [
            &statements::DELETE_ANCHORS,
            &statements::DELETE_COUNTS,
            &statements::DELETE_EXCLUSIONS,
            &statements::DELETE_HOST_USE,
            &statements::DELETE_REVISITS,
            &statements::EMPTY_QUEUES,
        ];
        for statement in of_job {
            tx.run(statement, Input::scalars([job.into()])).await?;
        }
        // The row stays, so that its number is never another job's, and late facts know what they meet.
        tx.run(&statements::BURY_JOB, Input::scalars([job.into()])).await?;
        tx.commit().await?;
        Ok(urls)
    }
}

/// What new settings made of URLs that were found before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejudged {
    /// URLs that were kept out, and wait now.
    pub queued: u64,
    /// URLs that waited, and are kept out now.
    pub excluded: u64,
}

/// How a URL's standing changes; none where it does not.
fn judgement(job: &Arc<Job>, url: &CanonicalUrl, row: &UrlRow) -> Option<Verdict> {
    // Seeds are in whatever the rules say; what has ended or is on its way is past judging.
    row.parent.as_ref()?;
    let verdict = || job.judge(url, row.depth, row.redirects);
    match row.state {
        UrlState::Queued => Some(verdict()).filter(|verdict| *verdict != Verdict::Queue),
        UrlState::Excluded if row.evidence == Evidence::NONE => {
            // Whether a link asked not to be followed is not on record: that one stays.
            let by_rule = row
                .code
                .as_deref()
                .is_some_and(|code| way(code).is_some() && code != trawl_shared::model::code::NOFOLLOW);
            Some(verdict()).filter(|verdict| by_rule && *verdict == Verdict::Queue)
        }
        _ => None,
    }
}
