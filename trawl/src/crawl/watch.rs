//! Watching a crawl until it ends.

use super::{Snapshot, Watched, plan::Plan, progress::Progress};
use crate::embedded::Stores;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::memory::Memory,
    cli::{CliError, Exit, OrExit},
    message::Topic,
};
use trawl_storage::{OutputTrouble, Tally, sink::OutputError};
use trawl_url_manager::UrlState;

/// How often the crawl is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How a crawl ended.
pub(super) enum Ended {
    /// Nothing is left.
    Done,
    /// By a signal.
    Interrupted,
    /// Rows could not be written.
    Output(Arc<OutputError>),
    /// A service could not go on; it says why itself.
    Failed,
}

pub(super) struct Watch<'a> {
    pub(super) stores: &'a Stores,
    pub(super) plan: &'a Plan,
    pub(super) memory: &'a Memory,
    pub(super) bytes: Tally,
    pub(super) trouble: OutputTrouble,
    /// Whether what is fetched is archived, too.
    pub(super) archives: bool,
}

impl Watch<'_> {
    pub(super) async fn until_end(
        mut self,
        progress: &mut Progress,
        interrupted: CancellationToken,
        services: &Watched,
    ) -> Result<(Ended, Snapshot), CliError> {
        loop {
            let (now, job_is_over) = self.look().await?;
            progress.show(&now);
            // The frontier may hear of the last page before the store has it.
            if job_is_over && self.is_all_written() {
                return Ok((Ended::Done, now));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = interrupted.cancelled() => return Ok((Ended::Interrupted, now)),
                () = services.failed() => return Ok((Ended::Failed, now)),
                changed = self.trouble.changed() => {
                    let error = self.trouble.borrow_and_update().clone();
                    match error {
                        Some(error) => return Ok((Ended::Output(error), now)),
                        // Without its sender the service has ended, and says why itself.
                        None if changed.is_err() => return Ok((Ended::Failed, now)),
                        None => {}
                    }
                }
            }
        }
    }

    fn is_all_written(&self) -> bool {
        let archived = !self.archives || self.memory.backlog("storage.archive", Topic::ScrapedData) == 0;
        archived
            && self.memory.backlog("storage", Topic::ParsedData) == 0
            && self.memory.backlog("dlq-handler", Topic::DeadLetter) == 0
    }

    async fn look(&self) -> Result<(Snapshot, bool), CliError> {
        let job = self.stores.frontier.status(self.plan.job).await.or_exit(Exit::Database)?;
        let now = Snapshot {
            pages: job.count(UrlState::Stored) + job.count(UrlState::Unchanged),
            queued: job.count(UrlState::Queued),
            in_flight: job.count(UrlState::InFlight),
            hosts: job.hosts,
            errors: job.count(UrlState::Dead),
            bytes: self.bytes.bytes(),
            budget: self.plan.max_pages,
        };
        Ok((now, job.done))
    }
}
