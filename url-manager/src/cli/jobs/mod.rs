//! `url-manager jobs`: list, show, pause, resume, stop, delete, update.

mod change;
mod show;

use super::{Given, JobArgs, StatusArgs};
use crate::frontier::Frontier;
use clap::{Args, Subcommand};
use std::{io::Write, time::Duration};
use trawl_shared::cli::CliError;

const EXAMPLES: &str = "\
Examples:
  url-manager jobs list
  url-manager jobs show docs
  url-manager jobs pause docs && url-manager jobs resume docs
  url-manager jobs update docs --depth 8 --deny '/archive/' --delay 2s
  url-manager jobs update docs --every adaptive --min-interval 6h
  url-manager jobs stop docs && url-manager jobs delete docs

A job is named by its name or its id. What runs heeds a change within a second; tasks that were handed out already (about
two seconds of work for each host) are still done.

Exit codes: 0 done, 1 refused (the message says why), 2 usage, 6 database, 8 no such job.";

/// Show jobs, and change them while they run.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct JobsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: JobsVerb,
}

/// What can be done to jobs.
#[derive(Clone, Debug, Subcommand)]
pub enum JobsVerb {
    /// Show how all jobs stand
    List {
        /// One JSON object a line for each job
        #[arg(long)]
        json: bool,
    },
    /// Show how a job stands, what it was asked for, and what was kept out by which rule
    Show {
        /// The job, by name or id
        #[arg(value_name = "NAME")]
        job: String,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give none of a job's URLs out until it is resumed
    Pause {
        /// The job, by name or id
        #[arg(value_name = "NAME")]
        job: String,
    },
    /// Go on with a job that was paused
    Resume {
        /// The job, by name or id
        #[arg(value_name = "NAME")]
        job: String,
    },
    /// End a job: what waits is excluded as `stopped`, what is in flight comes in
    Stop {
        /// The job, by name or id
        #[arg(value_name = "NAME")]
        job: String,
    },
    /// Forget a job that has ended, with its URLs; its pages and dead letters stay
    Delete {
        /// The job, by name or id
        #[arg(value_name = "NAME")]
        job: String,
        /// Stop it first if it runs
        #[arg(long)]
        stop: bool,
        /// How long to wait for what is in flight
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "60s")]
        wait: Duration,
    },
    /// Change settings of a job; what was found before is judged again by them
    Update {
        /// The job, by name or id
        #[arg(value_name = "NAME")]
        job: String,
        /// What to change; what is not given stays as it is
        #[command(flatten)]
        settings: Box<Given<JobArgs>>,
    },
}

impl JobsArgs {
    /// Does what was asked for.
    ///
    /// # Errors
    /// When there is no such job, it can't be done as the job stands, or the database fails.
    pub async fn run(&self, frontier: &Frontier, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        match &self.verb {
            JobsVerb::List { json } => {
                StatusArgs { job: None, watch: false, json: *json }.run(frontier, out).await
            }
            JobsVerb::Show { job, json } => show::show(frontier, job, *json, out).await,
            JobsVerb::Pause { job } => change::pause(frontier, job, out).await,
            JobsVerb::Resume { job } => change::resume(frontier, job, out).await,
            JobsVerb::Stop { job } => change::stop(frontier, job, out).await,
            JobsVerb::Delete { job, stop, wait } => change::delete(frontier, job, *stop, *wait, out).await,
            JobsVerb::Update { job, settings } => change::update(frontier, job, settings, out).await,
        }
    }
}
