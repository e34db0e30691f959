//! Where pages are kept: one trait, SQLite and PostgreSQL behind it.
//!
//! [`PageStore`] is what can be asked, [`PageTransaction`] the statements of the one transaction that
//! stores a batch (their order stands in [`crate::write`]). `tests/stores.rs` holds both databases to the
//! same behaviour.

mod question;
pub(crate) mod record;
mod sqlite;
pub(crate) mod statements;

#[cfg(feature = "postgres")]
mod postgres;

pub use question::Question;
pub use statements::Statement;

use crate::{page::Page, row::Item};
use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use std::{collections::HashSet, path::PathBuf, sync::Arc};
use trawl_shared::{
    model::{CanonicalUrl, JobId, MessageId, Outcome, TaskId},
    sql::{DatabaseUrl, Missing, SqlError},
};

/// The SQLite file in the data folder.
pub const FILE: &str = "pages.db";
/// The PostgreSQL schema.
pub const SCHEMA: &str = "storage";

/// Pages of one job that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The job.
    pub job: JobId,
    /// The outcome.
    pub outcome: Outcome,
    /// How many.
    pub pages: u64,
}

/// How much of an output is in the store as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputMark {
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Which of the output's files it is, where there are several.
    pub segment: u64,
    /// When it was begun, in Unix milliseconds.
    pub began_at: i64,
}

impl OutputMark {
    /// Of an empty file.
    #[must_use]
    pub fn begun(at: Timestamp) -> Self {
        Self { began_at: at.as_millisecond(), ..Self::default() }
    }
}

/// The files of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFiles {
    /// The path that was asked for.
    pub path: PathBuf,
    /// Whether it has a number for each file.
    pub rotates: bool,
    /// The number of the last one.
    pub last: u64,
}

/// A store of pages.
#[async_trait]
pub trait PageStore: Send + Sync {
    /// Starts the transaction of a batch.
    ///
    /// # Errors
    /// When the database can't be reached.
    async fn begin(&self) -> Result<Box<dyn PageTransaction>, SqlError>;

    /// Pages by job and outcome, of one job or all. Costs nothing: it is counted while storing.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn counts(&self, job: Option<JobId>) -> Result<Vec<Count>, SqlError>;

    /// The tasks of a job that have a row, in the order of their ids.
    fn stored_tasks(&self, job: JobId) -> BoxStream<'_, Result<TaskId, SqlError>>;

    /// Pages in the order they were stored in.
    fn pages(&self, question: &Question) -> BoxStream<'_, Result<Page, SqlError>>;

    /// Makes the indexes for questions by host, status and time, where there are none.
    ///
    /// # Errors
    /// When the database can't make them.
    async fn index(&self) -> Result<(), SqlError>;

    /// What a statement of [`statements`] answers.
    fn ask(&self, statement: Statement, input: String) -> BoxStream<'_, Result<String, SqlError>>;

    /// The page of a task.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn page(&self, job: JobId, task: TaskId) -> Result<Option<Page>, SqlError>;

    /// The page of a URL as it was fetched last.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn page_of(&self, job: JobId, url: &CanonicalUrl) -> Result<Option<Page>, SqlError>;

    /// How far an output was written; none where it is not known.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn output(&self, path: &str) -> Result<Option<OutputMark>, SqlError>;

    /// Closes the connections.
    async fn close(&self);

    /// Items in the order they were stored in: those that these rules made, or the ones used last.
    fn items(&self, question: &Question, rules: Option<&str>) -> BoxStream<'_, Result<Item, SqlError>> {
        let Question { job, host, since } = question;
        let input = serde_json::json!({ "job": job, "host": host, "since": since, "rules": rules });
        let items = self.ask(statements::ITEMS, input.to_string());
        items.map(|row| record::item(&row?)).boxed()
    }

    /// The job of that name or id; of several of one name the newest.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn job_named(&self, name: &str) -> Result<Option<JobId>, SqlError> {
        let found = self.ask(statements::JOBS_NAMED, name.to_owned()).next().await.transpose()?;
        Ok(found.as_deref().unwrap_or(name).parse().ok())
    }

    /// The archives that may hold pages of a job.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn archives(&self, job: Option<JobId>) -> Result<Vec<ArchiveFiles>, SqlError> {
        let job = job.map_or_else(String::new, |job| job.to_string());
        let rows: Vec<String> = self.ask(statements::ARCHIVES, job).try_collect().await?;
        rows.iter().map(|row| record::archive(row)).collect()
    }

    /// How many pages of a job are stored.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn pages_stored(&self, job: JobId) -> Result<u64, SqlError> {
        Ok(self.counts(Some(job)).await?.iter().map(|count| count.pages).sum())
    }
}

/// The transaction of a batch; dropped without a commit it has no effect.
#[async_trait]
pub trait PageTransaction: Send {
    /// Records messages as handled by a consumer; answers which of them were not before.
    ///
    /// # Errors
    /// When the database fails.
    async fn take_messages(
        &mut self,
        consumer: &str,
        ids: &[MessageId],
        now: i64,
    ) -> Result<HashSet<MessageId>, SqlError>;

    /// Adds the pages that have no row yet; answers which.
    ///
    /// # Errors
    /// When the database fails, or refuses what a page holds.
    async fn insert(&mut self, pages: &[&Page], now: i64) -> Result<HashSet<TaskId>, SqlError>;

    /// Puts a page in the place of its older row and answers the old outcome; a newer row stays.
    ///
    /// # Errors
    /// As [`PageTransaction::insert`].
    async fn replace(&mut self, page: &Page, now: i64) -> Result<Option<Outcome>, SqlError>;

    /// Adds to a count of [`PageStore::counts`].
    ///
    /// # Errors
    /// When the database fails.
    async fn add_count(&mut self, job: JobId, outcome: Outcome, pages: i64) -> Result<(), SqlError>;

    /// Records how far an output is written.
    ///
    /// # Errors
    /// When the database fails.
    async fn save_output(&mut self, path: &str, mark: OutputMark) -> Result<(), SqlError>;

    /// Runs a statement of [`statements`]; answers what it selects.
    ///
    /// # Errors
    /// When the database fails, or refuses what the input holds.
    async fn run(&mut self, statement: Statement, input: String) -> Result<Vec<String>, SqlError>;

    /// Makes it durable.
    ///
    /// # Errors
    /// When the database fails; then it may or may not have taken effect.
    async fn commit(self: Box<Self>) -> Result<(), SqlError>;
}

/// Opens the store that the URL names and brings its tables up to date.
///
/// # Errors
/// When it can't be opened, or there is none and `missing` says not to make it.
pub async fn open(url: &DatabaseUrl, missing: Missing) -> Result<Arc<dyn PageStore>, SqlError> {
    match url {
        DatabaseUrl::Sqlite(folder) => {
            Ok(Arc::new(sqlite::SqlitePages::open(&folder.join(FILE), missing).await?))
        }
        #[cfg(feature = "postgres")]
        DatabaseUrl::Postgres(url) => Ok(Arc::new(postgres::PostgresPages::open(url).await?)),
        #[cfg(not(feature = "postgres"))]
        DatabaseUrl::Postgres(_) => Err(SqlError::NoPostgres),
    }
}
