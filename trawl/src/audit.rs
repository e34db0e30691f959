//! `trawl audit`: adds up the states of a job's URLs, and trusts none of frontier, store and ledger
//! alone. A URL is accounted for when it ended and what it ended in is there: an answer of the site
//! has a row, a dead URL has a letter; and a page that was stored after its letter was replayed
//! counts as stored.

use crate::{database::database, embedded::Stores};
use futures_util::TryStreamExt;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
    path::PathBuf,
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit},
    model::{JobId, TaskId},
    sql::Missing,
};
use trawl_url_manager::{Frontier, UrlState, inspect::JobStatus};

/// Add up the states of a job's URLs against what is stored and what is dead. Exits with 1 when
/// they do not balance.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// The job, by name or id; the last one without it
    #[arg(long)]
    job: Option<String>,
    /// Data folder of an embedded crawl
    #[arg(long, value_name = "DIR", default_value = "trawl-data", conflicts_with = "database_url")]
    data: PathBuf,
    /// Database of a fleet: postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", env = "TRAWL_DATABASE_URL")]
    database_url: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// The sums of a job.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The job's name.
    pub job: String,
    /// Its id.
    pub id: Option<JobId>,
    /// URLs that entered it.
    pub urls: u64,
    /// URLs by the state that frontier, store and ledger agree on.
    pub states: BTreeMap<&'static str, u64>,
    /// URLs that have not ended yet.
    pub open: u64,
    /// URLs whose end left no trace: answered without a row, dead without a letter.
    pub missing: u64,
    /// Rows of URLs that the frontier does not know.
    pub unknown: u64,
    /// Whether the kept counts agree with the rows counted now.
    pub counts_agree: bool,
    /// Whether all adds up.
    pub balanced: bool,
}

/// Audits a job and prints the sums.
///
/// # Errors
/// When a store can't be read, there is no such job, or it does not balance.
pub async fn run(args: AuditArgs) -> Result<(), CliError> {
    let url = database(args.database_url.as_deref(), &args.data)?;
    let stores = Stores::open(&url, Missing::Fail, trawl_url_manager::Settings::default()).await?;
    let audit = audit(&stores, args.job.as_deref()).await;
    stores.close().await;
    let audit = audit?;
    let text =
        if args.json { serde_json::to_string(&audit).or_exit(Exit::Failed)? + "\n" } else { text(&audit) };
    std::io::stdout().write_all(text.as_bytes()).or_exit(Exit::Output)?;
    if audit.balanced { Ok(()) } else { Err(CliError::silent(Exit::Failed)) }
}

/// The job of that name or id; the last one without it.
pub(crate) async fn find_job(frontier: &Frontier, job: Option<&str>) -> Result<JobStatus, CliError> {
    let mut jobs = frontier.statuses().await.or_exit(Exit::Database)?;
    let found = match job {
        None => jobs.pop().ok_or_else(|| anyhow::anyhow!("there is no job here")),
        Some(name) => jobs
            .into_iter()
            .find(|job| job.job == name || job.id.to_string() == name)
            .ok_or_else(|| anyhow::anyhow!("there is no job {name:?} here")),
    };
    found.or_exit(Exit::NotFound)
}

/// Adds up one job.
///
/// # Errors
/// When a store can't be read, or there is no such job.
pub async fn audit(stores: &Stores, job: Option<&str>) -> Result<Audit, CliError> {
    let status = find_job(&stores.frontier, job).await?;
    let mut stored: HashSet<TaskId> =
        stores.pages.stored_tasks(status.id).try_collect().await.or_exit(Exit::Database)?;
    let letters: HashSet<TaskId> = stores.ledger.dead_tasks(status.id).await?.into_iter().collect();
    let mut sums = Audit { job: status.job.clone(), id: Some(status.id), ..Audit::default() };
    sums.states = UrlState::ALL.map(|state| (state.as_str(), 0)).into();
    let mut place = 0;
    while let Some((tasks, next)) = stores.frontier.walk(status.id, place).await.or_exit(Exit::Database)? {
        place = next;
        for (task, state) in tasks {
            sums.add(state, stored.remove(&task), letters.contains(&task));
        }
    }
    sums.unknown = stored.len() as u64;
    let counted = stores.frontier.counted(status.id).await.or_exit(Exit::Database)?;
    sums.counts_agree =
        UrlState::ALL.iter().all(|state| counted.get(state).copied().unwrap_or(0) == status.count(*state));
    sums.balanced = sums.missing == 0 && sums.unknown == 0 && sums.counts_agree;
    Ok(sums)
}

impl Audit {
    fn add(&mut self, state: UrlState, has_row: bool, has_letter: bool) {
        use UrlState::{Dead, Gone, Redirected, Stored, Unchanged};
        self.urls += 1;
        let agreed = match state {
            // The page could not be stored at first; its replay was.
            Dead if has_row => Stored,
            Dead if !has_letter => {
                self.missing += 1;
                state
            }
            Stored | Unchanged | Redirected | Gone if !has_row => {
                self.missing += 1;
                state
            }
            state => state,
        };
        if agreed.outcome().is_none() {
            self.open += 1;
        }
        *self.states.entry(agreed.as_str()).or_default() += 1;
    }
}

fn text(audit: &Audit) -> String {
    let mut text = format!("{}: {} URLs\n", audit.job, audit.urls);
    for (state, urls) in audit.states.iter().filter(|(_, urls)| **urls > 0) {
        text.push_str(&format!("  {state:<12} {urls:>10}\n"));
    }
    let problems = [
        (audit.missing, "ended and left neither row nor dead letter"),
        (audit.unknown, "rows of URLs that the frontier does not know"),
        (
            u64::from(!audit.counts_agree),
            "counts kept differ from rows counted (is the crawl still running?)",
        ),
    ];
    for (count, what) in problems.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!("  {count} {what}\n"));
    }
    text.push_str(if audit.balanced { "balanced\n" } else { "NOT balanced\n" });
    text
}
