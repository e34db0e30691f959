//! The command line: `scraper run`, and a verb for each step that people may want to see alone.

mod charset;
mod dry_run;
mod fetch;
mod report;
mod robots;
mod sitemap;

pub use charset::CharsetArgs;
pub use dry_run::Verdict;
pub use fetch::FetchCommand;
pub use report::{AnswerReport, FetchReport, Timings};
pub use robots::RobotsArgs;
pub use sitemap::SitemapArgs;

use crate::settings::Settings;
use clap::{Parser, Subcommand};
use std::io;
use trawl_shared::{
    cli::{CliError, Exit},
    config::{self, Config, ConfigArgs},
    telemetry::init_logs,
};

/// The fetcher: turns tasks into pages.
#[derive(Debug, Parser)]
#[command(name = "scraper", version)]
pub struct Cli {
    /// Where settings come from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch what scraping-tasks names until stopped by a signal
    #[cfg(feature = "kafka")]
    Run,
    /// Fetch pages and print them as JSON
    Fetch(Box<FetchCommand>),
    /// Ask robots.txt files whether URLs may be fetched
    Robots(RobotsArgs),
    /// Print the entries of a sitemap or feed as JSON lines
    Sitemap(SitemapArgs),
    /// Find out what bodies are encoded in
    Charset(CharsetArgs),
    /// Ask the service of this machine whether it is ready
    Health,
}

impl Cli {
    /// Reads the settings and does what was asked for.
    ///
    /// # Errors
    /// With the exit code that belongs to what went wrong.
    pub async fn run(self) -> Result<(), CliError> {
        // A variable that is not text is not ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let config: Config<Settings> = config::load(&self.config, environment)?;
        if self.config.print_config {
            print!("{}", config.print());
            return Ok(());
        }
        init_logs(&config.common.telemetry)
            .map_err(|why| CliError::new(Exit::Config, anyhow::anyhow!(why)))?;
        match self.command {
            #[cfg(feature = "kafka")]
            Command::Run => run(&config).await,
            Command::Fetch(command) => command.run(&config.service, io::stdin(), &mut io::stdout()).await,
            Command::Robots(args) => args.run(io::stdin(), &mut io::stdout()),
            Command::Sitemap(args) => args.run(io::stdin(), &mut io::stdout()),
            Command::Charset(args) => args.run(io::stdin(), &mut io::stdout()),
            Command::Health => trawl_shared::cli::health(&config.common.telemetry, &mut io::stdout()).await,
        }
    }
}

#[cfg(feature = "kafka")]
async fn run(config: &Config<Settings>) -> Result<(), CliError> {
    use std::sync::Arc;
    use trawl_shared::{
        blob::Bodies,
        broker::kafka::Kafka,
        cli::{OrExit as _, run_on_kafka, shutdown_on_signal},
        runtime::Bus,
    };
    let shutdown = shutdown_on_signal();
    let bodies = Bodies::open(&config.common.bodies).or_exit(Exit::Config)?;
    let service = crate::service(&config.service, bodies).or_exit(Exit::Failed)?;
    let bus = Bus::new(Arc::new(Kafka::connect(config.common.kafka.clone())?));
    run_on_kafka(service, bus, config, shutdown).await
}
