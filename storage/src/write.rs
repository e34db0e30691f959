//! How a batch is stored: one transaction, in this order.
//!
//! Message ids first: what was handled before has no further effect. Then new pages, then pages that take
//! the place of an older result of the same task, their items, the counts, then the rows of the outputs
//! (written before the commit, their lengths recorded in it), then the commit.

use crate::{
    page::Page,
    row::Item,
    sink::{Outputs, WriteFailure},
    store::{PageStore, PageTransaction, statements},
};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use trawl_shared::{
    model::{JobId, MessageId, Outcome, TaskId},
    sql::SqlError,
};

/// The name under which handled messages are recorded.
pub(crate) const CONSUMER: &str = "storage";

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
    let mut fresh = transaction.take_messages(CONSUMER, &ids, now).await?;
    let pages: Vec<&Page> =
        batch.iter().filter(|entry| fresh.remove(&entry.message)).map(|entry| &entry.page).collect();
    if pages.is_empty() {
        return Ok(());
    }

    let mut inserted = transaction.insert(&pages, now).await?;
    let mut new = Vec::with_capacity(pages.len());
    let mut replaced = Vec::new();
    let mut counts: BTreeMap<(JobId, Outcome), i64> = BTreeMap::new();
    for page in pages {
        if inserted.remove(&page.task) {
            *counts.entry((page.job, page.outcome)).or_default() += 1;
            new.push(page);
        } else if let Some(old) = transaction.replace(page, now).await? {
            *counts.entry((page.job, old)).or_default() -= 1;
            *counts.entry((page.job, page.outcome)).or_default() += 1;
            replaced.push(page);
        }
    }
    let clear = !replaced.is_empty();
    replaced.extend(&new);
    store_items(&mut *transaction, &replaced, clear, now).await?;
    name_jobs(&mut *transaction, &replaced).await?;
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

/// Stores the items that came with pages. `clear`: some of the pages may have had others.
async fn store_items(
    transaction: &mut dyn PageTransaction,
    pages: &[&Page],
    clear: bool,
    now: i64,
) -> Result<(), WriteFailure> {
    let mut sets = BTreeMap::new();
    let mut items = Vec::new();
    for page in pages.iter().filter(|page| page.rules.is_some() || page.items.is_some()) {
        let of_page = page.items().map_err(|error| WriteFailure::Row { task: page.task, error })?;
        let rules = page.rules.as_deref().unwrap_or_default();
        sets.insert((page.job, rules), json!({ "job": page.job, "rules": rules, "at": now }));
        items.extend(of_page);
    }
    if sets.is_empty() {
        return Ok(());
    }
    if clear {
        let old: Vec<_> = pages
            .iter()
            .map(|page| json!({ "job": page.job, "task": page.task, "rules": page.rules.as_deref().unwrap_or_default() }))
            .collect();
        transaction.run(statements::CLEAR_ITEMS, json!(old).to_string()).await?;
    }
    let sets: Vec<_> = sets.into_values().collect();
    transaction.run(statements::USE_RULES, json!(sets).to_string()).await?;
    Ok(add_items(transaction, &items).await?)
}

/// Keeps what rules made of pages that are stored already, and shows it from now on. What the same rules made
/// of these pages before is replaced.
///
/// # Errors
/// When the store fails; then nothing of it is kept.
pub async fn keep_items(
    store: &dyn PageStore,
    job: JobId,
    rules: &str,
    tasks: &[TaskId],
    items: &[Item],
) -> Result<(), SqlError> {
    let now = Timestamp::now().as_millisecond();
    let mut transaction = store.begin().await?;
    let used = json!([{ "job": job, "rules": rules, "at": now }]);
    transaction.run(statements::USE_RULES, used.to_string()).await?;
    let old: Vec<_> = tasks.iter().map(|task| json!({ "job": job, "task": task, "rules": rules })).collect();
    transaction.run(statements::CLEAR_ITEMS, json!(old).to_string()).await?;
    add_items(&mut *transaction, items).await?;
    transaction.commit().await
}

/// Adds items in statements of bounded size.
async fn add_items(transaction: &mut dyn PageTransaction, items: &[Item]) -> Result<(), SqlError> {
    for items in items.chunks(MOST_ITEMS) {
        let items = serde_json::to_string(items).expect("items have a JSON form");
        transaction.run(statements::ADD_ITEMS, items).await?;
    }
    Ok(())
}

/// Items of one statement.
const MOST_ITEMS: usize = 256;

async fn name_jobs(transaction: &mut dyn PageTransaction, pages: &[&Page]) -> Result<(), SqlError> {
    let named: BTreeMap<_, _> =
        pages.iter().filter_map(|page| Some((page.job, page.job_name.as_deref()?))).collect();
    if !named.is_empty() {
        let named: Vec<_> =
            named.into_iter().map(|(job, name)| json!({ "job": job, "name": name })).collect();
        transaction.run(statements::NAME_JOBS, json!(named).to_string()).await?;
    }
    Ok(())
}

impl WriteFailure {
    /// Whether the batch holds something that will never be stored.
    pub(crate) fn refuses_content(&self) -> bool {
        matches!(self, Self::Store(error) if SqlError::refuses_content(error))
            || matches!(self, Self::Row { .. })
    }
}
