//! `trawl crawl`: opens the stores, runs the five services over the in-process bus, shows progress,
//! reports, and leaves in order. What a kill interrupts, `--resume` goes on with.

mod args;
pub(crate) mod lock;
mod plan;
mod progress;
mod report;
mod watch;

pub use args::CrawlArgs;

use crate::embedded::{self, Stores};
use plan::Plan;
use progress::Progress;
use serde::Serialize;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    cli::{CliError, Exit, OrExit, shutdown_on_signal},
    runtime::{RunError, Running},
    sql::{DatabaseUrl, Missing},
    telemetry::{TelemetrySettings, init_logs},
};
use trawl_storage::{Outlet, Outlets, row::Rows, sink::WriteFailure};
use watch::Ended;

/// What is known of a crawl at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Pages stored.
    pub pages: u64,
    /// URLs that wait.
    pub queued: u64,
    /// URLs that are being fetched.
    pub in_flight: u64,
    /// Hosts met.
    pub hosts: u64,
    /// URLs that ended as dead letters.
    pub errors: u64,
    /// Bytes of body received.
    pub bytes: u64,
    /// Pages to store at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
}

/// Runs a crawl to its end, or to Ctrl-C.
///
/// # Errors
/// What went wrong, with its exit code; what was done is kept.
pub async fn run(mut args: CrawlArgs) -> Result<(), CliError> {
    let staging = args.data.join("staging");
    args.out = args.out.into_iter().map(|target| target.staged_in(&staging)).collect();
    let log = if args.quiet || !args.json_progress { "error" } else { "warn" };
    let telemetry = TelemetrySettings { log: log.to_owned(), ..TelemetrySettings::default() };
    init_logs(&telemetry).map_err(anyhow::Error::msg).or_exit(Exit::Config)?;
    // From here on a signal is heard; a crawl that is still being set up stops as one that runs.
    let interrupted = shutdown_on_signal();
    check_names(&args)?;
    let _lock = lock::lock(&args.data)?;
    let scraper = scraper_settings(&args);
    let dispatch = plan::frontier_settings(&args);
    let stores = Stores::open(&DatabaseUrl::sqlite(&args.data), Missing::Create, dispatch).await?;
    let result = crawl(&args, &stores, &scraper, interrupted).await;
    stores.close().await;
    result
}

/// A name that tells no format is said before anything is opened.
fn check_names(args: &CrawlArgs) -> Result<(), CliError> {
    for (at, target) in args.out.iter().enumerate() {
        target.format().or_exit(Exit::Usage)?;
        target.check().or_exit(Exit::Config)?;
        if args.out[..at].contains(target) {
            return Err(CliError::new(Exit::Usage, anyhow::anyhow!("--out {target} is given twice")));
        }
    }
    Ok(())
}

/// The files of a crawl: they hold its job alone.
fn outlets(args: &CrawlArgs, plan: &Plan) -> Result<Vec<Outlet>, CliError> {
    // Who gives rules wants what they make.
    let rows = args.rows.unwrap_or(if plan.makes_items { Rows::Items } else { Rows::Pages });
    args.out
        .iter()
        .map(|target| Outlet::named(target, rows, None, Some(plan.job)).or_exit(Exit::Usage))
        .collect()
}

async fn crawl(
    args: &CrawlArgs,
    stores: &Stores,
    scraper: &trawl_scraper::Settings,
    interrupted: CancellationToken,
) -> Result<(), CliError> {
    let plan = Plan::make(args, stores).await?;
    let outlets = outlets(args, &plan)?;
    let outlets = Outlets::open(&*stores.pages, outlets, plan.output_mode()).await.or_exit(Exit::Output)?;
    let bodies = embedded::bodies(&args.data);
    let outlets = outlets.with_bodies(bodies.clone());
    let (handler, archive) = outlets.handlers(&stores.pages);
    let (bytes, trouble) = (handler.tally(), outlets.trouble());
    let archives = archive.is_some();
    let (memory, bus) = embedded::bus().await?;

    let services = embedded::services(stores, handler, archive, scraper, &bodies)?;
    let stop = CancellationToken::new();
    let running = embedded::start(services, &bus, &stop).await?;
    let failed = watch_services(running, stop.clone());
    let mut progress = Progress::new(args.quiet, args.json_progress);
    let watch = watch::Watch { stores, plan: &plan, memory: &memory, bytes, trouble, archives };
    let watched = watch.until_end(&mut progress, interrupted, &failed).await;
    progress.finish();
    // Whatever ended the watch: stores are closed only when nobody works with them any more.
    stop.cancel();
    let drained = failed.join().await;
    let (ended, last) = watched?;
    let ended = match (ended, drained) {
        (Ended::Done, Err(error)) => return Err(error.into()),
        (Ended::Done, Ok(())) => complete(args, &outlets, stores).await?,
        (ended, _) => ended,
    };
    report::report(args, stores, &plan, &last, &ended).await
}

/// Gives the files their names; until here nothing that looks whole is not.
async fn complete(args: &CrawlArgs, outlets: &Outlets, stores: &Stores) -> Result<Ended, CliError> {
    embedded::forget_bodies(stores, &args.data).await?;
    match outlets.complete(&*stores.pages).await {
        Ok(_) => Ok(Ended::Done),
        Err(WriteFailure::Output(error)) => Ok(Ended::Output(Arc::new(error))),
        Err(error) => Err(CliError::new(Exit::Database, error)),
    }
}

/// The services, watched: when one fails the others stop and `failed` says so.
pub(crate) struct Watched {
    task: tokio::task::JoinHandle<Result<(), RunError>>,
    failed: CancellationToken,
}

impl Watched {
    /// Resolves when a service could not go on.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    async fn join(self) -> Result<(), RunError> {
        self.task.await.unwrap_or_else(|panic| Err(RunError::Background(panic.into())))
    }
}

fn watch_services(running: Vec<Running>, stop: CancellationToken) -> Watched {
    let failed = CancellationToken::new();
    let tell = failed.clone();
    let task = tokio::spawn(async move {
        let mut services: tokio::task::JoinSet<_> = running.into_iter().map(Running::wait).collect();
        let mut first = Ok(());
        while let Some(ended) = services.join_next().await {
            let ended = ended.unwrap_or_else(|panic| Err(RunError::Background(panic.into())));
            if ended.is_err() {
                stop.cancel();
                tell.cancel();
                if first.is_ok() {
                    first = ended;
                }
            }
        }
        first
    });
    Watched { task, failed }
}

fn scraper_settings(args: &CrawlArgs) -> trawl_scraper::Settings {
    trawl_scraper::Settings {
        concurrency: usize::from(args.concurrency),
        resolve: args.resolve.clone(),
        ..trawl_scraper::Settings::default()
    }
}
