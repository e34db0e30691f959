//! How a batch is stored: one transaction, in this order.
//!
//! Message ids first: what was handled before has no further effect. Then new pages, then pages that take
//! the place of an older result of the same task, then the counts, then the rows of the outputs (written
//! before the commit, their lengths recorded in it), then the commit.

use crate::{
    page::Page,
    sink::{Outputs, WriteFailure},
    store::PageStore,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use trawl_shared::{
    model::{JobId, MessageId, Outcome},
    sql::SqlError,
};

/// A page and the message that brought it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The message.
    pub message: MessageId,
    /// The page.
    pub page: Page,
}

/// Stores a batch, all of it or nothing. Entries stored before are skipped.
///
/// # Errors
/// When the store or an output fails; the next call finds both as if this one had not been.
pub async fn write(
    store: &dyn PageStore,
    outputs: &mut Outputs,
    batch: &[&Entry],
) -> Result<(), WriteFailure> {
    outputs.settle(store).await?;
    let now = Timestamp::now().as_millisecond();
    let ids: Vec<MessageId> = batch.iter().map(|entry| entry.message).collect();

    let mut transaction = store.begin().await?;
    let mut fresh = transaction.take_messages(&ids, now).await?;
    let pages: Vec<&Page> =
        batch.iter().filter(|entry| fresh.remove(&entry.message)).map(|entry| &entry.page).collect();
    if pages.is_empty() {
        return Ok(());
    }

    let mut inserted = transaction.insert(&pages, now).await?;
    let mut new = Vec::with_capacity(pages.len());
    let mut counts: BTreeMap<(JobId, Outcome), i64> = BTreeMap::new();
    for page in pages {
        if inserted.remove(&page.task) {
            *counts.entry((page.job, page.outcome)).or_default() += 1;
            new.push(page);
        } else if let Some(old) = transaction.replace(page, now).await? {
            *counts.entry((page.job, old)).or_default() -= 1;
            *counts.entry((page.job, page.outcome)).or_default() += 1;
        }
    }
    // In one order everywhere: transactions that wait for each other's counts can't form a ring.
    for ((job, outcome), change) in counts {
        if change != 0 {
            transaction.add_count(job, outcome, change).await?;
        }
    }
    for (name, mark) in outputs.write(&new).await? {
        transaction.save_output(&name, mark).await?;
    }
    transaction.commit().await?;
    outputs.committed();
    Ok(())
}

impl WriteFailure {
    /// Whether the batch holds something that will never be stored.
    pub(crate) fn refuses_content(&self) -> bool {
        matches!(self, Self::Store(error) if SqlError::refuses_content(error))
            || matches!(self, Self::Row { .. })
    }
}
