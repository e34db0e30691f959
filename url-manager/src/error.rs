//! What can go wrong in the frontier.

use crate::store::met_another_writer;
use std::time::Duration;
use trawl_shared::{
    runtime::Failure,
    sql::{RETRY_AFTER, SqlError},
};

/// The frontier could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum FrontierError {
    /// The database.
    #[error(transparent)]
    Sql(SqlError),
    /// Another url-manager wrote the same rows first, again and again.
    #[error("the frontier's tables are contended: another url-manager keeps writing the same rows")]
    Contended,
    /// A job that this frontier does not have.
    #[error("there is no job {0} in this frontier (see `url-manager status`)")]
    NoSuchJob(String),
    /// A row that this program can't make sense of.
    #[error("the frontier's tables hold {0}; a newer program may have written it")]
    Unreadable(String),
}

/// How often a transaction is tried that meets another writer.
pub(crate) const TRIES: usize = 10;

impl FrontierError {
    /// Whether the same transaction would pass if it were tried again.
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self, Self::Contended)
    }
}

impl From<SqlError> for FrontierError {
    fn from(error: SqlError) -> Self {
        if met_another_writer(&error) { Self::Contended } else { Self::Sql(error) }
    }
}

/// Nothing but a row that the database refuses is a message's fault.
impl From<FrontierError> for Failure {
    fn from(error: FrontierError) -> Self {
        match error {
            FrontierError::Sql(error) => error.into(),
            FrontierError::Contended => Self::later(Duration::from_millis(100), error.to_string()),
            error => Self::later(RETRY_AFTER, error.to_string()),
        }
    }
}
