//! Exit codes: one meaning each, listed in `docs/exit-codes.md`.

use crate::{broker::BrokerError, config::ConfigError, runtime::RunError, telemetry::ListenError};
use std::fmt;

/// Why a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is done.
    Ok = 0,
    /// It failed, for a reason without a code of its own.
    Failed = 1,
    /// The command line can't be read (clap's own code).
    Usage = 2,
    /// The configuration can't be used.
    Config = 3,
    /// Some input lines were bad; the good ones went in.
    BadInput = 4,
    /// The broker can't be reached or worked with.
    Broker = 5,
    /// The database can't be reached, or refused.
    Database = 6,
    /// Output could not be written.
    Output = 7,
    /// There is no such job, URL or letter.
    NotFound = 8,
    /// Stopped by a signal, in order; a crawl can be resumed.
    Interrupted = 130,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Config,
        Self::BadInput,
        Self::Broker,
        Self::Database,
        Self::Output,
        Self::NotFound,
        Self::Interrupted,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// An error that knows its exit code.
#[derive(Debug)]
pub struct CliError {
    /// The code.
    pub exit: Exit,
    /// What went wrong; nothing is printed when there is nothing to add.
    pub error: Option<anyhow::Error>,
}

impl CliError {
    /// An error with its code.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: Some(error.into()) }
    }

    /// A code that needs no words: what there is to say was said.
    #[must_use]
    pub const fn silent(exit: Exit) -> Self {
        Self { exit, error: None }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{error:#}"),
            None => write!(f, "exit code {}", self.exit.code()),
        }
    }
}

/// Gives an error its exit code.
pub trait OrExit<T> {
    /// The value, or the error with this code.
    ///
    /// # Errors
    /// When there is no value.
    fn or_exit(self, exit: Exit) -> Result<T, CliError>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, CliError> {
        self.map_err(|error| CliError::new(exit, error))
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Config, error)
    }
}

impl From<ListenError> for CliError {
    fn from(error: ListenError) -> Self {
        Self::new(Exit::Config, error)
    }
}

impl From<BrokerError> for CliError {
    fn from(error: BrokerError) -> Self {
        let exit = if matches!(error, BrokerError::Settings(_)) { Exit::Config } else { Exit::Broker };
        Self::new(exit, error)
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Broker(error) => error.into(),
            RunError::Send(error) => Self::new(Exit::Broker, error),
            RunError::Background(error) => Self::new(Exit::Failed, error),
        }
    }
}

#[cfg(feature = "sql")]
impl From<crate::sql::SqlError> for CliError {
    fn from(error: crate::sql::SqlError) -> Self {
        Self::new(Exit::Database, error)
    }
}
