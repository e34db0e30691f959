//! Pages in a SQLite file.

use super::{
    Count, OutputMark, PageStore, PageTransaction, Question, Statement,
    record::{self, Record, signed},
};
use crate::page::Page;
use async_trait::async_trait;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Sqlite, Transaction, migrate::Migrator, sqlite::SqliteArguments,
    types::Uuid,
};
use std::{collections::HashSet, path::Path};
use trawl_shared::{
    migrations,
    model::{CanonicalUrl, JobId, MessageId, Outcome, TaskId},
    sql::{Missing, SqlError, SqliteFile, Tuning, open_sqlite_tuned},
};

/// All columns of a page; what follows says of which.
const PAGES: &str = include_str!("sql/sqlite/pages.sql");

fn migrations() -> Migrator {
    migrations!("../../migrations/sqlite": "0001_pages", "0002_items")
}

/// A page with its links takes some ten kilobytes: larger pages of the file mean fewer writes.
const PAGE_BYTES: u32 = 8192;
/// Most rows of one statement; each number of rows is a statement of its own in the cache.
const MOST_ROWS: usize = 64;
/// Most bytes bound to one statement: they are copied twice on their way.
const MOST_BULK: usize = 2 * 1024 * 1024;

/// Pages in a SQLite file.
pub(super) struct SqlitePages {
    file: SqliteFile,
}

impl SqlitePages {
    pub(super) async fn open(path: &Path, missing: Missing) -> Result<Self, SqlError> {
        let tuning = Tuning { page_bytes: PAGE_BYTES, ..Tuning::default() };
        Ok(Self { file: open_sqlite_tuned(path, missing, tuning, &migrations()).await? })
    }
}

#[async_trait]
impl PageStore for SqlitePages {
    async fn begin(&self) -> Result<Box<dyn PageTransaction>, SqlError> {
        Ok(Box::new(SqliteTransaction(self.file.begin().await?)))
    }

    async fn counts(&self, job: Option<JobId>) -> Result<Vec<Count>, SqlError> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(include_str!("sql/sqlite/counts.sql"))
            .bind(job.map(|job| job.0))
            .fetch_all(&self.file.reader)
            .await?;
        rows.into_iter().map(record::count).collect()
    }

    fn stored_tasks(&self, job: JobId) -> BoxStream<'_, Result<TaskId, SqlError>> {
        sqlx::query_scalar(include_str!("sql/sqlite/stored_tasks.sql"))
            .bind(job.0)
            .fetch(&self.file.reader)
            .map(|task| Ok(TaskId(task?)))
            .boxed()
    }

    fn pages(&self, question: &Question) -> BoxStream<'_, Result<Page, SqlError>> {
        let sql = format!("{PAGES}{} ORDER BY seq", question.conditions('?'));
        let mut values = SqliteArguments::default();
        let bound = (|| {
            question.job.map(|job| bind(&mut values, job.0)).transpose()?;
            question.host.clone().map(|host| bind(&mut values, host)).transpose()?;
            question.since.map(|since| bind(&mut values, since)).transpose()
        })();
        if let Err(error) = bound {
            return stream::iter([Err(error)]).boxed();
        }
        sqlx::query_as_with::<_, Record, _>(AssertSqlSafe(sql), values)
            .fetch(&self.file.reader)
            .map(|record| record?.into_page())
            .boxed()
    }

    async fn index(&self) -> Result<(), SqlError> {
        Ok(sqlx::raw_sql(include_str!("sql/sqlite/indexes.sql"))
            .execute(&self.file.writer)
            .await
            .map(drop)?)
    }

    fn ask(&self, statement: Statement, input: String) -> BoxStream<'_, Result<String, SqlError>> {
        let rows = sqlx::query_scalar(statement.sqlite).bind(input).fetch(&self.file.reader);
        rows.map(|row| Ok(row?)).boxed()
    }

    async fn page(&self, job: JobId, task: TaskId) -> Result<Option<Page>, SqlError> {
        let sql = format!("{PAGES} WHERE job = ?1 AND task = ?2");
        let query = sqlx::query_as::<_, Record>(AssertSqlSafe(sql));
        let record = query.bind(job.0).bind(task.0).fetch_optional(&self.file.reader).await?;
        record.map(Record::into_page).transpose()
    }

    async fn page_of(&self, job: JobId, url: &CanonicalUrl) -> Result<Option<Page>, SqlError> {
        let sql = format!("{PAGES} WHERE job = ?1 AND url = ?2 AND round > 0 ORDER BY round DESC LIMIT 1");
        let query = sqlx::query_as::<_, Record>(AssertSqlSafe(sql));
        match query.bind(job.0).bind(url.as_str()).fetch_optional(&self.file.reader).await? {
            Some(record) => record.into_page().map(Some),
            None => self.page(job, TaskId::derive(job, url, 0)).await,
        }
    }

    async fn output(&self, path: &str) -> Result<Option<OutputMark>, SqlError> {
        let query = sqlx::query_as(include_str!("sql/sqlite/output.sql"));
        let row: Option<(i64, i64, i64, i64)> = query.bind(path).fetch_optional(&self.file.reader).await?;
        row.map(record::mark).transpose()
    }

    async fn close(&self) {
        self.file.close().await;
    }
}

struct SqliteTransaction(Transaction<'static, Sqlite>);

#[async_trait]
impl PageTransaction for SqliteTransaction {
    async fn take_messages(
        &mut self,
        consumer: &str,
        ids: &[MessageId],
        now: i64,
    ) -> Result<HashSet<MessageId>, SqlError> {
        let mut fresh = HashSet::with_capacity(ids.len());
        let mut rest = ids;
        while !rest.is_empty() {
            let (ids, later) = rest.split_at(usual_size(rest.len().min(MOST_ROWS)));
            rest = later;
            let mut values = SqliteArguments::default();
            for id in ids {
                bind(&mut values, id.0)?;
                bind(&mut values, consumer)?;
                bind(&mut values, now)?;
            }
            let sql = with_groups(include_str!("sql/sqlite/take_messages.sql"), ids.len());
            let taken: Vec<Uuid> =
                sqlx::query_scalar_with(AssertSqlSafe(sql), values).fetch_all(&mut *self.0).await?;
            fresh.extend(taken.into_iter().map(MessageId));
        }
        Ok(fresh)
    }

    async fn insert(&mut self, pages: &[&Page], now: i64) -> Result<HashSet<TaskId>, SqlError> {
        let mut inserted = HashSet::with_capacity(pages.len());
        let mut rest = pages;
        while !rest.is_empty() {
            let (now_in, later) = rest.split_at(rows_of_one_statement(rest));
            rest = later;
            let mut values = SqliteArguments::default();
            for page in now_in {
                bind_page(&mut values, page, now)?;
            }
            let sql = with_groups(include_str!("sql/sqlite/insert_pages.sql"), now_in.len());
            let new: Vec<Uuid> =
                sqlx::query_scalar_with(AssertSqlSafe(sql), values).fetch_all(&mut *self.0).await?;
            inserted.extend(new.into_iter().map(TaskId));
        }
        Ok(inserted)
    }

    async fn replace(&mut self, page: &Page, now: i64) -> Result<Option<Outcome>, SqlError> {
        let query = sqlx::query_scalar(include_str!("sql/sqlite/older_outcome.sql"));
        let old: Option<String> = query
            .bind(page.job.0)
            .bind(page.task.0)
            .bind(page.fetched_at)
            .fetch_optional(&mut *self.0)
            .await?;
        let Some(old) = old else { return Ok(None) };
        let mut values = SqliteArguments::default();
        bind_page(&mut values, page, now)?;
        let query = sqlx::query_with(include_str!("sql/sqlite/replace_page.sql"), values);
        query.execute(&mut *self.0).await?;
        record::outcome(&old).map(Some)
    }

    async fn add_count(&mut self, job: JobId, outcome: Outcome, pages: i64) -> Result<(), SqlError> {
        let query = sqlx::query(include_str!("sql/sqlite/add_count.sql"));
        query.bind(job.0).bind(outcome.as_str()).bind(pages).execute(&mut *self.0).await?;
        Ok(())
    }

    async fn save_output(&mut self, path: &str, mark: OutputMark) -> Result<(), SqlError> {
        let query = sqlx::query(include_str!("sql/sqlite/save_output.sql"));
        let query = query.bind(path).bind(signed(mark.bytes)).bind(signed(mark.rows));
        query.bind(signed(mark.segment)).bind(mark.began_at).execute(&mut *self.0).await?;
        Ok(())
    }

    async fn run(&mut self, statement: Statement, input: String) -> Result<Vec<String>, SqlError> {
        Ok(sqlx::query_scalar(statement.sqlite).bind(input).fetch_all(&mut *self.0).await?)
    }

    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        Ok(self.0.commit().await?)
    }
}

/// How many of the pages fit one statement; at least one.
fn rows_of_one_statement(pages: &[&Page]) -> usize {
    let mut bulk = 0;
    let fitting = pages.iter().take(MOST_ROWS).take_while(|page| {
        bulk += page.bulk();
        bulk <= MOST_BULK
    });
    usual_size(fitting.count())
}

/// The largest power of two that is not more; at least one. A statement of few sizes is prepared once for each.
fn usual_size(rows: usize) -> usize {
    1 << rows.max(1).ilog2()
}

/// The statement with its one group of values repeated.
fn with_groups(sql: &'static str, rows: usize) -> String {
    let start = sql.find("VALUES (").expect("the statement inserts values") + "VALUES ".len();
    let end = start + sql[start..].find(')').expect("the group of values ends") + 1;
    let group = &sql[start..end];
    let mut repeated = String::with_capacity(sql.len() + rows * (group.len() + 1));
    repeated.push_str(&sql[..end]);
    for _ in 1..rows {
        repeated.push(',');
        repeated.push_str(group);
    }
    repeated.push_str(&sql[end..]);
    repeated
}

/// In the order of `insert_pages.sql`.
fn bind_page(values: &mut SqliteArguments, page: &Page, now: i64) -> Result<(), SqlError> {
    bind(values, page.job.0)?;
    bind(values, page.task.0)?;
    bind(values, page.round)?;
    bind(values, page.depth)?;
    bind(values, page.url.as_str())?;
    bind(values, page.final_url.as_str())?;
    bind(values, page.status)?;
    bind(values, page.outcome.as_str())?;
    bind(values, page.code.as_str())?;
    bind(values, page.detail.as_deref())?;
    bind(values, page.found_on.as_deref())?;
    bind(values, page.fetched_at)?;
    bind(values, now)?;
    bind(values, page.content_type.as_deref())?;
    bind(values, signed(page.body_bytes))?;
    bind(values, page.title.as_deref())?;
    bind(values, page.description.as_deref())?;
    bind(values, page.lang.as_deref())?;
    bind(values, page.canonical.as_deref())?;
    bind(values, page.meta_robots.as_deref())?;
    bind(values, page.body_hash.as_deref())?;
    bind(values, page.content_hash.as_deref())?;
    bind(values, page.simhash.as_deref())?;
    bind(values, page.text.as_deref())?;
    bind(values, page.markdown.as_deref())?;
    bind(values, page.structured.as_deref())?;
    bind(values, page.links.as_deref())
}

fn bind<'t, T: sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>>(
    values: &mut SqliteArguments,
    value: T,
) -> Result<(), SqlError> {
    values.add(value).map_err(|error| SqlError::Query(sqlx::Error::Encode(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::sql::assert_lists_all;

    #[test]
    fn one_group_becomes_as_many_as_there_are_rows() {
        let sql = "INSERT INTO t (a, b)\nVALUES (?, ?)\nON CONFLICT DO NOTHING";
        assert_eq!(with_groups(sql, 1), sql);
        assert_eq!(
            with_groups(sql, 3),
            "INSERT INTO t (a, b)\nVALUES (?, ?),(?, ?),(?, ?)\nON CONFLICT DO NOTHING"
        );
    }

    #[tokio::test]
    async fn every_migration_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        assert_lists_all(&folder, &migrations()).await;
    }
}
