//! Changes, for both databases by one body of code: each is one transaction.

#[cfg(feature = "postgres")]
use super::databases::PostgresLedger;
use super::{Change, Ledger, Resolution, databases::SqliteLedger, rows};
use crate::{
    letter::{Letter, LetterId},
    state::State,
    transfer::Moved,
};
use async_trait::async_trait;
use jiff::Timestamp;
use trawl_shared::sql::SqlError;

/// A death's row; answers 1 where it is new.
macro_rules! insert_death {
    ($transaction:expr, $id:expr, $death:expr) => {{
        let (id, death) = ($id, $death);
        let inserted = sqlx::query(include_str!("sql/insert_death.sql"))
            .bind(id.0)
            .bind(i64::from(death.generation))
            .bind(death.source.topic.name())
            .bind(i64::from(death.source.partition))
            .bind(death.source.offset)
            .bind(death.time.map(|time| time.as_millisecond()))
            .bind(&death.service)
            .bind(&death.instance)
            .bind(&death.version)
            .bind(&death.stage)
            .bind(&death.code)
            .bind(&death.class)
            .bind(&death.error)
            .bind(rows::to_json(&death.causes))
            .bind(i64::from(death.attempts))
            .bind(death.failed_at.as_millisecond())
            .bind(rows::to_json(&death.history))
            .bind(death.edited.as_deref())
            .execute(&mut *$transaction)
            .await?;
        inserted.rows_affected()
    }};
}

/// A letter's row; answers 1 where it is new, or was of an earlier generation.
macro_rules! upsert_letter {
    ($transaction:expr, $summary:expr, $record:expr) => {{
        let (summary, record) = ($summary, $record);
        let upserted = sqlx::query(include_str!("sql/upsert_letter.sql"))
            .bind(summary.id.0)
            .bind(summary.message.0)
            .bind(&summary.group)
            .bind(summary.state.as_str())
            .bind(i64::from(summary.generation))
            .bind(summary.job.map(|job| job.0))
            .bind(summary.task.map(|task| task.0))
            .bind(summary.url.as_deref())
            .bind(summary.host.as_deref())
            .bind(summary.kind.as_deref())
            .bind(summary.causation.map(|message| message.0))
            .bind(summary.trace.as_deref())
            .bind(&summary.topic)
            .bind(&summary.service)
            .bind(&summary.instance)
            .bind(&summary.version)
            .bind(&summary.stage)
            .bind(&summary.code)
            .bind(&summary.class)
            .bind(&summary.error)
            .bind(i64::from(summary.attempts))
            .bind(summary.first_died_at)
            .bind(summary.died_at)
            .bind(summary.changed_at)
            .bind(&summary.changed_by)
            .bind(summary.remark.as_deref())
            .bind(record.key.as_deref())
            .bind(rows::headers_to_text(&record.headers))
            .bind(&record.payload[..])
            .execute(&mut *$transaction)
            .await?;
        upserted.rows_affected()
    }};
}

/// A line of a letter's history.
macro_rules! insert_event {
    ($transaction:expr, $id:expr, $at:expr, $state:expr, $by:expr, $remark:expr, $replays:expr) => {
        sqlx::query(include_str!("sql/insert_event.sql"))
            .bind($id.0)
            .bind($at.as_millisecond())
            .bind($state.as_str())
            .bind($by)
            .bind($remark)
            .bind(i64::from($replays))
            .execute(&mut *$transaction)
            .await?
    };
}

macro_rules! changes {
    ($database:ty) => {
        #[async_trait]
        impl Ledger for $database {
            async fn enter(&self, letters: &[Letter]) -> Result<(), SqlError> {
                let mut transaction = self.begin().await?;
                for Letter { summary, death, record } in letters {
                    let id = summary.id;
                    if insert_death!(transaction, id, death) == 0 {
                        continue;
                    }
                    if death.generation > 0 {
                        sqlx::query(include_str!("sql/keep_edited.sql"))
                            .bind(id.0)
                            .bind(i64::from(death.generation))
                            .bind(&record.payload[..])
                            .execute(&mut *transaction)
                            .await?;
                    }
                    upsert_letter!(transaction, summary, record);
                    let (at, by) = (death.failed_at, &death.instance);
                    insert_event!(transaction, id, at, State::Open, by, None::<&str>, death.generation);
                }
                transaction.commit().await?;
                Ok(())
            }

            async fn resolve(&self, handled: &[Resolution]) -> Result<usize, SqlError> {
                let mut transaction = self.begin().await?;
                let mut closed = 0;
                for Resolution { id, replays, at, by } in handled {
                    let resolved = sqlx::query(include_str!("sql/resolve.sql"))
                        .bind(id.0)
                        .bind(i64::from(*replays))
                        .bind(Timestamp::now().as_millisecond())
                        .bind(by)
                        .execute(&mut *transaction)
                        .await?;
                    if resolved.rows_affected() > 0 {
                        closed += 1;
                        insert_event!(transaction, id, at, State::Resolved, by, None::<&str>, *replays);
                    }
                }
                transaction.commit().await?;
                Ok(closed)
            }

            async fn change(
                &self,
                id: LetterId,
                generation: u32,
                change: &Change<'_>,
            ) -> Result<bool, SqlError> {
                let Change { state, at, by, remark } = change;
                let mut transaction = self.begin().await?;
                let is_current: Option<i32> = sqlx::query_scalar(include_str!("sql/is_of_generation.sql"))
                    .bind(id.0)
                    .bind(i64::from(generation))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if is_current.is_none() {
                    return Ok(false);
                }
                sqlx::query(include_str!("sql/set_state.sql"))
                    .bind(id.0)
                    .bind(i64::from(generation))
                    .bind(state.as_str())
                    .bind(at.as_millisecond())
                    .bind(*by)
                    .bind(*remark)
                    .execute(&mut *transaction)
                    .await?;
                insert_event!(transaction, id, at, state, *by, *remark, generation);
                transaction.commit().await?;
                Ok(true)
            }

            async fn admit(&self, letter: &Moved) -> Result<bool, SqlError> {
                let mut transaction = self.begin().await?;
                let id = letter.summary.id;
                if upsert_letter!(transaction, &letter.summary, &letter.record()) == 0 {
                    return Ok(false);
                }
                for death in &letter.deaths {
                    insert_death!(transaction, id, death);
                }
                for event in &letter.events {
                    let (at, remark) = (event.at, event.remark.as_deref());
                    insert_event!(transaction, id, at, event.state, &event.by, remark, event.replays);
                }
                transaction.commit().await?;
                Ok(true)
            }

            async fn close(&self) {
                self.close_all().await;
            }
        }
    };
}

changes!(SqliteLedger);
#[cfg(feature = "postgres")]
changes!(PostgresLedger);
