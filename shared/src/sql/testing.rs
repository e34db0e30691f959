//! PostgreSQL for tests: a database of its own for each, so that tests run side by side.

use super::DatabaseUrl;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The environment variable that names the server, by the URL of a user who may create databases.
pub const VARIABLE: &str = "TRAWL_TEST_DATABASE_URL";

/// A database that one test has to itself.
#[derive(Debug)]
pub struct ScratchDatabase {
    server: String,
    name: String,
}

impl ScratchDatabase {
    /// Makes one on the server that [`VARIABLE`] names; `None`, and a line on stderr that says so,
    /// where it is not set.
    ///
    /// # Panics
    /// When the variable is set and the server does not do as it is told.
    pub async fn create() -> Option<Self> {
        let Ok(server) = std::env::var(VARIABLE) else {
            eprintln!("skipped: {VARIABLE} is not set");
            return None;
        };
        let name = format!("trawl_test_{}", uuid::Uuid::now_v7().simple());
        execute(&server, format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await;
        Some(Self { server, name })
    }

    /// Where it is.
    ///
    /// # Panics
    /// When the variable holds no URL.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        let mut url = ::url::Url::parse(&self.server).expect("the variable holds a URL");
        url.set_path(&self.name);
        DatabaseUrl::Postgres(url.into())
    }

    /// Breaks every connection to it, as a restart of the server would.
    pub async fn disconnect_all(&self) {
        let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
        execute(&self.server, format!("{statement}'{}'", self.name)).await;
    }

    /// Drops it, also where connections are still open. A test that panics leaves its database
    /// behind to be looked at.
    pub async fn remove(self) {
        execute(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn execute(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.expect("the test server answers");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("the test server obeys");
    connection.close().await.expect("the connection closes");
}
