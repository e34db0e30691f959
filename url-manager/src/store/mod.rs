//! The database seam: statements that take a table of values and give JSON rows.
//!
//! What a statement does stands in `sql/<database>/<name>.sql`; [`statements`] lists them. All rules
//! are in [`crate::state`], all order of statements in [`crate::work`] and its users: a database is one
//! file that implements [`Database`] and [`Transaction`], and a folder of statements.

mod input;
mod sqlite;
pub(crate) mod statements;

#[cfg(feature = "postgres")]
mod postgres;

pub(crate) use input::{Cell, Input};
pub(crate) use statements::Statement;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use trawl_shared::sql::{DatabaseUrl, Missing, SqlError};

/// The SQLite file in the data folder.
const FILE: &str = "frontier.db";

/// A database.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// Starts a transaction that may write.
    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError>;

    /// Asks beside all transactions. The answer is one or several JSON arrays.
    async fn ask(&self, statement: &'static Statement, input: Input) -> Result<Vec<String>, SqlError>;

    /// Whether several url-managers may work on it side by side, each on shards of its own.
    fn is_shared(&self) -> bool;

    /// Closes the connections.
    async fn close(&self);
}

/// A transaction; dropped without a commit it has no effect.
#[async_trait]
pub(crate) trait Transaction: Send {
    /// Answers how many rows were changed.
    async fn run(&mut self, statement: &'static Statement, input: Input) -> Result<u64, SqlError>;

    /// As [`Database::ask`], within the transaction.
    async fn ask(&mut self, statement: &'static Statement, input: Input) -> Result<Vec<String>, SqlError>;

    /// Makes it durable.
    async fn commit(self: Box<Self>) -> Result<(), SqlError>;
}

/// Opens the database that the URL names and brings its tables up to date.
pub(crate) async fn open(url: &DatabaseUrl, missing: Missing) -> Result<Arc<dyn Database>, SqlError> {
    match url {
        DatabaseUrl::Sqlite(folder) => Ok(Arc::new(sqlite::Sqlite::open(&folder.join(FILE), missing).await?)),
        #[cfg(feature = "postgres")]
        DatabaseUrl::Postgres(url) => Ok(Arc::new(postgres::Postgres::open(url).await?)),
        #[cfg(not(feature = "postgres"))]
        DatabaseUrl::Postgres(_) => Err(SqlError::NoPostgres),
    }
}

/// Reads an answer.
pub(crate) fn decode<T: DeserializeOwned>(arrays: &[String]) -> Result<Vec<T>, SqlError> {
    let broken = |error: serde_json::Error| SqlError::Query(sqlx::Error::Decode(error.into()));
    match arrays {
        [array] => serde_json::from_str(array).map_err(broken),
        arrays => {
            let mut rows = Vec::new();
            for array in arrays {
                rows.extend(serde_json::from_str::<Vec<T>>(array).map_err(broken)?);
            }
            Ok(rows)
        }
    }
}

/// Whether a statement only failed because another transaction was in its way: PostgreSQL's
/// `serialization_failure` and `deadlock_detected`.
pub(crate) fn met_another_writer(error: &SqlError) -> bool {
    let SqlError::Query(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}
