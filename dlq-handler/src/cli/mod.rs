//! The command line: `run`, `list`, `show`, `replay`, `discard`.

mod change;
mod list;
mod show;

pub use change::{DiscardArgs, ReplayArgs};
pub use list::{Layout, ListArgs};
pub use show::ShowArgs;

use crate::{
    letter::LetterId,
    settings::Settings,
    store::{self, Ledger},
};
use clap::{Parser, Subcommand};
use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    config::{self, Config, ConfigArgs},
    sql::{DatabaseUrl, Missing},
    telemetry::init_logs,
};

/// Dead letters: why messages were given up, and sending them again.
#[derive(Debug, Parser)]
#[command(name = "dlq-handler", version)]
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
    /// Enter what dead-letter brings into the ledger until stopped by a signal
    #[cfg(feature = "kafka")]
    Run,
    /// List letters, last death first
    List(ListArgs),
    /// Show all that is known of one letter
    Show(ShowArgs),
    /// Send letters again to the service that gave them up
    #[cfg(feature = "kafka")]
    Replay(ReplayArgs),
    /// Mark letters as done with; nothing is deleted
    Discard(DiscardArgs),
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
        let mut out = io::stdout();
        match self.command {
            #[cfg(feature = "kafka")]
            Command::Run => run(&config).await,
            Command::List(args) => {
                let layout = if out.is_terminal() { Layout::Table } else { Layout::Tsv };
                args.run(&*open(&config, Missing::Fail).await?, layout, &mut out).await
            }
            Command::Show(args) => args.run(&*open(&config, Missing::Fail).await?, &mut out).await,
            #[cfg(feature = "kafka")]
            Command::Replay(args) => {
                use trawl_shared::broker::{Broker as _, kafka::Kafka};
                let ledger = open(&config, Missing::Fail).await?;
                let kafka = Kafka::connect(config.common.kafka.clone())?;
                args.run(&*ledger, &*kafka.producer(), &mut out).await
            }
            Command::Discard(args) => args.run(&*open(&config, Missing::Fail).await?, &mut out).await,
            Command::Health => trawl_shared::cli::health(&config.common.telemetry, &mut out).await,
        }
    }
}

async fn open(config: &Config<Settings>, missing: Missing) -> Result<Arc<dyn Ledger>, CliError> {
    let url: DatabaseUrl = config.common.database.url.parse().or_exit(Exit::Config)?;
    Ok(store::open(&url, missing).await?)
}

#[cfg(feature = "kafka")]
async fn run(config: &Config<Settings>) -> Result<(), CliError> {
    use trawl_shared::{
        broker::kafka::Kafka,
        cli::{run_on_kafka, shutdown_on_signal},
        runtime::Bus,
    };
    let shutdown = shutdown_on_signal();
    let ledger = open(config, Missing::Create).await?;
    let service = crate::service(&ledger, &config.service);
    let bus = Bus::new(Arc::new(Kafka::connect(config.common.kafka.clone())?));
    let ended = run_on_kafka(service, bus, config, shutdown).await;
    ledger.close().await;
    ended
}

/// The letters that were named, by whole ids or by their first digits.
async fn named(ledger: &dyn Ledger, names: &[String]) -> Result<Vec<LetterId>, CliError> {
    /// Enough to show that there are several.
    const CANDIDATES: usize = 4;
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match ledger.ids_with_prefix(name, CANDIDATES).await?[..] {
            [] => return Err(CliError::new(Exit::NotFound, anyhow::anyhow!("there is no letter {name:?}"))),
            [id] => ids.push(id),
            ref several => {
                let several: Vec<String> = several.iter().map(LetterId::to_string).collect();
                let error = anyhow::anyhow!(
                    "several letters begin with {name:?}, give more digits: {}",
                    several.join(", ")
                );
                return Err(CliError::new(Exit::NotFound, error));
            }
        }
    }
    Ok(ids)
}

/// Who changes a letter from the command line.
fn operator() -> String {
    std::env::var("USER").map_or_else(|_| "command line".to_owned(), |user| format!("{user} (command line)"))
}
