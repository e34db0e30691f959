//! PostgreSQL: one database for all services, one schema each.

use super::{DatabaseUrl, SqlError, describe};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// How long to wait for the first connection before the database counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection later on; then its messages are held and it asks again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a pool whose connections see `schema` first, makes the schema where it is missing, and brings
/// its tables up to date.
///
/// # Errors
/// When the server can't be reached, refuses the user, or the tables are not what the migrations
/// expect.
pub async fn open_postgres(
    url: &str,
    schema: &'static str,
    connections: u32,
    migrations: &Migrator,
) -> Result<PgPool, SqlError> {
    let database = DatabaseUrl::Postgres(url.to_owned()).to_string();
    let open_error = |reason: String| SqlError::Open { database: database.clone(), reason };
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| open_error(error.to_string()))?
        .application_name(&format!("trawl-{schema}"))
        // Notices tell of tables that are there already, at every start.
        .options([("search_path", schema), ("client_min_messages", "warning")])
        .disable_statement_logging();

    // One connection by hand first: a pool hides why it could not connect.
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options));
    let mut connection = match connecting.await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(open_error(with_hint(&error))),
        Err(_) => return Err(open_error(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
    };
    create_schema(&mut connection, schema).await.map_err(|error| open_error(describe(&error)))?;
    let migrated = migrations.run(&mut connection).await;
    // The connection has done its work; what closing it says changes nothing.
    let _ = connection.close().await;
    migrated.map_err(|error| SqlError::Migrate { database: database.clone(), reason: error.to_string() })?;

    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options))
}

/// `IF NOT EXISTS` asks for the right to create even where the schema exists, and two services that
/// start together can still collide in it; hence the look before, and the second look after.
async fn create_schema(connection: &mut PgConnection, schema: &'static str) -> Result<(), sqlx::Error> {
    if schema_exists(connection, schema).await? {
        return Ok(());
    }
    let statement = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    match sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await {
        Ok(_) => Ok(()),
        Err(_) if schema_exists(connection, schema).await? => Ok(()),
        Err(error) => Err(error),
    }
}

async fn schema_exists(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL").bind(schema).fetch_one(connection).await
}

fn with_hint(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(_) => format!("{} (is the server running, and is the URL right?)", describe(error)),
        error => describe(error),
    }
}
