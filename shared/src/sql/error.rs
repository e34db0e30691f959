//! What can go wrong with a database, in terms of what to do about it.

use crate::runtime::{Failure, FailureClass};
use std::time::Duration;

/// How long a service holds its messages before it asks a database in trouble again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A store could not be opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The setting is no database URL.
    #[error(
        "database URL {url:?} can't be read: {reason} (expected sqlite://FOLDER or postgres://USER:PASSWORD@HOST:PORT/NAME)"
    )]
    Url {
        /// The URL, its password hidden.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The program was built without the driver.
    #[error(
        "this program was built without PostgreSQL (build it with --features postgres, or use sqlite://FOLDER)"
    )]
    NoPostgres,
    /// There is no such database.
    #[error("there is no database at {0}")]
    Missing(String),
    /// The database can't be reached, or refuses the user.
    #[error("database {database} can't be opened: {reason}")]
    Open {
        /// The URL, its password hidden.
        database: String,
        /// What the driver says, and what to look at.
        reason: String,
    },
    /// The tables are not what this program can work with.
    #[error("the tables of database {database} can't be brought up to date: {reason}")]
    Migrate {
        /// The URL, its password hidden.
        database: String,
        /// What the migration says.
        reason: String,
    },
    /// A statement failed.
    #[error("{}", describe(.0))]
    Query(#[from] sqlx::Error),
}

impl SqlError {
    /// Whether the database refuses what a row holds: the same row will never pass, others will.
    /// Everything else is taken for trouble of the database, which passes: a message must not become
    /// a dead letter because a disk is full or a table is locked.
    #[must_use]
    pub fn refuses_content(&self) -> bool {
        match self {
            Self::Query(sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_)) => true,
            Self::Query(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| is_about_content(&code))
            }
            _ => false,
        }
    }
}

/// SQLSTATE has five characters: class 22 is bad data, 23 a broken constraint, 54 a limit of the
/// server. SQLite's extended result codes are decimal numbers whose low byte is the primary code: 18
/// too big, 19 a broken constraint, 20 a type that does not fit.
fn is_about_content(code: &str) -> bool {
    if code.len() == 5 {
        return matches!(&code[..2], "22" | "23" | "54");
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20))
}

/// A driver's error in words for people: without the driver's own preamble.
#[must_use]
pub fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("the database says: {} ({code})", error.message()),
            None => format!("the database says: {}", error.message()),
        },
        sqlx::Error::Io(error) => format!("the connection to the database failed: {error}"),
        sqlx::Error::PoolTimedOut => "no connection to the database could be had in time".to_owned(),
        error => error.to_string(),
    }
}

/// A message's fault is rejected; anything else holds the messages in place until it has passed.
impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        if error.refuses_content() {
            Self::reject(FailureClass::Storage, crate::model::code::STORE_REFUSED, error)
        } else {
            Self::later(RETRY_AFTER, error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_from_outage() {
        for (code, expected) in [
            ("22021", true),  // a character the encoding has not
            ("22P05", true),  // \u0000 in JSON
            ("23514", true),  // check violation
            ("54000", true),  // an index row too large
            ("275", true),    // SQLITE_CONSTRAINT_CHECK
            ("18", true),     // SQLITE_TOOBIG
            ("57P01", false), // the server is stopped
            ("53100", false), // disk full
            ("40001", false), // serialisation failure
            ("42P01", false), // no such table
            ("13", false),    // SQLITE_FULL
            ("5", false),     // SQLITE_BUSY
            ("1", false),     // SQLITE_ERROR
        ] {
            assert_eq!(is_about_content(code), expected, "{code}");
        }
    }

    #[test]
    fn an_outage_costs_no_attempt() {
        assert!(matches!(Failure::from(SqlError::Query(sqlx::Error::PoolTimedOut)), Failure::Later { .. }));
        assert!(matches!(
            Failure::from(SqlError::Query(sqlx::Error::InvalidArgument("x".into()))),
            Failure::Reject(_)
        ));
    }
}
