//! Pages that have a row and no record in an archive: rows and archive are written from different topics, so a process
//! that dies with its bus may have done the one and not the other.

use crate::{
    archive::consumer_of,
    sink::{Format, Target},
    store::{PageStore, statements},
};
use futures_util::TryStreamExt as _;
use std::collections::HashSet;
use trawl_shared::{
    message::Message as _,
    model::{JobId, MessageId, ScrapedPage, TaskId},
    sql::SqlError,
};
use uuid::Uuid;

/// The tasks of a job whose page is stored and is not in the archive that `target` names. None where it names no archive,
/// or one that is not known: what begins now holds what is fetched from now on.
///
/// # Errors
/// When the database can't be asked.
pub async fn unarchived(
    store: &dyn PageStore,
    job: JobId,
    target: &Target,
) -> Result<HashSet<TaskId>, SqlError> {
    let name = target.mark_name();
    if target.format() != Ok(Format::Warc) || store.output(&name).await?.is_none() {
        return Ok(HashSet::new());
    }
    let taken: Vec<String> = store.ask(statements::TAKEN_BY, consumer_of(&name)).try_collect().await?;
    let archived: HashSet<Uuid> = taken.iter().filter_map(|id| id.parse().ok()).collect();
    let fetched: Vec<String> = store.ask(statements::TASKS_WITH_BODY, job.to_string()).try_collect().await?;
    let fetched = fetched.iter().filter_map(|task| Some(TaskId(task.parse().ok()?)));
    Ok(fetched.filter(|task| !archived.contains(&page_message(*task).0)).collect())
}

/// The id of the message that brings the page of a task: the one message that fetching it gives.
fn page_message(task: TaskId) -> MessageId {
    MessageId::from(task).child(ScrapedPage::KIND, 0)
}
