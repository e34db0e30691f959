//! PostgreSQL: a table is given as one JSON text.

use super::{Cell, Database, Input, Statement, Transaction, statements::spelled};
use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, Executor, PgPool,
    migrate::Migrator,
    postgres::{PgArguments, Postgres as Driver},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use trawl_shared::{
    migrations,
    sql::{SqlError, open_postgres},
};

fn migrations() -> Migrator {
    migrations!("../../migrations/postgres": "0001_frontier", "0002_turns", "0003_rules")
}

/// The schema.
const SCHEMA: &str = "frontier";

/// Feedback, dispatch, dead letters and retries write side by side; the command line looks.
const CONNECTIONS: u32 = 6;

type Texts = Arc<Mutex<HashMap<&'static str, Arc<str>>>>;

pub(super) struct Postgres {
    pool: PgPool,
    texts: Texts,
}

impl Postgres {
    pub(super) async fn open(url: &str) -> Result<Self, SqlError> {
        let pool = open_postgres(url, SCHEMA, CONNECTIONS, &migrations()).await?;
        Ok(Self { pool, texts: Texts::default() })
    }
}

#[async_trait]
impl Database for Postgres {
    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        Ok(Box::new(Writing { inner: self.pool.begin().await?, texts: Arc::clone(&self.texts) }))
    }

    async fn ask(&self, statement: &'static Statement, input: Input) -> Result<Vec<String>, SqlError> {
        fetch(&self.pool, &self.texts, statement, input).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

struct Writing {
    inner: sqlx::Transaction<'static, Driver>,
    texts: Texts,
}

#[async_trait]
impl Transaction for Writing {
    async fn run(&mut self, statement: &'static Statement, input: Input) -> Result<u64, SqlError> {
        if input.is_vain() {
            return Ok(0);
        }
        let text = text(&self.texts, statement);
        let done = sqlx::query_with(AssertSqlSafe(text), arguments(input)?).execute(&mut *self.inner).await?;
        Ok(done.rows_affected())
    }

    async fn ask(&mut self, statement: &'static Statement, input: Input) -> Result<Vec<String>, SqlError> {
        fetch(&mut *self.inner, &self.texts, statement, input).await
    }

    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        Ok(self.inner.commit().await?)
    }
}

async fn fetch<'c>(
    executor: impl Executor<'c, Database = Driver>,
    texts: &Texts,
    statement: &'static Statement,
    input: Input,
) -> Result<Vec<String>, SqlError> {
    if input.is_vain() {
        return Ok(Vec::new());
    }
    let text = text(texts, statement);
    let query = sqlx::query_scalar_with(AssertSqlSafe(text), arguments(input)?);
    let answer: Option<String> = query.fetch_one(executor).await?;
    Ok(answer.into_iter().collect())
}

fn arguments(input: Input) -> Result<PgArguments, SqlError> {
    let encode = |error| SqlError::Query(sqlx::Error::Encode(error));
    let mut arguments = PgArguments::default();
    if input.width > 0 {
        let rows: Vec<&[Cell]> = input.cells.chunks(input.width).collect();
        let json = serde_json::to_string(&rows).map_err(|error| encode(error.into()))?;
        arguments.add(json).map_err(encode)?;
    }
    for scalar in input.scalars {
        let added = match scalar {
            Cell::Null => arguments.add(None::<i64>),
            Cell::Int(number) => arguments.add(number),
            Cell::Text(text) => arguments.add(text),
            Cell::Key(key) => arguments.add(uuid::Uuid::from_bytes(*key.bytes())),
        };
        added.map_err(encode)?;
    }
    Ok(arguments)
}

fn text(texts: &Texts, statement: &'static Statement) -> Arc<str> {
    let mut texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    let text = texts.entry(statement.name);
    Arc::clone(text.or_insert_with(|| spelled(statement.postgres, "json_build_array").into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use trawl_shared::sql::assert_lists_all;

    #[tokio::test]
    async fn every_migration_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
        assert_lists_all(&folder, &migrations()).await;
    }
}
