//! The flags that every command with a configuration has.

use std::path::PathBuf;

/// Where settings come from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML); see trawl.example.toml for every setting
    #[arg(long, env = "TRAWL_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Set one setting, such as --set scraper.concurrency=32 (repeatable)
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = assignment)]
    pub set: Vec<String>,
    /// Database: sqlite://PATH or postgres://USER@HOST/NAME (setting database.url)
    #[arg(long, value_name = "URL", global = true)]
    pub database_url: Option<String>,
    /// Kafka brokers, HOST:PORT[,HOST:PORT...] (setting kafka.brokers)
    #[arg(long, value_name = "LIST", global = true)]
    pub brokers: Option<String>,
    /// Print the effective settings, secrets redacted, and exit
    #[arg(long, global = true)]
    pub print_config: bool,
}

fn assignment(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((key, _)) if !key.is_empty() => Ok(text.to_owned()),
        _ => Err("expected KEY=VALUE, such as scraper.concurrency=32".to_owned()),
    }
}

impl ConfigArgs {
    /// Keys and values set by flags, in order.
    pub(super) fn assignments(&self) -> Vec<(String, String)> {
        let named = [("database.url", &self.database_url), ("kafka.brokers", &self.brokers)];
        let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        let set = self
            .set
            .iter()
            .filter_map(|text| text.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        set.chain(named).collect()
    }
}
