//! Pages in PostgreSQL.

use super::{
    Count, OutputMark, PageStore, PageTransaction, Question, SCHEMA, Statement,
    record::{self, Record, signed},
};
use crate::page::Page;
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream::BoxStream};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction, migrate::Migrator, types::Uuid};
use std::collections::HashSet;
use trawl_shared::{
    migrations,
    model::{CanonicalUrl, JobId, MessageId, Outcome, TaskId},
    sql::{SqlError, open_postgres},
};

/// All columns of a page; what follows says of which.
const PAGES: &str = include_str!("sql/postgres/pages.sql");

fn migrations() -> Migrator {
    migrations!("../../migrations/postgres": "0001_pages", "0002_items")
}

/// Batches in flight, and a few questions besides.
const CONNECTIONS: u32 = 6;

/// Pages in a schema of a PostgreSQL database.
pub(super) struct PostgresPages {
    pool: PgPool,
}

impl PostgresPages {
    pub(super) async fn open(url: &str) -> Result<Self, SqlError> {
        Ok(Self { pool: open_postgres(url, SCHEMA, CONNECTIONS, &migrations()).await? })
    }
}

#[async_trait]
impl PageStore for PostgresPages {
    async fn begin(&self) -> Result<Box<dyn PageTransaction>, SqlError> {
        Ok(Box::new(PostgresTransaction(self.pool.begin().await?)))
    }

    async fn counts(&self, job: Option<JobId>) -> Result<Vec<Count>, SqlError> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(include_str!("sql/postgres/counts.sql"))
            .bind(job.map(|job| job.0))
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(record::count).collect()
    }

    fn stored_tasks(&self, job: JobId) -> BoxStream<'_, Result<TaskId, SqlError>> {
        sqlx::query_scalar(include_str!("sql/postgres/stored_tasks.sql"))
            .bind(job.0)
            .fetch(&self.pool)
            .map(|task| Ok(TaskId(task?)))
            .boxed()
    }

    fn pages(&self, question: &Question) -> BoxStream<'_, Result<Page, SqlError>> {
        let sql = format!("{PAGES}{} ORDER BY seq", question.conditions('$'));
        let mut query = sqlx::query_as::<_, Record>(AssertSqlSafe(sql));
        if let Some(job) = question.job {
            query = query.bind(job.0);
        }
        if let Some(host) = &question.host {
            query = query.bind(host.clone());
        }
        if let Some(since) = question.since {
            query = query.bind(since);
        }
        query.fetch(&self.pool).map(|record| record?.into_page()).boxed()
    }

    /// They are there from the beginning: a server keeps them up beside the crawl.
    async fn index(&self) -> Result<(), SqlError> {
        Ok(())
    }

    fn ask(&self, statement: Statement, input: String) -> BoxStream<'_, Result<String, SqlError>> {
        let rows = sqlx::query_scalar(statement.postgres).bind(input).fetch(&self.pool);
        rows.map(|row| Ok(row?)).boxed()
    }

    async fn page(&self, job: JobId, task: TaskId) -> Result<Option<Page>, SqlError> {
        let sql = format!("{PAGES} WHERE job = $1 AND task = $2");
        let query = sqlx::query_as::<_, Record>(AssertSqlSafe(sql));
        let record = query.bind(job.0).bind(task.0).fetch_optional(&self.pool).await?;
        record.map(Record::into_page).transpose()
    }

    async fn page_of(&self, job: JobId, url: &CanonicalUrl) -> Result<Option<Page>, SqlError> {
        let sql = format!("{PAGES} WHERE job = $1 AND url = $2 AND round > 0 ORDER BY round DESC LIMIT 1");
        let query = sqlx::query_as::<_, Record>(AssertSqlSafe(sql));
        match query.bind(job.0).bind(url.as_str()).fetch_optional(&self.pool).await? {
            Some(record) => record.into_page().map(Some),
            None => self.page(job, TaskId::derive(job, url, 0)).await,
        }
    }

    async fn output(&self, path: &str) -> Result<Option<OutputMark>, SqlError> {
        let query = sqlx::query_as(include_str!("sql/postgres/output.sql"));
        let row: Option<(i64, i64, i64, i64)> = query.bind(path).fetch_optional(&self.pool).await?;
        row.map(record::mark).transpose()
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

struct PostgresTransaction(Transaction<'static, Postgres>);

#[async_trait]
impl PageTransaction for PostgresTransaction {
    async fn take_messages(
        &mut self,
        consumer: &str,
        ids: &[MessageId],
        now: i64,
    ) -> Result<HashSet<MessageId>, SqlError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let query = sqlx::query_scalar(include_str!("sql/postgres/take_messages.sql"));
        let fresh: Vec<Uuid> = query.bind(ids).bind(consumer).bind(now).fetch_all(&mut *self.0).await?;
        Ok(fresh.into_iter().map(MessageId).collect())
    }

    async fn insert(&mut self, pages: &[&Page], now: i64) -> Result<HashSet<TaskId>, SqlError> {
        // A column is an array.
        fn all<'a, T>(pages: &[&'a Page], column: impl Fn(&'a Page) -> T) -> Vec<T> {
            pages.iter().map(|page| column(page)).collect()
        }
        let inserted: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/postgres/insert_pages.sql"))
            .bind(all(pages, |page| page.job.0))
            .bind(all(pages, |page| page.task.0))
            .bind(all(pages, |page| i64::from(page.round)))
            .bind(all(pages, |page| i64::from(page.depth)))
            .bind(all(pages, |page| page.url.as_str()))
            .bind(all(pages, |page| page.final_url.as_str()))
            .bind(all(pages, |page| page.status.map(i32::from)))
            .bind(all(pages, |page| page.outcome.as_str()))
            .bind(all(pages, |page| page.code.as_str()))
            .bind(all(pages, |page| page.detail.as_deref()))
            .bind(all(pages, |page| page.found_on.as_deref()))
            .bind(all(pages, |page| page.fetched_at))
            .bind(all(pages, |page| page.content_type.as_deref()))
            .bind(all(pages, |page| signed(page.body_bytes)))
            .bind(all(pages, |page| page.title.as_deref()))
            .bind(all(pages, |page| page.description.as_deref()))
            .bind(all(pages, |page| page.lang.as_deref()))
            .bind(all(pages, |page| page.canonical.as_deref()))
            .bind(all(pages, |page| page.meta_robots.as_deref()))
            .bind(all(pages, |page| page.body_hash.as_deref()))
            .bind(all(pages, |page| page.content_hash.as_deref()))
            .bind(all(pages, |page| page.simhash.as_deref()))
            .bind(all(pages, |page| page.text.as_deref()))
            .bind(all(pages, |page| page.markdown.as_deref()))
            .bind(all(pages, |page| page.structured.as_deref()))
            .bind(all(pages, |page| page.links.as_deref()))
            .bind(now)
            .fetch_all(&mut *self.0)
            .await?;
        Ok(inserted.into_iter().map(TaskId).collect())
    }

    async fn replace(&mut self, page: &Page, now: i64) -> Result<Option<Outcome>, SqlError> {
        let query = sqlx::query_scalar(include_str!("sql/postgres/older_outcome.sql"));
        let old: Option<String> = query
            .bind(page.job.0)
            .bind(page.task.0)
            .bind(page.fetched_at)
            .fetch_optional(&mut *self.0)
            .await?;
        let Some(old) = old else { return Ok(None) };
        sqlx::query(include_str!("sql/postgres/replace_page.sql"))
            .bind(page.job.0)
            .bind(page.task.0)
            .bind(i64::from(page.round))
            .bind(i64::from(page.depth))
            .bind(page.url.as_str())
            .bind(page.final_url.as_str())
            .bind(page.status.map(i32::from))
            .bind(page.outcome.as_str())
            .bind(page.code.as_str())
            .bind(page.detail.as_deref())
            .bind(page.found_on.as_deref())
            .bind(page.fetched_at)
            .bind(now)
            .bind(page.content_type.as_deref())
            .bind(signed(page.body_bytes))
            .bind(page.title.as_deref())
            .bind(page.description.as_deref())
            .bind(page.lang.as_deref())
            .bind(page.canonical.as_deref())
            .bind(page.meta_robots.as_deref())
            .bind(page.body_hash.as_deref())
            .bind(page.content_hash.as_deref())
            .bind(page.simhash.as_deref())
            .bind(page.text.as_deref())
            .bind(page.markdown.as_deref())
            .bind(page.structured.as_deref())
            .bind(page.links.as_deref())
            .execute(&mut *self.0)
            .await?;
        record::outcome(&old).map(Some)
    }

    async fn add_count(&mut self, job: JobId, outcome: Outcome, pages: i64) -> Result<(), SqlError> {
        let query = sqlx::query(include_str!("sql/postgres/add_count.sql"));
        query.bind(job.0).bind(outcome.as_str()).bind(pages).execute(&mut *self.0).await?;
        Ok(())
    }

    async fn save_output(&mut self, path: &str, mark: OutputMark) -> Result<(), SqlError> {
        let query = sqlx::query(include_str!("sql/postgres/save_output.sql"));
        let query = query.bind(path).bind(signed(mark.bytes)).bind(signed(mark.rows));
        query.bind(signed(mark.segment)).bind(mark.began_at).execute(&mut *self.0).await?;
        Ok(())
    }

    async fn run(&mut self, statement: Statement, input: String) -> Result<Vec<String>, SqlError> {
        Ok(sqlx::query_scalar(statement.postgres).bind(input).fetch_all(&mut *self.0).await?)
    }

    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        Ok(self.0.commit().await?)
    }
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
