//! Questions, for both databases by one body of code: only the types of pool and row differ.

#[cfg(feature = "postgres")]
use super::databases::PostgresLedger;
use super::{Group, Query, ReadLedger, databases::SqliteLedger, rows};
use crate::{
    filter::{Bind, Field, Filter, Sql, range},
    letter::{Death, LetterId, Summary, moment},
    state::{Event, State},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, types::Uuid};
use std::collections::BTreeMap;
use trawl_shared::{
    message::Record,
    model::{JobId, TaskId},
    sql::SqlError,
};

/// A statement with its values. Its text is ours: columns come from [`Field`], and whatever people wrote is bound.
macro_rules! bound {
    ($query:path, $sql:expr) => {{
        let Sql { text, binds, .. } = $sql;
        let mut query = $query(AssertSqlSafe(text));
        for bind in binds {
            query = match bind {
                Bind::Text(text) => query.bind(text),
                Bind::Id(id) => query.bind(id),
                Bind::Int(number) => query.bind(number),
            };
        }
        query
    }};
}

macro_rules! questions {
    ($database:ty) => {
        #[async_trait]
        impl ReadLedger for $database {
            async fn list(&self, query: &Query) -> Result<Vec<Summary>, SqlError> {
                let mut sql = Sql::new(Self::DIALECT, include_str!("sql/list.sql"));
                sql.filtered(&query.filter, Timestamp::now());
                let (column, sortable) = (query.sort.column, sql.sortable(query.sort));
                // The younger a death, the smaller its age.
                let descends = query.descending != (query.sort.name == "age");
                let way = if descends { "DESC" } else { "ASC" };
                sql.push(&format!(" ORDER BY {column} IS NULL, {sortable} {way}, seq {way} LIMIT "));
                sql.bind(Bind::Int(whole(query.limit))).push(" OFFSET ").bind(Bind::Int(whole(query.offset)));
                let rows: Vec<rows::SummaryRow> =
                    bound!(sqlx::query_as, sql).fetch_all(self.reader()).await?;
                rows.into_iter().map(rows::SummaryRow::read).collect()
            }

            async fn count(&self, filter: &Filter) -> Result<u64, SqlError> {
                let mut sql = Sql::new(Self::DIALECT, "SELECT count(*) FROM letters");
                sql.filtered(filter, Timestamp::now());
                rows::number("count", bound!(sqlx::query_scalar, sql).fetch_one(self.reader()).await?)
            }

            async fn groups(
                &self,
                filter: &Filter,
                by: &[Field],
                limit: usize,
            ) -> Result<Vec<Group>, SqlError> {
                let columns: String = by.iter().map(|field| format!("{}, ", field.column)).collect();
                let mut sql = Sql::new(Self::DIALECT, "SELECT ");
                sql.push(&columns).push("count(*), min(died_at), max(died_at) FROM letters");
                sql.filtered(filter, Timestamp::now());
                if let Some(columns) = columns.strip_suffix(", ") {
                    sql.push(&format!(" GROUP BY {columns}"));
                }
                let order: String = by
                    .iter()
                    .map(|field| format!(", {} IS NULL, {}", field.column, sql.sortable(*field)))
                    .collect();
                sql.push(&format!(" HAVING count(*) > 0 ORDER BY count(*) DESC{order} LIMIT "));
                sql.bind(Bind::Int(whole(limit)));
                let found = bound!(sqlx::query, sql).fetch_all(self.reader()).await?;
                let read = |row: &_| -> Result<Group, SqlError> {
                    let mut key = Vec::with_capacity(by.len());
                    for (at, field) in by.iter().enumerate() {
                        key.push(if field.kind == crate::filter::field::Kind::Id {
                            value::<_, Option<Uuid>>(row, at)?.map(|id| id.to_string())
                        } else {
                            value::<_, Option<String>>(row, at)?
                        });
                    }
                    Ok(Group {
                        key,
                        letters: rows::number("count", value(row, by.len())?)?,
                        oldest: moment(value(row, by.len() + 1)?),
                        newest: moment(value(row, by.len() + 2)?),
                    })
                };
                found.iter().map(read).collect()
            }

            async fn timeline(
                &self,
                filter: &Filter,
                from: Timestamp,
                step_ms: i64,
            ) -> Result<BTreeMap<i64, u64>, SqlError> {
                let mut sql = Sql::new(Self::DIALECT, "SELECT (died_at - ");
                sql.bind(Bind::Int(from.as_millisecond())).push(") / ").bind(Bind::Int(step_ms.max(1)));
                sql.push(" AS step, count(*) FROM letters").filtered(filter, Timestamp::now());
                sql.push(" AND died_at >= ").bind(Bind::Int(from.as_millisecond())).push(" GROUP BY step");
                let steps: Vec<(i64, i64)> = bound!(sqlx::query_as, sql).fetch_all(self.reader()).await?;
                steps.into_iter().map(|(step, letters)| Ok((step, rows::number("count", letters)?))).collect()
            }

            async fn ids(
                &self,
                filter: &Filter,
                after: i64,
                limit: usize,
            ) -> Result<Vec<(i64, LetterId)>, SqlError> {
                let mut sql = Sql::new(Self::DIALECT, "SELECT seq, id FROM letters");
                sql.filtered(filter, Timestamp::now()).push(" AND seq > ").bind(Bind::Int(after));
                sql.push(" ORDER BY seq LIMIT ").bind(Bind::Int(whole(limit)));
                let ids: Vec<(i64, Uuid)> = bound!(sqlx::query_as, sql).fetch_all(self.reader()).await?;
                Ok(ids.into_iter().map(|(seq, id)| (seq, LetterId(id))).collect())
            }

            async fn ids_with_prefix(&self, digits: &str, limit: usize) -> Result<Vec<LetterId>, SqlError> {
                let Some((first, last)) = range(digits) else { return Ok(Vec::new()) };
                let ids: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/ids_between.sql"))
                    .bind(first)
                    .bind(last)
                    .bind(whole(limit))
                    .fetch_all(self.reader())
                    .await?;
                Ok(ids.into_iter().map(LetterId).collect())
            }

            async fn summary(&self, id: LetterId) -> Result<Option<Summary>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/letter.sql"));
                let row: Option<rows::SummaryRow> = query.bind(id.0).fetch_optional(self.reader()).await?;
                row.map(rows::SummaryRow::read).transpose()
            }

            async fn outcomes(&self, ids: &[LetterId]) -> Result<Vec<Option<(State, u32)>>, SqlError> {
                let mut outcomes = Vec::with_capacity(ids.len());
                for id in ids {
                    let query = sqlx::query_as(include_str!("sql/outcomes.sql"));
                    let row: Option<(String, i64)> = query.bind(id.0).fetch_optional(self.reader()).await?;
                    let read = |(state, generation): (String, i64)| {
                        Ok::<_, SqlError>((rows::state(&state)?, rows::number("generation", generation)?))
                    };
                    outcomes.push(row.map(read).transpose()?);
                }
                Ok(outcomes)
            }

            async fn record(&self, id: LetterId) -> Result<Option<Record>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/record.sql"));
                let row: Option<rows::RecordRow> = query.bind(id.0).fetch_optional(self.reader()).await?;
                row.map(rows::RecordRow::read).transpose()
            }

            async fn original(&self, id: LetterId) -> Result<Option<Record>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/original.sql"));
                let row: Option<rows::RecordRow> = query.bind(id.0).fetch_optional(self.reader()).await?;
                row.map(rows::RecordRow::read).transpose()
            }

            async fn deaths(&self, id: LetterId) -> Result<Vec<Death>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/deaths.sql"));
                let rows: Vec<rows::DeathRow> = query.bind(id.0).fetch_all(self.reader()).await?;
                rows.into_iter().map(rows::DeathRow::read).collect()
            }

            async fn events(&self, id: LetterId) -> Result<Vec<Event>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/events.sql"));
                let rows: Vec<rows::EventRow> = query.bind(id.0).fetch_all(self.reader()).await?;
                rows.into_iter().map(rows::EventRow::read).collect()
            }

            async fn counts(&self, job: Option<JobId>) -> Result<BTreeMap<&'static str, u64>, SqlError> {
                let query = sqlx::query_as(include_str!("sql/counts.sql"));
                let counts: Vec<(String, i64)> =
                    query.bind(job.map(|job| job.0)).fetch_all(self.reader()).await?;
                counts
                    .into_iter()
                    .map(|(state, letters)| {
                        Ok((rows::state(&state)?.as_str(), rows::number("count", letters)?))
                    })
                    .collect()
            }

            async fn replayed(&self) -> Result<(u64, u64), SqlError> {
                let query = sqlx::query_as(include_str!("sql/replayed.sql"));
                let (resolved, back): (i64, i64) = query.fetch_one(self.reader()).await?;
                Ok((rows::number("resolved", resolved)?, rows::number("back", back)?))
            }

            async fn dead_tasks(&self, job: JobId) -> Result<Vec<TaskId>, SqlError> {
                let query = sqlx::query_scalar(include_str!("sql/dead_tasks.sql"));
                let tasks: Vec<Uuid> = query.bind(job.0).fetch_all(self.reader()).await?;
                Ok(tasks.into_iter().map(TaskId).collect())
            }
        }
    };
}

questions!(SqliteLedger);
#[cfg(feature = "postgres")]
questions!(PostgresLedger);

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A value of a row by its place.
fn value<'r, R: sqlx::Row, T>(row: &'r R, at: usize) -> Result<T, SqlError>
where
    usize: sqlx::ColumnIndex<R>,
    T: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    Ok(row.try_get(at)?)
}
