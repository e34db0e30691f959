//! Jobs in the database, and the copies of them in memory.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    job::{Job, JobSpec, JobState},
    scope::Scope,
    state::UrlState,
    store::{Input, Transaction, decode, statements},
};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use trawl_shared::model::JobId;

/// A row of `jobs`. Read from an array, in this order.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JobRecord {
    pub(crate) row: i64,
    pub(crate) uuid: JobId,
    pub(crate) name: String,
    pub(crate) spec: String,
    pub(crate) state: String,
    pub(crate) generation: i64,
    pub(crate) created_at: i64,
    pub(crate) finished_at: Option<i64>,
}

impl JobRecord {
    pub(crate) fn spec(&self) -> Result<JobSpec, FrontierError> {
        serde_json::from_str(&self.spec).map_err(|error| {
            FrontierError::Unreadable(format!("settings of job {} that say: {error}", self.name))
        })
    }

    pub(crate) fn state(&self) -> Result<JobState, FrontierError> {
        self.state.parse().map_err(FrontierError::Unreadable)
    }
}

/// Numbers of a job by state, as they stand in `counts`.
pub(crate) type Counts = Vec<(i64, i64)>;

/// The pseudo-state under which `counts` keeps the number of a job's hosts.
pub(crate) const HOSTS: i64 = -1;

/// The pseudo-state under which `counts` keeps the bytes of a job's pages, where it has a budget of bytes.
pub(crate) const BYTES: i64 = -2;

/// The number of URLs in a state.
pub(crate) fn count_in(counts: &Counts, state: UrlState) -> u64 {
    count_of(counts, i64::from(state as u8))
}

pub(crate) fn count_of(counts: &Counts, state: i64) -> u64 {
    let count = counts.iter().find(|(number, _)| *number == state).map_or(0, |(_, count)| *count);
    u64::try_from(count).unwrap_or(0)
}

/// Jobs by id. A copy may be behind by a generation: who depends on the scope checks that.
#[derive(Debug, Default)]
pub(crate) struct JobCache(Mutex<HashMap<JobId, Arc<Job>>>);

impl JobCache {
    fn get(&self, id: JobId) -> Option<Arc<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(crate) fn remember(&self, job: &Arc<Job>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, Arc::clone(job));
    }
}

impl Frontier {
    /// A job, from memory where it is known.
    pub(crate) async fn job(&self, id: JobId) -> Result<Option<Arc<Job>>, FrontierError> {
        match self.jobs.get(id) {
            Some(job) => Ok(Some(job)),
            None => self.fresh_job(id).await,
        }
    }

    /// A job whose copy in memory must be of this generation.
    pub(crate) async fn job_at(&self, id: JobId, generation: i64) -> Result<Option<Arc<Job>>, FrontierError> {
        match self.jobs.get(id).filter(|job| job.generation == generation) {
            Some(job) => Ok(Some(job)),
            None => self.fresh_job(id).await,
        }
    }

    async fn fresh_job(&self, id: JobId) -> Result<Option<Arc<Job>>, FrontierError> {
        let asked = |statement, input| self.database.ask(statement, input);
        let records = asked(&statements::FIND_JOBS, Input::table([[id.to_string().as_str().into()]])).await?;
        let Some(record) = decode::<JobRecord>(&records)?.into_iter().next() else { return Ok(None) };
        let anchors = asked(&statements::LOAD_ANCHORS, Input::scalars([record.row.into()])).await?;
        let job = Arc::new(assemble(&record, decode(&anchors)?)?);
        self.jobs.remember(&job);
        Ok(Some(job))
    }

    /// A job of that name or id.
    ///
    /// # Errors
    /// When there is none, or the database can't be asked.
    pub async fn job_named(&self, name: &str) -> Result<JobId, FrontierError> {
        let jobs = decode::<(JobRecord, Counts)>(
            &self.database.ask(&statements::LIST_JOBS, Input::default()).await?,
        )?;
        let found = jobs.into_iter().find(|(job, _)| job.name == name || job.uuid.to_string() == name);
        found.map(|(job, _)| job.uuid).ok_or_else(|| FrontierError::NoSuchJob(name.to_owned()))
    }

    /// Gives none of a job's URLs out for now. What is in flight comes in.
    ///
    /// # Errors
    /// When there is no such job, or the database fails.
    pub async fn pause(&self, job: JobId) -> Result<(), FrontierError> {
        self.set_state(job, JobState::Paused).await
    }

    /// Gives a job's URLs out again.
    ///
    /// # Errors
    /// When there is no such job, or the database fails.
    pub async fn resume(&self, job: JobId) -> Result<(), FrontierError> {
        self.set_state(job, JobState::Running).await?;
        self.wake();
        Ok(())
    }

    pub(crate) async fn set_state(&self, job: JobId, state: JobState) -> Result<(), FrontierError> {
        let mut tx = self.database.begin().await?;
        let input = Input::scalars([state.as_str().into(), job.to_string().as_str().into()]);
        if tx.run(&statements::SET_JOB_STATE, input).await? == 0 {
            return Err(FrontierError::NoSuchJob(job.to_string()));
        }
        Ok(tx.commit().await?)
    }
}

/// A job as the transaction sees it.
pub(crate) async fn load_job(tx: &mut dyn Transaction, id: JobId) -> Result<Arc<Job>, FrontierError> {
    let records = tx.ask(&statements::FIND_JOBS, Input::table([[id.to_string().as_str().into()]])).await?;
    let record = decode::<JobRecord>(&records)?.into_iter().next();
    let record = record.ok_or_else(|| FrontierError::NoSuchJob(id.to_string()))?;
    let anchors = tx.ask(&statements::LOAD_ANCHORS, Input::scalars([record.row.into()])).await?;
    Ok(Arc::new(assemble(&record, decode(&anchors)?)?))
}

fn assemble(record: &JobRecord, anchors: Vec<String>) -> Result<Job, FrontierError> {
    let spec = record.spec()?;
    let rules = spec.compile();
    let rules = rules.map_err(|error| {
        FrontierError::Unreadable(format!("a pattern of job {} that is none: {error}", record.name))
    })?;
    Ok(Job {
        row: record.row,
        id: record.uuid,
        scope: Scope::new(spec.scope, anchors),
        rules,
        spec,
        generation: record.generation,
        created_at: record.created_at,
    })
}

/// Makes a job unless there is one of that name; answers its id and whether it is new.
pub(crate) async fn ensure_job(
    tx: &mut dyn Transaction,
    spec: &JobSpec,
    now: i64,
) -> Result<(JobId, bool), FrontierError> {
    let json = serde_json::to_string(spec).expect("settings are texts and numbers, which JSON can hold");
    let row = [JobId::fresh().to_string().as_str().into(), spec.name.as_str().into(), json.as_str().into()];
    let created = tx.run(&statements::INSERT_JOB, Input::table([row]).with(now)).await? > 0;
    let jobs = decode::<(JobRecord, Counts)>(&tx.ask(&statements::LIST_JOBS, Input::default()).await?)?;
    let job = jobs.into_iter().find(|(job, _)| job.name == spec.name);
    let job = job.ok_or_else(|| FrontierError::NoSuchJob(spec.name.clone()))?;
    Ok((job.0.uuid, created))
}
