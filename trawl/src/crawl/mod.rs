//! `trawl crawl`: opens the stores, runs the five services over the in-process bus, shows progress,
//! reports, and leaves in order. What a kill interrupts, `--resume` goes on with.

mod args;
mod lock;
mod plan;
mod progress;
mod report;
mod watch;

pub use args::{CrawlArgs, ScopeArg};

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
use trawl_storage::{
    StoreHandler,
    sink::{OutputSpec, Outputs, Target},
};
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
pub async fn run(args: CrawlArgs) -> Result<(), CliError> {
    let log = if args.quiet || !args.json_progress { "error" } else { "warn" };
    let telemetry = TelemetrySettings { log: log.to_owned(), ..TelemetrySettings::default() };
    init_logs(&telemetry).map_err(anyhow::Error::msg).or_exit(Exit::Config)?;
    let output = args.out.clone().map(Output::new).transpose()?;
    let _lock = lock::lock(&args.data)?;
    let scraper = scraper_settings(&args);
    let dispatch = plan::frontier_settings(&args);
    let stores = Stores::open(&DatabaseUrl::sqlite(&args.data), Missing::Create, dispatch).await?;
    let result = crawl(&args, &stores, output, &scraper).await;
    stores.close().await;
    result
}

/// Where rows go.
struct Output {
    target: Target,
    format: trawl_storage::sink::Format,
}

impl Output {
    fn new(target: Target) -> Result<Self, CliError> {
        let format = target.format().or_exit(Exit::Usage)?;
        Ok(Self { target, format })
    }
}

async fn crawl(
    args: &CrawlArgs,
    stores: &Stores,
    output: Option<Output>,
    scraper: &trawl_scraper::Settings,
) -> Result<(), CliError> {
    let plan = Plan::make(args, stores).await?;
    let mut outputs = Vec::new();
    if let Some(Output { target, format }) = output {
        outputs.push(OutputSpec { target, format, job: Some(plan.job) });
    }
    let outputs = Outputs::open(&*stores.pages, outputs, plan.output_mode()).await.or_exit(Exit::Output)?;
    let (handler, trouble) = StoreHandler::with_outputs(Arc::clone(&stores.pages), outputs);
    let bytes = handler.tally();
    let (memory, bus) = embedded::bus().await?;

    let services = embedded::services(stores, handler, scraper)?;
    let stop = CancellationToken::new();
    let running = embedded::start(services, &bus, &stop).await?;
    let failed = watch_services(running, stop.clone());
    let mut progress = Progress::new(args.quiet, args.json_progress);
    let watch = watch::Watch { stores, plan: &plan, memory: &memory, bytes, trouble };
    let (ended, last) = watch.until_end(&mut progress, shutdown_on_signal(), &failed).await?;
    progress.finish();
    stop.cancel();
    let drained = failed.join().await;
    let ended = match (ended, drained) {
        (Ended::Done, Err(error)) => return Err(error.into()),
        (ended, _) => ended,
    };
    report::report(args, stores, &plan, &last, &ended).await
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
