//! Questions to the frontier: how jobs stand, what is known of a URL, whether the counts are right.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::{Job, JobSpec, JobState},
    jobs::{Counts, HOSTS, JobRecord, count_in, count_of},
    key::UrlKey,
    queues::FoundQueue,
    row::UrlRow,
    state::UrlState,
    store::{Input, decode, statements},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trawl_shared::{
    message::{Attempt, Message},
    model::{CanonicalUrl, FetchTask, JobId, MessageId, ScrapedPage, TaskEnded, TaskId},
};

/// How a job stands.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    /// Its name.
    pub job: String,
    /// Its id.
    pub id: JobId,
    /// Whether its URLs are given out.
    pub state: JobState,
    /// URLs by state; every state is there.
    pub counts: BTreeMap<UrlStateName, u64>,
    /// Hosts it knows URLs of.
    pub hosts: u64,
    /// Whether nothing more happens unless somebody asks for it.
    pub done: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What was asked for.
    #[serde(skip)]
    pub spec: JobSpec,
}

/// A state under the name it has in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UrlStateName(pub UrlState);

impl Serialize for UrlStateName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl JobStatus {
    /// URLs in a state.
    #[must_use]
    pub fn count(&self, state: UrlState) -> u64 {
        self.counts.get(&UrlStateName(state)).copied().unwrap_or(0)
    }

    /// URLs that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.counts.iter().filter(|(state, _)| state.0.outcome().is_some()).map(|(_, urls)| urls).sum()
    }

    /// All URLs.
    #[must_use]
    pub fn urls(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// All that is recorded of a URL in a job.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The job's name.
    pub job: String,
    /// The URL, canonical.
    pub url: CanonicalUrl,
    /// Its task: the id of its messages, its page row and its dead letter.
    pub task: TaskId,
    /// The trace of its fetch, where that was sampled: 32 hexadecimal digits.
    pub trace: String,
    /// Where it stands.
    pub state: UrlStateName,
    /// The rule that keeps it out, where the job has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The URL that this one is only another name of: it answered 301 or 308.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_of: Option<String>,
    /// Not before this it is fetched (again), in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_fetch_at: Option<i64>,
    /// The ids of its messages, by their type: what the broker, the store of pages and the ledger of dead letters
    /// know it by.
    pub messages: BTreeMap<&'static str, MessageId>,
    /// Where its page is: the id of its row in the store of pages, as `storage export` and the output files have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_as: Option<TaskId>,
    /// The rest, as the row has it.
    #[serde(flatten)]
    pub recorded: Recorded,
}

/// What a row says. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the columns, which the migration explains")]
pub struct Recorded {
    #[serde(skip_serializing)]
    pub state: UrlState,
    pub depth: u32,
    pub round: u32,
    pub priority: i64,
    pub found_on: Option<String>,
    pub redirects: u8,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub status: Option<u16>,
    pub redirect_to: Option<String>,
    pub dispatches: u32,
    pub failures: u32,
    pub lease_until: Option<i64>,
    pub found_at: i64,
    pub changed_at: i64,
    pub host_next_at: i64,
    pub crawl_delay_ms: u64,
    pub queued_on_host: u64,
    pub leased_on_host: u64,
    #[serde(default)]
    pub next_visit_at: Option<i64>,
    #[serde(default)]
    pub attempts: Option<Vec<Attempt>>,
}

impl Frontier {
    /// How every job stands, in the order of their creation. Reads kept counts, never the URLs.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn statuses(&self) -> Result<Vec<JobStatus>, FrontierError> {
        let answers = self.database.ask(&statements::LIST_JOBS, Input::default()).await?;
        decode::<(JobRecord, Counts)>(&answers)?
            .into_iter()
            .map(|(job, counts)| status(&job, &counts))
            .collect()
    }

    /// How one job stands.
    ///
    /// # Errors
    /// When there is no such job, or the database can't be asked.
    pub async fn status(&self, job: JobId) -> Result<JobStatus, FrontierError> {
        let found = self.statuses().await?.into_iter().find(|status| status.id == job);
        found.ok_or_else(|| FrontierError::NoSuchJob(job.to_string()))
    }

    /// What is known of a URL in the jobs that know it, or in one of them.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn explain(
        &self,
        url: &CanonicalUrl,
        only: Option<JobId>,
    ) -> Result<Vec<Explanation>, FrontierError> {
        let mut explanations = Vec::new();
        for status in
            self.statuses().await?.into_iter().filter(|status| only.is_none_or(|id| id == status.id))
        {
            let Some(job) = self.job(status.id).await? else { continue };
            let found = self.explain_in(&job, url).await?;
            // The job may know it under the name that its rules give it.
            let ruled = job.spec.urls.canonical(url.clone()).ok().filter(|ruled| ruled != url);
            explanations.extend(match ruled {
                Some(ruled) if found.is_none() => self.explain_in(&job, &ruled).await?,
                _ => found,
            });
        }
        Ok(explanations)
    }

    async fn explain_in(&self, job: &Job, url: &CanonicalUrl) -> Result<Option<Explanation>, FrontierError> {
        let row = [0usize.into(), job.row.into(), url.host_key().as_str().into()];
        let queue = self.database.ask(&statements::FIND_QUEUES, Input::table([row])).await?;
        let Some((_, queue, ..)) = decode::<FoundQueue>(&queue)?.first().copied() else { return Ok(None) };
        let row = Input::table([[queue.into(), UrlKey::of(url).into()]]);
        let recorded = decode::<Recorded>(&self.database.ask(&statements::EXPLAIN_URL, row).await?)?;
        Ok(recorded.into_iter().next().map(|recorded| explanation(job, url, recorded)))
    }

    /// Excluded URLs of a job by the code of the rule that keeps them out. Reads kept counts.
    ///
    /// # Errors
    /// When there is no such job, or the database can't be asked.
    pub async fn excluded_by(&self, job: JobId) -> Result<BTreeMap<String, u64>, FrontierError> {
        let row = self.row_of(job).await?;
        let answers = self.database.ask(&statements::LIST_EXCLUSIONS, Input::scalars([row.into()])).await?;
        Ok(decode::<(String, u64)>(&answers)?.into_iter().collect())
    }

    /// URLs of a job by state, counted row by row: what [`Frontier::status`] must agree with.
    ///
    /// # Errors
    /// When there is no such job, or the database can't be asked.
    pub async fn counted(&self, job: JobId) -> Result<BTreeMap<UrlState, u64>, FrontierError> {
        let row = self.row_of(job).await?;
        let answers = self.database.ask(&statements::COUNT_URLS, Input::scalars([row.into()])).await?;
        Ok(decode::<(UrlState, u64)>(&answers)?.into_iter().collect())
    }

    /// Some tasks of a job behind a place in its table of URLs, with their states, and the next place;
    /// none when the walk is over. The first place is 0.
    ///
    /// # Errors
    /// When there is no such job, or the database can't be asked.
    pub async fn walk(
        &self,
        job: JobId,
        place: i64,
    ) -> Result<Option<(Vec<(TaskId, UrlState)>, i64)>, FrontierError> {
        const PAGE: i64 = 10_000;
        let page = Input::scalars([place.into(), self.row_of(job).await?.into(), PAGE.into()]);
        let page = decode::<(CanonicalUrl, UrlRow)>(&self.database.ask(&statements::WALK_URLS, page).await?)?;
        let Some((_, last)) = page.last() else { return Ok(None) };
        let next = last.id;
        let tasks = page.iter().map(|(url, row)| (TaskId::derive(job, url, row.round), row.state)).collect();
        Ok(Some((tasks, next)))
    }

    pub(crate) async fn row_of(&self, job: JobId) -> Result<i64, FrontierError> {
        let found = self.job(job).await?.map(|job| job.row);
        found.ok_or_else(|| FrontierError::NoSuchJob(job.to_string()))
    }
}

/// What follows from a row.
fn explanation(job: &Job, url: &CanonicalUrl, recorded: Recorded) -> Explanation {
    let task = TaskId::derive(job.id, url, recorded.round);
    let excluded = recorded.code.as_deref().filter(|_| recorded.state == UrlState::Excluded);
    let moved = matches!(recorded.status, Some(301 | 308));
    let next_fetch_at = match recorded.state {
        UrlState::Queued => Some(recorded.host_next_at.max(recorded.changed_at)),
        UrlState::InFlight => None,
        _ => recorded.next_visit_at,
    };
    let kept = matches!(recorded.state, UrlState::Stored | UrlState::Unchanged);
    Explanation {
        job: job.spec.name.clone(),
        url: url.clone(),
        task,
        trace: task.0.as_simple().to_string(),
        state: UrlStateName(recorded.state),
        rule: excluded.and_then(|code| job.describe(url, code)),
        alias_of: recorded.redirect_to.clone().filter(|_| moved),
        next_fetch_at,
        messages: messages(task, &recorded),
        stored_as: kept.then_some(task),
        recorded,
    }
}

/// The messages of a URL's last fetch: its task, and what followed from it as far as the state tells.
fn messages(task: TaskId, recorded: &Recorded) -> BTreeMap<&'static str, MessageId> {
    let fetch = MessageId::from(task);
    let mut messages = BTreeMap::new();
    if recorded.dispatches > 0 {
        messages.insert(<FetchTask as Message>::KIND, fetch);
    }
    let ended = <TaskEnded as Message>::KIND;
    match recorded.state {
        UrlState::Stored => {
            let page = fetch.child(<ScrapedPage as Message>::KIND, 0);
            messages.insert(<ScrapedPage as Message>::KIND, page);
            messages.insert(ended, page.child(ended, 0));
        }
        // The fetcher ends these itself.
        _ if recorded.status.is_some() && recorded.state.outcome().is_some() => {
            messages.insert(ended, fetch.child(ended, 0));
        }
        _ => {}
    }
    messages
}

fn status(job: &JobRecord, counts: &Counts) -> Result<JobStatus, FrontierError> {
    let state = job.state()?;
    let time = |millis| Timestamp::from_millisecond(millis).unwrap_or_default();
    Ok(JobStatus {
        job: job.name.clone(),
        id: job.uuid,
        state,
        counts: UrlState::ALL
            .into_iter()
            .map(|state| (UrlStateName(state), count_in(counts, state)))
            .collect(),
        hosts: count_of(counts, HOSTS),
        done: state.is_final(),
        created_at: time(job.created_at),
        finished_at: job.finished_at.map(time),
        spec: job.spec()?,
    })
}
