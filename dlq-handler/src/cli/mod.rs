//! The command line: `run`, and what can be asked of letters and done about them.

mod choose;
mod discard;
mod edit;
pub(crate) mod list;
mod replay;
pub(crate) mod show;
pub(crate) mod stats;
mod table;
mod transfer;
mod watch;

pub use choose::{ChooseArgs, Since, WhereArgs};
pub use discard::DiscardArgs;
pub use list::{Format, ListArgs};
pub use replay::ReplayArgs;
pub use show::ShowArgs;
pub use stats::StatsArgs;
pub use transfer::{ExportArgs, ImportArgs};
pub use watch::WatchArgs;

use crate::{
    settings::Settings,
    store::{self, Ledger},
};
use clap::{Parser, Subcommand};
use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _, shutdown_on_signal},
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
    /// Send letters again to the service that gave them up
    #[cfg(feature = "kafka")]
    Replay(ReplayArgs),
    /// What needs nothing but the ledger.
    #[command(flatten)]
    Ledger(LedgerCommand),
    /// Ask the service of this machine whether it is ready
    Health,
}

/// What can be asked of a ledger, and done to it without a broker.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// List letters, last death first, or count them by what they have in common
    List(ListArgs),
    /// Show all that is known of one letter
    Show(ShowArgs),
    /// Mark letters as done with; nothing is deleted
    Discard(DiscardArgs),
    /// Write letters out with all that is known of them, one JSON object a line
    Export(ExportArgs),
    /// Take in letters that `export` wrote, here or elsewhere
    Import(ImportArgs),
    /// Show the ledger at a glance
    Stats(StatsArgs),
    /// Print each letter as it dies or changes its state, until stopped
    Watch(WatchArgs),
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
            Command::Health => trawl_shared::cli::health(&config.common.telemetry, &mut out).await,
            #[cfg(feature = "kafka")]
            Command::Replay(args) => {
                use trawl_shared::broker::{Broker as _, kafka::Kafka};
                let ledger = open(&config, Missing::Fail).await?;
                let kafka = config.common.kafka.clone();
                let connect = async || Ok(Kafka::connect(kafka)?.producer());
                let partitions = config.common.topics.retry.partitions;
                args.run(&*ledger, connect, partitions, &shutdown_on_signal(), &mut out).await
            }
            Command::Ledger(command) => {
                let ledger = open(&config, command.missing()).await?;
                command.run(&*ledger, &mut out).await
            }
        }
    }
}

impl LedgerCommand {
    /// Whether a ledger is made where there is none.
    #[must_use]
    pub const fn missing(&self) -> Missing {
        if matches!(self, Self::Import(_)) { Missing::Create } else { Missing::Fail }
    }

    /// Does it.
    ///
    /// # Errors
    /// With the exit code that belongs to what went wrong.
    pub async fn run(self, ledger: &dyn Ledger, out: &mut io::Stdout) -> Result<(), CliError> {
        let is_terminal = out.is_terminal();
        match self {
            Self::List(args) => args.run(ledger, is_terminal, out).await,
            Self::Show(args) => args.run(ledger, out).await,
            Self::Discard(args) => args.run(ledger, out).await,
            Self::Export(args) => args.run(ledger, out).await,
            Self::Import(args) => args.run(ledger, out).await,
            Self::Stats(args) => args.run(ledger, is_terminal, out).await,
            Self::Watch(args) => args.run(ledger, is_terminal, &shutdown_on_signal(), out).await,
        }
    }
}

async fn open(config: &Config<Settings>, missing: Missing) -> Result<Arc<dyn Ledger>, CliError> {
    let url: DatabaseUrl = config.common.database.url.parse().or_exit(Exit::Config)?;
    Ok(store::open(&url, missing).await?)
}

#[cfg(feature = "kafka")]
async fn run(config: &Config<Settings>) -> Result<(), CliError> {
    use crate::web::{self, Access, Desk};
    use trawl_shared::{
        broker::{Broker, kafka::Kafka},
        cli::run_on_kafka,
        runtime::Bus,
    };
    let shutdown = shutdown_on_signal();
    let ledger = open(config, Missing::Create).await?;
    let service = crate::service(&ledger, &config.service);
    let kafka = Kafka::connect(config.common.kafka.clone())?;
    let producer = kafka.producer();
    let bus = Bus::new(Arc::new(kafka));
    let Settings { listen, token, .. } = &config.service;
    if !listen.is_empty() {
        let retry_partitions = config.common.topics.retry.partitions;
        let desk = Desk { ledger: Arc::clone(&ledger), producer, retry_partitions };
        let address =
            web::serve(listen, Access::new(token), desk, shutdown.clone()).await.or_exit(Exit::Config)?;
        tracing::info!("dead letters on http://{address}/");
    }
    let ended = run_on_kafka(service, bus, config, shutdown).await;
    ledger.close().await;
    ended
}

/// Who changes a letter from the command line.
fn operator() -> String {
    std::env::var("USER").map_or_else(|_| "command line".to_owned(), |user| format!("{user} (command line)"))
}
