//! Where the ledger is kept: one trait, SQLite and PostgreSQL behind it. Letters are few, so both take
//! the same plain statements (`sql/`), through one body of code (`reading.rs`, `writing.rs`).

mod databases;
mod reading;
mod rows;
mod writing;

use crate::{
    filter::{Field, Filter},
    letter::{Death, Letter, LetterId, Summary},
    state::{Event, State},
    transfer::Moved,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
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

/// Which letters are asked for, and in which order.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which.
    pub filter: Filter,
    /// By what they are sorted; letters that lack it come last.
    pub sort: Field,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// How many are skipped.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

impl Query {
    /// The letters of a filter, last death first.
    #[must_use]
    pub fn new(filter: Filter, limit: usize) -> Self {
        let died = Field::named("died").expect("there is a field of this name");
        Self { filter, sort: died, descending: true, offset: 0, limit }
    }
}

/// Letters that have something in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Their values of the fields asked for, in that order.
    pub key: Vec<Option<String>>,
    /// How many there are.
    pub letters: u64,
    /// The death that is longest ago, of each letter's last one.
    pub oldest: Timestamp,
    /// The latest death.
    pub newest: Timestamp,
}

/// A change of a letter's state.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The new state.
    pub state: State,
    /// When it was done.
    pub at: Timestamp,
    /// Who changed it.
    pub by: &'a str,
    /// Why.
    pub remark: Option<&'a str>,
}

/// The word that a replay was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The letter.
    pub id: LetterId,
    /// The replay: 1 is the first.
    pub replays: u32,
    /// When.
    pub at: Timestamp,
    /// Who handled it.
    pub by: String,
}

/// Asking the ledger.
#[async_trait]
pub trait ReadLedger: Send + Sync {
    /// The letters that a query asks for.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn list(&self, query: &Query) -> Result<Vec<Summary>, SqlError>;

    /// How many letters a filter lets through.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn count(&self, filter: &Filter) -> Result<u64, SqlError>;

    /// The letters of a filter counted by what they have in common, the most first, at most `limit` groups.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn groups(&self, filter: &Filter, by: &[Field], limit: usize) -> Result<Vec<Group>, SqlError>;

    /// Last deaths of a filter's letters from `from` on, counted in steps of `step_ms`; steps without any are left out.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn timeline(
        &self,
        filter: &Filter,
        from: Timestamp,
        step_ms: i64,
    ) -> Result<BTreeMap<i64, u64>, SqlError>;

    /// The letters of a filter in the order they came in, those behind place `after`, each with its place.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn ids(&self, filter: &Filter, after: i64, limit: usize) -> Result<Vec<(i64, LetterId)>, SqlError>;

    /// Letters whose ids begin with these hexadecimal digits, at most `limit`.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn ids_with_prefix(&self, digits: &str, limit: usize) -> Result<Vec<LetterId>, SqlError>;

    /// One letter.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn summary(&self, id: LetterId) -> Result<Option<Summary>, SqlError>;

    /// How each of these letters stands: its state, and its replays before the last death.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn outcomes(&self, ids: &[LetterId]) -> Result<Vec<Option<(State, u32)>>, SqlError>;

    /// A letter's record as it died last: as it came, unless somebody edited it for a replay.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn record(&self, id: LetterId) -> Result<Option<Record>, SqlError>;

    /// A letter's record with the payload of its first death.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn original(&self, id: LetterId) -> Result<Option<Record>, SqlError>;

    /// A letter's deaths, oldest first.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn deaths(&self, id: LetterId) -> Result<Vec<Death>, SqlError>;

    /// What was done about a letter, oldest first.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn events(&self, id: LetterId) -> Result<Vec<Event>, SqlError>;

    /// Letters by state, of one job or all.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn counts(&self, job: Option<JobId>) -> Result<BTreeMap<&'static str, u64>, SqlError>;

    /// Replays that were handled, and replays that died again.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn replayed(&self) -> Result<(u64, u64), SqlError>;

    /// The tasks of a job that a letter is about, whatever its state, in the order of their ids.
    ///
    /// # Errors
    /// When the database can't be asked.
    async fn dead_tasks(&self, job: JobId) -> Result<Vec<TaskId>, SqlError>;
}

/// The ledger of dead letters.
#[async_trait]
pub trait Ledger: ReadLedger {
    /// Enters letters, all or none. One that is in the ledger already has no effect; one of a later
    /// generation opens its letter again.
    ///
    /// # Errors
    /// When the database fails.
    async fn enter(&self, letters: &[Letter]) -> Result<(), SqlError>;

    /// Closes letters whose replays were handled, all or none. One that has died again since, or that is not here, is left
    /// alone. Answers how many were closed.
    ///
    /// # Errors
    /// When the database fails.
    async fn resolve(&self, handled: &[Resolution]) -> Result<usize, SqlError>;

    /// Changes a letter's state, unless it has died again after `generation`; answers whether it was of that generation.
    ///
    /// # Errors
    /// When the database fails.
    async fn change(&self, id: LetterId, generation: u32, change: &Change<'_>) -> Result<bool, SqlError>;

    /// Enters a letter of another ledger with all its story, unless it is here in this or a later generation; answers
    /// whether it was entered.
    ///
    /// # Errors
    /// When the database fails.
    async fn admit(&self, letter: &Moved) -> Result<bool, SqlError>;

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
