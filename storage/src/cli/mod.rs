//! The command line: `storage run`, `storage export`, `storage duplicates`.

mod duplicates;
mod export;

pub use duplicates::DuplicatesArgs;
pub use export::ExportArgs;

#[cfg(feature = "kafka")]
use crate::{
    outlets::Outlets,
    sink::{OutputMode, WriteFailure},
};
use crate::{
    settings::Settings,
    store::{self, PageStore},
};
use clap::{Parser, Subcommand};
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    config::{self, Config, ConfigArgs},
    model::JobId,
    sql::{DatabaseUrl, Missing},
    telemetry::init_logs,
};

/// The store: keeps what became of each page.
#[derive(Debug, Parser)]
#[command(name = "storage", version)]
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
    /// Store what parsed-data brings until stopped by a signal
    #[cfg(feature = "kafka")]
    Run,
    /// Write out what is stored: pages, links, items, archives
    Export(ExportArgs),
    /// List pages that say the same, or nearly
    Duplicates(DuplicatesArgs),
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
            Command::Export(args) => {
                let store = open(&config, Missing::Fail).await?;
                let mut meter = Meter::new();
                let rows = args.run(&*store, &mut io::stdout(), |rows| meter.tell(rows)).await;
                meter.end();
                store.close().await;
                rows.map(drop)
            }
            Command::Duplicates(args) => {
                let store = open(&config, Missing::Fail).await?;
                let done = args.run(&*store, &mut io::stdout(), &mut io::stderr()).await;
                store.close().await;
                done
            }
            Command::Health => trawl_shared::cli::health(&config.common.telemetry, &mut io::stdout()).await,
        }
    }
}

/// The job of that name, where one is named.
async fn job_named(store: &dyn PageStore, name: Option<&str>) -> Result<Option<JobId>, CliError> {
    let Some(name) = name else { return Ok(None) };
    match store.job_named(name).await? {
        Some(job) => Ok(Some(job)),
        None => Err(CliError::new(
            Exit::NotFound,
            anyhow::anyhow!(
                "no page of a job called {name:?} is stored (a job is known here once its first page is)"
            ),
        )),
    }
}

async fn open(config: &Config<Settings>, missing: Missing) -> Result<Arc<dyn PageStore>, CliError> {
    let url: DatabaseUrl = config.common.database.url.parse().or_exit(Exit::Config)?;
    Ok(store::open(&url, missing).await?)
}

#[cfg(feature = "kafka")]
async fn run(config: &Config<Settings>) -> Result<(), CliError> {
    use trawl_shared::{
        blob::Bodies,
        broker::kafka::Kafka,
        cli::{run_on_kafka, shutdown_on_signal},
        runtime::Bus,
    };
    let shutdown = shutdown_on_signal();
    let store = open(config, Missing::Create).await?;
    let outlets = config.service.outlets().or_exit(Exit::Config)?;
    let bodies = Bodies::open(&config.common.bodies).or_exit(Exit::Config)?;
    let outlets = Outlets::open(&*store, outlets, OutputMode::Resume).await.or_exit(Exit::Output)?;
    let outlets = outlets.with_bodies(bodies);
    let (rows, archive) = outlets.handlers(&store);
    let service = crate::service(rows, archive, &config.service);
    let bus = Bus::new(Arc::new(Kafka::connect(config.common.kafka.clone())?));
    let ended = tokio::select! {
        ended = run_on_kafka(service, bus, config, shutdown) => ended,
        failed = rotate(&*store, &outlets) => failed,
    };
    store.close().await;
    ended
}

/// Looks again and again whether a file should end; returns when one can't.
#[cfg(feature = "kafka")]
async fn rotate(store: &dyn PageStore, outlets: &Outlets) -> Result<(), CliError> {
    if outlets.is_empty() {
        return std::future::pending().await;
    }
    let mut trouble = outlets.trouble();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            told = trouble.wait_for(Option::is_some) => {
                let error = told.ok().and_then(|error| error.clone());
                let why = error.map_or_else(|| "an output failed".to_owned(), |error| error.to_string());
                return Err(CliError::new(Exit::Output, anyhow::anyhow!(why)));
            }
        }
        match outlets.rotate(store).await {
            // The store comes back; the handler waits for it as well.
            Ok(()) | Err(WriteFailure::Store(_)) => {}
            Err(error) => return Err(CliError::new(Exit::Output, error)),
        }
    }
}

/// How often the age of files is looked at.
#[cfg(feature = "kafka")]
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often a person wants to hear of progress.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Rows so far on standard error, where that is a terminal.
struct Meter {
    shown: bool,
    began: Instant,
    told: Instant,
}

impl Meter {
    fn new() -> Self {
        let now = Instant::now();
        Self { shown: io::stderr().is_terminal(), began: now, told: now }
    }

    fn tell(&mut self, rows: u64) {
        if self.shown && self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            // A terminal that is gone is nobody's loss.
            let _ = write!(io::stderr(), "\r{rows} rows in {} s", self.began.elapsed().as_secs());
        }
    }

    /// Leaves the line to what comes next.
    fn end(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
