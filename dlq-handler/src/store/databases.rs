//! The two databases: how each is opened, read and written. What is asked of them is the same.

use crate::filter::Dialect;
use sqlx::migrate::Migrator;
use std::path::Path;
use trawl_shared::{
    migrations,
    sql::{Missing, SqlError, SqliteFile, open_sqlite},
};

/// The ledger in a SQLite file.
pub(super) struct SqliteLedger(SqliteFile);

impl SqliteLedger {
    pub(super) const DIALECT: Dialect = Dialect::Sqlite;

    fn migrations() -> Migrator {
        migrations!("../../migrations/sqlite": "0001_letters", "0002_stories")
    }

    pub(super) async fn open(path: &Path, missing: Missing) -> Result<Self, SqlError> {
        Ok(Self(open_sqlite(path, missing, &Self::migrations()).await?))
    }

    pub(super) fn reader(&self) -> &sqlx::SqlitePool {
        &self.0.reader
    }

    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, SqlError> {
        self.0.begin().await
    }

    pub(super) async fn close_all(&self) {
        self.0.close().await;
    }
}

/// The ledger in a schema of a PostgreSQL database.
#[cfg(feature = "postgres")]
pub(super) struct PostgresLedger(sqlx::PgPool);

#[cfg(feature = "postgres")]
impl PostgresLedger {
    pub(super) const DIALECT: Dialect = Dialect::Postgres;

    fn migrations() -> Migrator {
        migrations!("../../migrations/postgres": "0001_letters", "0002_stories")
    }

    pub(super) async fn open(url: &str) -> Result<Self, SqlError> {
        /// One writes, the others answer questions.
        const CONNECTIONS: u32 = 4;
        Ok(Self(
            trawl_shared::sql::open_postgres(url, super::SCHEMA, CONNECTIONS, &Self::migrations()).await?,
        ))
    }

    pub(super) fn reader(&self) -> &sqlx::PgPool {
        &self.0
    }

    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, SqlError> {
        Ok(self.0.begin().await?)
    }

    pub(super) async fn close_all(&self) {
        self.0.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::sql::assert_lists_all;

    #[tokio::test]
    async fn every_migration_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        assert_lists_all(&folder.join("sqlite"), &SqliteLedger::migrations()).await;
        #[cfg(feature = "postgres")]
        assert_lists_all(&folder.join("postgres"), &PostgresLedger::migrations()).await;
    }
}
