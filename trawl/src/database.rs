//! Which database a verb reads: that of an embedded crawl, or that of a fleet as the services are told of it.

use std::path::Path;

use trawl_shared::{
    cli::CliError,
    config::{self, ConfigArgs},
    sql::DatabaseUrl,
};

/// The variables that say where a fleet's database is, and the password apart.
const OF_DATABASES: &str = "TRAWL_DATABASE_";

/// The fleet's database where a URL is given, else the files in a folder.
pub(crate) fn database(url: Option<&str>, data: &Path) -> Result<DatabaseUrl, CliError> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(OF_DATABASES));
    let Some(url) = url else { return Ok(DatabaseUrl::sqlite(data)) };
    let args = ConfigArgs { database_url: Some(url.to_owned()), ..ConfigArgs::default() };
    // Whose settings are read does not matter: the database is what all services have in common.
    let config = config::load::<trawl_url_manager::Settings>(&args, variables)?;
    Ok(config.common.database.url.parse::<DatabaseUrl>()?)
}
