//! The verbs that change a job.

use crate::{
    JobState, UrlState,
    cli::{Given, JobArgs, output},
    frontier::Frontier,
    inspect::JobStatus,
};
use anyhow::anyhow;
use std::{
    io::Write,
    time::{Duration, Instant},
};
use trawl_shared::cli::{CliError, Exit};

type Out<'a> = &'a mut (dyn Write + Send);

/// How often a job is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(200);

async fn find(frontier: &Frontier, name: &str) -> Result<JobStatus, CliError> {
    let id = frontier.job_named(name).await?;
    Ok(frontier.status(id).await?)
}

fn refuse(why: String) -> CliError {
    CliError::new(Exit::Failed, anyhow!(why))
}

pub(super) async fn pause(frontier: &Frontier, name: &str, out: Out<'_>) -> Result<(), CliError> {
    let job = find(frontier, name).await?;
    if job.state.is_final() {
        return Err(refuse(format!("job {} is {} already", job.job, job.state)));
    }
    frontier.pause(job.id).await?;
    let in_flight = job.count(UrlState::InFlight);
    writeln!(out, "job {} is paused; {in_flight} URLs in flight come in", job.job).map_err(output)
}

pub(super) async fn resume(frontier: &Frontier, name: &str, out: Out<'_>) -> Result<(), CliError> {
    let job = find(frontier, name).await?;
    match job.state {
        JobState::Stopped | JobState::Deleted => Err(refuse(format!(
            "job {} is stopped for good; `url-manager seed --job` with another name starts a new one",
            job.job
        ))),
        JobState::Done => Err(refuse(format!("job {} is done; more seeds make it run again", job.job))),
        JobState::Running | JobState::Paused => {
            frontier.resume(job.id).await?;
            writeln!(out, "job {} goes on; {} URLs wait", job.job, job.count(UrlState::Queued))
                .map_err(output)
        }
    }
}

pub(super) async fn stop(frontier: &Frontier, name: &str, out: Out<'_>) -> Result<(), CliError> {
    let job = find(frontier, name).await?;
    let excluded = frontier.stop(job.id).await?;
    let in_flight = frontier.status(job.id).await?.count(UrlState::InFlight);
    writeln!(out, "job {} is stopped; {excluded} URLs are excluded, {in_flight} in flight come in", job.job)
        .map_err(output)
}

pub(super) async fn delete(
    frontier: &Frontier,
    name: &str,
    stop: bool,
    wait: Duration,
    out: Out<'_>,
) -> Result<(), CliError> {
    let job = find(frontier, name).await?;
    if !job.state.is_final() {
        if !stop {
            return Err(refuse(format!("job {} is {}: stop it first, or add --stop", job.job, job.state)));
        }
        frontier.stop(job.id).await?;
    }
    let deadline = Instant::now() + wait;
    loop {
        let in_flight = frontier.status(job.id).await?.count(UrlState::InFlight);
        if in_flight == 0 {
            break;
        }
        if Instant::now() >= deadline {
            return Err(refuse(format!(
                "{in_flight} URLs of job {} are still in flight; try again when they are in, or with a longer --wait",
                job.job
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
    let urls = frontier.delete(job.id).await?;
    writeln!(
        out,
        "job {} and its {urls} URLs are forgotten; pages and dead letters stay under its id {}",
        job.job, job.id
    )
    .map_err(output)
}

pub(super) async fn update(
    frontier: &Frontier,
    name: &str,
    settings: &Given<JobArgs>,
    out: Out<'_>,
) -> Result<(), CliError> {
    if settings.is_empty() {
        let error = anyhow!("nothing to change is given; `url-manager jobs update --help` lists what can be");
        return Err(CliError::new(Exit::Usage, error));
    }
    let job = find(frontier, name).await?;
    let hosts = job.spec.fetch.credentials.hosts.iter().map(String::as_str);
    let new = settings.args.spec(job.spec.name.as_str(), hosts)?;
    let spec = settings.onto(&job.spec, &new)?;
    let judged = frontier.update(job.id, &spec).await?;
    writeln!(
        out,
        "job {} is changed; {} URLs came in by it, {} went out",
        job.job, judged.queued, judged.excluded
    )
    .map_err(output)
}
