//! SQLite: a table is given as a list of bound rows.
//!
//! Bound rows cost a third of what the same rows cost as JSON. The text of a statement depends on how
//! many there are, so tables come in a few sizes, filled up with rows of NULL that every statement
//! passes over: few texts, each prepared once.

use super::{Cell, Database, Input, Statement, Transaction, statements::spelled};
use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, Executor,
    migrate::Migrator,
    sqlite::{Sqlite as Driver, SqliteArguments},
};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use trawl_shared::{
    migrations,
    sql::{Missing, SqlError, SqliteFile, Tuning, open_sqlite_tuned},
};

fn migrations() -> Migrator {
    migrations!("../../migrations/sqlite": "0001_frontier", "0002_turns", "0003_rules")
}

/// Rows of a table, by size.
const SIZES: [usize; 4] = [4, 16, 64, 256];

/// Page cache of the writing connection, in KiB: the folders of the seen-test's index that are being
/// written to.
const CACHE_KIB: u32 = 40 * 1024;

type Texts = Arc<Mutex<HashMap<(&'static str, usize), Arc<str>>>>;

pub(super) struct Sqlite {
    file: SqliteFile,
    texts: Texts,
}

impl Sqlite {
    pub(super) async fn open(path: &Path, missing: Missing) -> Result<Self, SqlError> {
        let tuning = Tuning { cache_kib: CACHE_KIB, ..Tuning::default() };
        let file = open_sqlite_tuned(path, missing, tuning, &migrations()).await?;
        Ok(Self { file, texts: Texts::default() })
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        Ok(Box::new(Writing { inner: self.file.begin().await?, texts: Arc::clone(&self.texts) }))
    }

    async fn ask(&self, statement: &'static Statement, input: Input) -> Result<Vec<String>, SqlError> {
        let mut answers = Vec::new();
        for (text, arguments) in calls(&self.texts, statement, input)? {
            answers.push(fetch(&self.file.reader, text, arguments).await?);
        }
        Ok(answers)
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn close(&self) {
        self.file.close().await;
    }
}

struct Writing {
    inner: sqlx::Transaction<'static, Driver>,
    texts: Texts,
}

#[async_trait]
impl Transaction for Writing {
    async fn run(&mut self, statement: &'static Statement, input: Input) -> Result<u64, SqlError> {
        let mut changed = 0;
        for (text, arguments) in calls(&self.texts, statement, input)? {
            let done = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut *self.inner).await?;
            changed += done.rows_affected();
        }
        Ok(changed)
    }

    async fn ask(&mut self, statement: &'static Statement, input: Input) -> Result<Vec<String>, SqlError> {
        let mut answers = Vec::new();
        for (text, arguments) in calls(&self.texts, statement, input)? {
            answers.push(fetch(&mut *self.inner, text, arguments).await?);
        }
        Ok(answers)
    }

    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        Ok(self.inner.commit().await?)
    }
}

async fn fetch<'c>(
    executor: impl Executor<'c, Database = Driver>,
    text: Arc<str>,
    arguments: SqliteArguments,
) -> Result<String, SqlError> {
    Ok(sqlx::query_scalar_with(AssertSqlSafe(text), arguments).fetch_one(executor).await?)
}

/// The calls that a statement's input takes: one, or one for each part of a long table.
fn calls(
    texts: &Texts,
    statement: &'static Statement,
    input: Input,
) -> Result<Vec<(Arc<str>, SqliteArguments)>, SqlError> {
    let mut calls = Vec::with_capacity(1);
    if input.is_vain() {
        return Ok(calls);
    }
    let mut left = input.cells.len() / input.width.max(1);
    let mut cells = input.cells.into_iter();
    loop {
        let size = if input.width == 0 { 0 } else { size_for(left) };
        let mut arguments = SqliteArguments::default();
        arguments.reserve(size * input.width + input.scalars.len(), 0);
        for _ in 0..size * input.width {
            bind(&mut arguments, cells.next().unwrap_or(Cell::Null))?;
        }
        for scalar in &input.scalars {
            bind(&mut arguments, scalar.clone())?;
        }
        calls.push((text(texts, statement, input.width, size), arguments));
        left = left.saturating_sub(size);
        if left == 0 {
            return Ok(calls);
        }
    }
}

fn size_for(rows: usize) -> usize {
    SIZES.into_iter().find(|size| *size >= rows).unwrap_or(SIZES[SIZES.len() - 1])
}

fn bind(arguments: &mut SqliteArguments, cell: Cell) -> Result<(), SqlError> {
    let bound = match cell {
        Cell::Null => arguments.add(None::<i64>),
        Cell::Int(number) => arguments.add(number),
        Cell::Text(text) => arguments.add(text),
        Cell::Key(key) => arguments.add(key.bytes().to_vec()),
    };
    bound.map_err(|error| SqlError::Query(sqlx::Error::Encode(error)))
}

fn text(texts: &Texts, statement: &'static Statement, width: usize, size: usize) -> Arc<str> {
    let mut texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    let text = texts.entry((statement.name, size)).or_insert_with(|| {
        let row = format!("({})", vec!["?"; width].join(","));
        spelled(statement.sqlite, "json_array").replace("{rows}", &vec![row; size].join(",")).into()
    });
    Arc::clone(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::statements::{ALL, SAVE_URLS};
    use sqlx::SqlSafeStr as _;
    use trawl_shared::sql::assert_lists_all;

    /// SQLite reads every statement: a misspelled column fails here and not in a crawl.
    #[tokio::test]
    async fn every_statement_can_be_prepared() {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("f.db"), Missing::Create).await.unwrap();
        for statement in ALL {
            let columns = statement.sqlite.split("input(").nth(1).and_then(|rest| rest.split(')').next());
            let width = columns.map_or(0, |columns| columns.split(',').count());
            let text = text(&database.texts, statement, width, if width == 0 { 0 } else { 4 });
            let prepared = Executor::prepare(&database.file.writer, AssertSqlSafe(text).into_sql_str()).await;
            assert!(prepared.is_ok(), "{}: {prepared:?}", statement.name);
        }
    }

    #[test]
    fn long_tables_are_cut_and_filled_up() {
        let sizes = |rows: usize| -> Vec<usize> {
            let input = Input::table((0..rows).map(|_| [Cell::Int(1), Cell::Null])).with(7i64);
            let calls = calls(&Texts::default(), &SAVE_URLS, input).unwrap();
            calls.iter().map(|(_, arguments)| (arguments.len() - 1) / 2).collect()
        };
        assert_eq!(sizes(0), [0usize; 0]);
        assert_eq!(sizes(3), [4]);
        assert_eq!(sizes(65), [256]);
        assert_eq!(sizes(256 + 5), [256, 16]);
    }

    #[tokio::test]
    async fn every_migration_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        assert_lists_all(&folder, &migrations()).await;
    }
}
