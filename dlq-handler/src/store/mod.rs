//! Where the ledger is kept: one trait, SQLite and PostgreSQL behind it. Letters are few, so both take
//! the same plain statements (`sql/`), through one body of code (`databases.rs`).

mod databases;
mod rows;

use crate::letter::{Death, Letter, LetterId, State, Summary};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc};
use trawl_shared::{
    message::Record,
    model::{JobId, TaskId},
    sql::{DatabaseUrl, Missing, SqlError},
};

/// The SQLite file in the data folder.
pub const FILE: &str = "dead-letters.db";
/// The PostgreSQL schema.
pub const SCHEMA: &str = "dead_letters";

/// Which letters are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this job.
    pub job: Option<JobId>,
    /// In this state.
    pub state: Option<State>,
    /// That died with this code.
    pub code: Option<String>,
}

/// A change of a letter's state.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The new state.
    pub state: State,
    /// Who changed it.
    pub by: &'a str,
    /// Why.
    pub remark: Option<&'a str>,
}

/// The ledger of dead letters.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Enters letters, all or none. One that is in the ledger already has no effect; one of a later
    /// generation opens its letter again.
    ///
    /// # Errors
    /// When the database fails.
    async fn enter(&self, letters: &[Letter]) -> Result<(), SqlError>;

    /// The letters that a filter lets through, last death first.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Summary>, SqlError>;

    /// Letters whose ids begin with these hexadecimal digits, at most `limit`.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn ids_with_prefix(&self, digits: &str, limit: usize) -> Result<Vec<LetterId>, SqlError>;

    /// All open letters, oldest first.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn open_ids(&self) -> Result<Vec<LetterId>, SqlError>;

    /// One letter.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn summary(&self, id: LetterId) -> Result<Option<Summary>, SqlError>;

    /// A letter's record as it came.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn record(&self, id: LetterId) -> Result<Option<Record>, SqlError>;

    /// A letter's deaths, oldest first.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn deaths(&self, id: LetterId) -> Result<Vec<Death>, SqlError>;

    /// Changes a letter's state, unless it has died again after `generation`; answers whether it did.
    ///
    /// # Errors
    /// When the database fails.
    async fn change(&self, id: LetterId, generation: u32, change: &Change<'_>) -> Result<bool, SqlError>;

    /// Letters by state, of one job or all.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn counts(&self, job: Option<JobId>) -> Result<BTreeMap<&'static str, u64>, SqlError>;

    /// The tasks of a job that a letter is about, whatever its state, in the order of their ids.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn dead_tasks(&self, job: JobId) -> Result<Vec<TaskId>, SqlError>;

    /// Closes the connections.
    async fn close(&self);
}

/// Opens the ledger that the URL names and brings its tables up to date.
///
/// # Errors
/// When it can't be opened, or there is none and `missing` says not to make it.
pub async fn open(url: &DatabaseUrl, missing: Missing) -> Result<Arc<dyn Ledger>, SqlError> {
    match url {
        DatabaseUrl::Sqlite(folder) => {
            Ok(Arc::new(databases::SqliteLedger::open(&folder.join(FILE), missing).await?))
        }
        #[cfg(feature = "postgres")]
        DatabaseUrl::Postgres(url) => Ok(Arc::new(databases::PostgresLedger::open(url).await?)),
        #[cfg(not(feature = "postgres"))]
        DatabaseUrl::Postgres(_) => Err(SqlError::NoPostgres),
    }
}
