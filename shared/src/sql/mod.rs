//! Opening SQLite and PostgreSQL the one way all stores do.
//!
//! A store is given one [`DatabaseUrl`]. In SQLite it has a file of its own, with one writing connection and
//! a few reading ones ([`open_sqlite`]); in PostgreSQL a schema of its own in the shared database
//! ([`open_postgres`]), so that the migration tables of several services do not collide. Both are
//! brought up to date before they are handed out. [`SqlError`] knows which errors are a message's fault
//! and which are the database's.

mod error;
mod schema;
mod sqlite;
mod url;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(all(any(test, feature = "testing"), feature = "postgres"))]
pub mod testing;

#[cfg(test)]
mod tests;

pub use error::{RETRY_AFTER, SqlError, describe};
#[cfg(any(test, feature = "testing"))]
pub use schema::assert_lists_all;
pub use schema::migration;
pub use sqlite::{Missing, SqliteFile, Tuning, open_sqlite, open_sqlite_tuned};
pub use url::DatabaseUrl;

#[cfg(feature = "postgres")]
pub use postgres::open_postgres;
