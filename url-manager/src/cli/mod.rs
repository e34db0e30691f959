//! The command line: `url-manager run`, `seed`, `jobs`, `status`, `explain`, `canonicalize` and `health`.

mod canonicalize;
mod explain;
mod job;
mod jobs;
mod seed;
mod status;

pub use canonicalize::CanonicalizeArgs;
pub use explain::ExplainArgs;
pub use job::{BudgetArgs, ExtractArgs, Given, JobArgs, RecrawlArgs, ScopeArgs, TrapArgs};
pub use jobs::{JobsArgs, JobsVerb};
pub use seed::SeedArgs;
pub use status::StatusArgs;

use crate::{FrontierError, frontier::Frontier, settings::Settings};
use clap::{Parser, Subcommand};
use std::{io, sync::Arc};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    config::{self, Config, ConfigArgs},
    sql::{DatabaseUrl, Missing},
    telemetry::init_logs,
};

/// The frontier: which URL next, and what became of each.
#[derive(Debug, Parser)]
#[command(name = "url-manager", version)]
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
    /// Give out URLs and take feedback until stopped by a signal
    #[cfg(feature = "kafka")]
    Run,
    /// Start a job, or give one more seeds; needs the database only
    Seed(Box<SeedArgs>),
    /// Show jobs, and pause, resume, stop, delete or change them while they run
    Jobs(JobsArgs),
    /// Show how jobs stand
    Status(StatusArgs),
    /// Show all that is recorded of a URL
    Explain(ExplainArgs),
    /// Show what URLs become: resolved, canonical, host key, registrable domain
    Canonicalize(CanonicalizeArgs),
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
            Command::Seed(args) => {
                let frontier = open(&config, Missing::Create).await?;
                let done = args.run(&frontier, &mut io::stdout(), &mut io::stderr()).await;
                frontier.close().await;
                done
            }
            Command::Jobs(args) => {
                let frontier = open(&config, Missing::Fail).await?;
                let done = args.run(&frontier, &mut io::stdout()).await;
                frontier.close().await;
                done
            }
            Command::Status(args) => {
                let frontier = open(&config, Missing::Fail).await?;
                let done = args.run(&frontier, &mut io::stdout()).await;
                frontier.close().await;
                done
            }
            Command::Explain(args) => {
                let frontier = open(&config, Missing::Fail).await?;
                let done = args.run(&frontier, &mut io::stdout()).await;
                frontier.close().await;
                done
            }
            Command::Canonicalize(args) => args.run(io::stdin(), &mut io::stdout()),
            Command::Health => trawl_shared::cli::health(&config.common.telemetry, &mut io::stdout()).await,
        }
    }
}

async fn open(config: &Config<Settings>, missing: Missing) -> Result<Arc<Frontier>, CliError> {
    let url: DatabaseUrl = config.common.database.url.parse().or_exit(Exit::Config)?;
    Ok(Frontier::open(&url, missing, config.service.clone()).await?)
}

#[cfg(feature = "kafka")]
async fn run(config: &Config<Settings>) -> Result<(), CliError> {
    use trawl_shared::{
        broker::kafka::Kafka,
        cli::{run_on_kafka, shutdown_on_signal},
        runtime::Bus,
    };
    let shutdown = shutdown_on_signal();
    let frontier = open(config, Missing::Create).await?;
    let bus = Bus::new(Arc::new(Kafka::connect(config.common.kafka.clone())?));
    let ended = run_on_kafka(crate::service(&frontier), bus, config, shutdown).await;
    frontier.close().await;
    ended
}

impl From<FrontierError> for CliError {
    fn from(error: FrontierError) -> Self {
        let exit = match &error {
            FrontierError::NoSuchJob(_) => Exit::NotFound,
            FrontierError::Sql(_) | FrontierError::Contended | FrontierError::Unreadable(_) => Exit::Database,
        };
        Self::new(exit, error)
    }
}

/// Output that can't be written.
fn output(error: io::Error) -> CliError {
    CliError::new(Exit::Output, error)
}
