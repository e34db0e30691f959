//! The two databases, by one body of code: the statements are the same, only the types of pool and
//! transaction differ.

use super::{Change, Filter, Ledger, rows};
use crate::letter::{Death, Letter, LetterId, State, Summary};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{migrate::Migrator, types::Uuid};
use std::{collections::BTreeMap, path::Path};
use trawl_shared::{
    message::Record,
    model::{JobId, TaskId},
    sql::{Missing, SqlError, SqliteFile, open_sqlite},
};

/// The ledger in a SQLite file.
pub(super) struct SqliteLedger(SqliteFile);

impl SqliteLedger {
    pub(super) async fn open(path: &Path, missing: Missing) -> Result<Self, SqlError> {
        static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
        Ok(Self(open_sqlite(path, missing, &MIGRATIONS).await?))
    }

    fn reader(&self) -> &sqlx::SqlitePool {
        &self.0.reader
    }

    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, SqlError> {
        self.0.begin().await
    }

    async fn close_all(&self) {
        self.0.close().await;
    }
}

/// The ledger in a schema of a PostgreSQL database.
#[cfg(feature = "postgres")]
pub(super) struct PostgresLedger(sqlx::PgPool);

#[cfg(feature = "postgres")]
impl PostgresLedger {
    pub(super) async fn open(url: &str) -> Result<Self, SqlError> {
        static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");
        /// One writes, the others answer questions.
        const CONNECTIONS: u32 = 3;
        Ok(Self(trawl_shared::sql::open_postgres(url, super::SCHEMA, CONNECTIONS, &MIGRATIONS).await?))
    }

    fn reader(&self) -> &sqlx::PgPool {
        &self.0
    }

    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, SqlError> {
        Ok(self.0.begin().await?)
    }

    async fn close_all(&self) {
        self.0.close().await;
    }
}

macro_rules! ledger {
    ($database:ty) => {
        #[async_trait]
        impl Ledger for $database {
            async fn enter(&self, letters: &[Letter]) -> Result<(), SqlError> {
                let mut transaction = self.begin().await?;
                for Letter { summary, death, record } in letters {
                    let entered = sqlx::query(include_str!("sql/insert_death.sql"))
                        .bind(summary.id.0)
                        .bind(i64::from(death.generation))
                        .bind(death.source.topic.name())
                        .bind(i64::from(death.source.partition))
                        .bind(death.source.offset)
                        .bind(&death.service)
                        .bind(&death.instance)
                        .bind(&death.version)
                        .bind(&death.stage)
                        .bind(&death.code)
                        .bind(&death.class)
                        .bind(&death.error)
                        .bind(i64::from(death.attempts))
                        .bind(death.failed_at.as_millisecond())
                        .bind(serde_json::to_string(&death.history).expect("attempts are JSON"))
                        .execute(&mut *transaction)
                        .await?;
                    if entered.rows_affected() == 0 {
                        continue;
                    }
                    sqlx::query(include_str!("sql/upsert_letter.sql"))
                        .bind(summary.id.0)
                        .bind(summary.message.0)
                        .bind(&summary.group)
                        .bind(i64::from(summary.generation))
                        .bind(summary.job.map(|job| job.0))
                        .bind(summary.task.map(|task| task.0))
                        .bind(summary.url.as_deref())
                        .bind(summary.host.as_deref())
                        .bind(summary.kind.as_deref())
                        .bind(&summary.topic)
                        .bind(&summary.service)
                        .bind(&summary.stage)
                        .bind(&summary.code)
                        .bind(&summary.class)
                        .bind(&summary.error)
                        .bind(i64::from(summary.attempts))
                        .bind(summary.died_at)
                        .bind(summary.changed_at)
                        .bind(&summary.changed_by)
                        .bind(record.key.as_deref())
                        .bind(rows::headers_to_text(&record.headers))
                        .bind(&record.payload[..])
                        .execute(&mut *transaction)
                        .await?;
                }
                Ok(transaction.commit().await?)
            }

            async fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Summary>, SqlError> {
                let rows: Vec<rows::SummaryRow> = sqlx::query_as(include_str!("sql/list.sql"))
                    .bind(filter.job.map(|job| job.0))
                    .bind(filter.state.map(State::as_str))
                    .bind(filter.code.as_deref())
                    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                    .fetch_all(self.reader())
                    .await?;
                rows.into_iter().map(rows::SummaryRow::read).collect()
            }

            async fn ids_with_prefix(&self, digits: &str, limit: usize) -> Result<Vec<LetterId>, SqlError> {
                let Some((first, last)) = range(digits) else { return Ok(Vec::new()) };
                let ids: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/ids_between.sql"))
                    .bind(first)
                    .bind(last)
                    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                    .fetch_all(self.reader())
                    .await?;
                Ok(ids.into_iter().map(LetterId).collect())
            }

            async fn open_ids(&self) -> Result<Vec<LetterId>, SqlError> {
                let query = sqlx::query_scalar(include_str!("sql/open_ids.sql"));
                let ids: Vec<Uuid> = query.fetch_all(self.reader()).await?;
                Ok(ids.into_iter().map(LetterId).collect())
            }

            async fn summary(&self, id: LetterId) -> Result<Option<Summary>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/letter.sql"));
                let row: Option<rows::SummaryRow> = query.bind(id.0).fetch_optional(self.reader()).await?;
                row.map(rows::SummaryRow::read).transpose()
            }

            async fn record(&self, id: LetterId) -> Result<Option<Record>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/record.sql"));
                let row: Option<rows::RecordRow> = query.bind(id.0).fetch_optional(self.reader()).await?;
                row.map(rows::RecordRow::read).transpose()
            }

            async fn deaths(&self, id: LetterId) -> Result<Vec<Death>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/deaths.sql"));
                let rows: Vec<rows::DeathRow> = query.bind(id.0).fetch_all(self.reader()).await?;
                rows.into_iter().map(rows::DeathRow::read).collect()
            }

            async fn change(
                &self,
                id: LetterId,
                generation: u32,
                change: &Change<'_>,
            ) -> Result<bool, SqlError> {
                let mut transaction = self.begin().await?;
                let changed = sqlx::query(include_str!("sql/set_state.sql"))
                    .bind(id.0)
                    .bind(i64::from(generation))
                    .bind(change.state.as_str())
                    .bind(Timestamp::now().as_millisecond())
                    .bind(change.by)
                    .bind(change.remark)
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                transaction.commit().await?;
                Ok(changed > 0)
            }

            async fn counts(&self, job: Option<JobId>) -> Result<BTreeMap<&'static str, u64>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/counts.sql"));
                let counts: Vec<(String, i64)> =
                    query.bind(job.map(|job| job.0)).fetch_all(self.reader()).await?;
                counts
                    .into_iter()
                    .map(|(state, letters)| {
                        let state: State =
                            state.parse().map_err(|error: String| rows::impossible("state", error))?;
                        Ok((state.as_str(), rows::number("count", letters)?))
                    })
                    .collect()
            }

            async fn dead_tasks(&self, job: JobId) -> Result<Vec<TaskId>, SqlError> {
                let query = sqlx::query_scalar(include_str!("sql/dead_tasks.sql"));
                let tasks: Vec<Uuid> = query.bind(job.0).fetch_all(self.reader()).await?;
                Ok(tasks.into_iter().map(TaskId).collect())
            }

            async fn close(&self) {
                self.close_all().await;
            }
        }
    };
}

ledger!(SqliteLedger);
#[cfg(feature = "postgres")]
ledger!(PostgresLedger);

/// The first and the last id that begin with these hexadecimal digits (dashes may stand between).
fn range(digits: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = digits.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let filled = |with: char| {
        let rest = std::iter::repeat_n(with, 32 - digits.len());
        Uuid::try_parse(&digits.chars().chain(rest).collect::<String>()).ok()
    };
    Some((filled('0')?, filled('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range_of_ids() {
        let (first, last) = range("0a1b").unwrap();
        assert_eq!(first.to_string(), "0a1b0000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0a1bffff-ffff-ffff-ffff-ffffffffffff");
        let whole = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
        assert_eq!(
            range(whole).map(|(first, last)| (first.to_string(), first == last)),
            Some((whole.into(), true))
        );
        for bad in ["", "xyz", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f90", "é"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }
}
