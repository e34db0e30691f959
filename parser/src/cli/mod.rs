//! The command line: `parser run`, `parser parse` and `parser test`.

mod parse;
mod rules_file;
mod test;
mod with;

pub use parse::{Layout, ParseArgs};
pub use test::TestArgs;
pub use with::Part;

use crate::settings::Settings;
use clap::{Parser, Subcommand};
use std::io::{self, IsTerminal as _};
use trawl_shared::{
    cli::{CliError, Exit},
    config::{self, Config, ConfigArgs},
    telemetry::init_logs,
};

/// Extraction: page in, facts out.
#[derive(Debug, Parser)]
#[command(name = "parser", version)]
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
    /// Parse what scraped-data brings until stopped by a signal
    #[cfg(feature = "kafka")]
    Run,
    /// Parse a page, or a stream of pages, and print all that it says as JSON
    Parse(ParseArgs),
    /// Hold a rules file to pages whose items are known, and show what differs
    Test(TestArgs),
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
            Command::Parse(args) => {
                let layout = if io::stdout().is_terminal() { Layout::Indented } else { Layout::Line };
                args.run(&config.service, layout, &mut io::stdout())
            }
            Command::Test(args) => args.run(&config.service, &mut io::stdout()),
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
    let bus = Bus::new(Arc::new(Kafka::connect(config.common.kafka.clone())?));
    let bodies = Bodies::open(&config.common.bodies).or_exit(Exit::Config)?;
    run_on_kafka(crate::service(&config.service, bodies), bus, config, shutdown).await
}
