//! `trawl letters`: the dead letters of an embedded crawl. What sends letters again runs the five services meanwhile.

use crate::{
    crawl::lock,
    embedded::{self, Stores},
};
use clap::Subcommand;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use trawl_dlq_handler::{
    cli::{LedgerCommand, ReplayArgs},
    store,
    web::{self, Access, Desk},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit, shutdown_on_signal},
    config::TopicsSection,
    model::Secret,
    runtime::{Bus, Running},
    sql::{DatabaseUrl, Missing},
    telemetry::{TelemetrySettings, init_logs},
};
use trawl_storage::StoreHandler;

/// How long a replay is waited for where nothing else is said: this process is the one that handles it.
const LONGEST: Duration = Duration::from_secs(600);

/// The dead letters of an embedded crawl: why messages were given up, and sending them again.
#[derive(Debug, clap::Args)]
pub struct LettersArgs {
    /// Data folder of the crawl
    #[arg(long, value_name = "DIR", default_value = "trawl-data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What needs nothing but the ledger.
    #[command(flatten)]
    Ledger(LedgerCommand),
    /// Send letters again, and run the services until it is known what became of them. Crawls of the folder that are not
    /// done go on meanwhile; what replays store is in the folder, not in files that were complete
    Replay(ReplayArgs),
    /// Serve the page and REST, with the services running for what is sent again
    Page {
        /// Where; on loopback, because there is no token
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
        listen: String,
    },
}

/// Does what was asked for.
///
/// # Errors
/// With the exit code that belongs to what went wrong.
pub async fn run(args: LettersArgs) -> Result<(), CliError> {
    let telemetry = TelemetrySettings { log: "error".to_owned(), ..TelemetrySettings::default() };
    init_logs(&telemetry).map_err(anyhow::Error::msg).or_exit(Exit::Config)?;
    let url = DatabaseUrl::sqlite(&args.data);
    let command = match args.command {
        Command::Ledger(command) => {
            let ledger = store::open(&url, command.missing()).await?;
            return command.run(&*ledger, &mut io::stdout()).await;
        }
        command => command,
    };
    let _lock = lock::lock(&args.data)?;
    let stores = Stores::open(&url, Missing::Fail, trawl_url_manager::Settings::default()).await?;
    let ended = with_services(&stores, command, &args.data).await;
    stores.close().await;
    ended
}

async fn with_services(stores: &Stores, command: Command, data: &Path) -> Result<(), CliError> {
    let (interrupted, stop) = (shutdown_on_signal(), CancellationToken::new());
    let (_, bus) = embedded::bus().await?;
    let pages = StoreHandler::new(Arc::clone(&stores.pages));
    let services = embedded::services(
        stores,
        pages,
        None,
        &trawl_scraper::Settings::default(),
        &embedded::bodies(data),
    )?;
    let running = embedded::start(services, &bus, &stop).await?;
    let ended = command.run(stores, &bus, &interrupted).await;
    stop.cancel();
    for service in running.into_iter().map(Running::wait) {
        service.await?;
    }
    ended
}

impl Command {
    async fn run(self, stores: &Stores, bus: &Bus, stop: &CancellationToken) -> Result<(), CliError> {
        let retry_partitions = TopicsSection::default().retry.partitions;
        let (ledger, producer) = (Arc::clone(&stores.ledger), bus.broker.producer());
        match self {
            Self::Ledger(command) => command.run(&*ledger, &mut io::stdout()).await,
            Self::Replay(mut args) => {
                // With the end of this process a replay would be lost.
                args.wait = args.wait.max(LONGEST + args.after);
                args.run(&*ledger, async || Ok(producer), retry_partitions, stop, &mut io::stdout()).await
            }
            Self::Page { listen } => {
                let desk = Desk { ledger, producer, retry_partitions };
                let access = Access::new(&Secret::default());
                let address = web::serve(&listen, access, desk, stop.clone()).await.or_exit(Exit::Config)?;
                println!("dead letters on http://{address}/ (Ctrl-C ends it)");
                stop.cancelled().await;
                Ok(())
            }
        }
    }
}
