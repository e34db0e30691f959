//! SQLite: one file a store, one connection that writes, a few that read.

use super::SqlError;
use sqlx::{
    ConnectOptions, Sqlite, SqlitePool, Transaction,
    migrate::Migrator,
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection: the one writer is shared by all of a process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a file that is to be closed waits for connections that are in use.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read.
const READERS: u32 = 3;
/// The write-ahead log is folded into the file when it has grown by so many bytes: each time costs an
/// fsync, and a page that is written often in between is folded in once.
const CHECKPOINT_BYTES: u32 = 16 * 1024 * 1024;

/// Takes the lock at once.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// What to do where there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make it, and the folders above it.
    Create,
    /// Say so: for commands that only look.
    Fail,
}

/// What is right for most files, and not for all. The defaults are SQLite's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes of a page, a power of two; holds for new files only. Small rows that are written all over a table want small
    /// pages, rows of many kilobytes cost less in larger ones.
    pub page_bytes: u32,
    /// Most that the writing connection keeps of the file in memory, in KiB.
    pub cache_kib: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { page_bytes: 4096, cache_kib: 2000 }
    }
}

/// An open SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteFile {
    /// The one connection that writes. SQLite lets one write at a time anyhow; waiting here is fair
    /// and quiet, waiting on the file's lock is neither.
    pub writer: SqlitePool,
    /// Connections that can't write, and never wait for the writer.
    pub reader: SqlitePool,
}

impl SqliteFile {
    /// Starts a transaction that may write. It takes the write lock at once, so no statement in it
    /// can fail because another process wrote in between.
    ///
    /// # Errors
    /// When another process holds the lock for too long, or the file can't be written.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, SqlError> {
        match self.writer.begin_with(BEGIN).await {
            // A full disk makes SQLite itself roll back (https://www.sqlite.org/lang_transaction.html, 3.1). sqlx's own
            // ROLLBACK finds nothing to end then and fails, and sqlx believes for good that the connection is within a
            // transaction: only another connection can begin one.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                Ok(self.writer.begin_with(BEGIN).await?)
            }
            begun => Ok(begun?),
        }
    }

    /// Closes all connections; the last one folds the write-ahead log into the file. Whoever keeps one for ten seconds more
    /// does not keep the process from its end: the next to open the file finds all that was committed.
    pub async fn close(&self) {
        let closed = async {
            self.reader.close().await;
            self.writer.close().await;
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, closed).await.is_err() {
            let file = self.writer.connect_options().get_filename().display().to_string();
            tracing::warn!("a connection to {file} is still in use and is left to the end of the process");
        }
    }
}

/// Opens a SQLite file in WAL mode and brings its tables up to date.
///
/// A commit is safe from `kill -9` at once and from a power cut after the next checkpoint
/// (`synchronous = NORMAL`); the file is whole in both cases.
///
/// # Errors
/// When the file can't be opened or made, or its tables are not what the migrations expect.
pub async fn open_sqlite(
    path: &Path,
    missing: Missing,
    migrations: &Migrator,
) -> Result<SqliteFile, SqlError> {
    open_sqlite_tuned(path, missing, Tuning::default(), migrations).await
}

/// As [`open_sqlite`], tuned to what the file holds.
///
/// # Errors
/// As [`open_sqlite`].
pub async fn open_sqlite_tuned(
    path: &Path,
    missing: Missing,
    tuning: Tuning,
    migrations: &Migrator,
) -> Result<SqliteFile, SqlError> {
    let database = path.display().to_string();
    if missing == Missing::Fail && !path.exists() {
        return Err(SqlError::Missing(database));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| SqlError::Open {
            database: database.clone(),
            reason: format!("{}: {error}", folder.display()),
        })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(missing == Missing::Create)
        .page_size(tuning.page_bytes)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("temp_store", "MEMORY")
        .pragma("wal_autocheckpoint", (CHECKPOINT_BYTES / tuning.page_bytes).to_string())
        .disable_statement_logging();
    let writing = options.clone().pragma("cache_size", format!("-{}", tuning.cache_kib));
    let writer = pool(1).connect_with(writing).await.map_err(|error| SqlError::Open {
        database: database.clone(),
        reason: format!(
            "{} (is it a SQLite file, and may this user write to it and its folder?)",
            super::describe(&error)
        ),
    })?;
    if let Err(error) = migrations.run(&writer).await {
        writer.close().await;
        return Err(SqlError::Migrate { database, reason: error.to_string() });
    }
    let reader = pool(READERS).connect_lazy_with(options.create_if_missing(false).pragma("query_only", "ON"));
    Ok(SqliteFile { writer, reader })
}

/// Connections to a file do not go stale: none is tested before use or closed for its age.
fn pool(connections: u32) -> PoolOptions<Sqlite> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
