//! The five services put together, once: for `trawl crawl` and for the topology.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    blob::{Blobs, Bodies, BodiesSettings},
    broker::memory::{Memory, Retention},
    cli::{CliError, Exit, OrExit},
    config::TopicsSection,
    message::Topic,
    runtime::{Bus, CircuitSettings, Flow, Handler, RetryPolicies, Running, RuntimeSettings, Service},
    sql::{DatabaseUrl, Missing},
};
use trawl_storage::{ArchiveHandler, StoreHandler, store::PageStore};
use trawl_url_manager::Frontier;

/// Bytes of records that one topic may hold before producers wait.
const MAX_TOPIC_BYTES: usize = 8 * 1024 * 1024;

/// The stores of an embedded crawl: three SQLite files in one folder.
pub struct Stores {
    /// URL states.
    pub frontier: Arc<Frontier>,
    /// Rows.
    pub pages: Arc<dyn PageStore>,
    /// Dead letters.
    pub ledger: Arc<dyn trawl_dlq_handler::store::Ledger>,
}

impl Stores {
    /// Opens the stores that the URL names.
    ///
    /// # Errors
    /// When one can't be opened.
    pub async fn open(
        url: &DatabaseUrl,
        missing: Missing,
        frontier: trawl_url_manager::Settings,
    ) -> Result<Self, CliError> {
        Ok(Self {
            frontier: Frontier::open(url, missing, frontier).await?,
            pages: trawl_storage::store::open(url, missing).await?,
            ledger: trawl_dlq_handler::store::open(url, missing).await?,
        })
    }

    /// Closes them: SQLite's logs are folded into the files.
    pub async fn close(&self) {
        self.frontier.close().await;
        self.pages.close().await;
        self.ledger.close().await;
    }
}

/// Where bodies go that are too large for the in-process bus: a folder in that of the crawl.
#[must_use]
pub fn bodies(data: &Path) -> Bodies {
    Bodies::of(Blobs::in_folder(&bodies_folder(data)), BodiesSettings::default().above_bytes)
}

fn bodies_folder(data: &Path) -> PathBuf {
    data.join("bodies")
}

/// Removes the bodies of a crawl that is done: the bus is empty, so only a dead letter could ask for one.
///
/// # Errors
/// When the ledger can't be asked, or the folder can't be removed.
pub async fn forget_bodies(stores: &Stores, data: &Path) -> Result<(), CliError> {
    if stores.ledger.counts(None).await?.values().any(|letters| *letters > 0) {
        return Ok(());
    }
    match std::fs::remove_dir_all(bodies_folder(data)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).or_exit(Exit::Output),
        _ => Ok(()),
    }
}

/// The services over the stores, in the order they must start: readers before writers, so that no
/// message of the in-process bus is missed.
///
/// # Errors
/// When the HTTP client can't be set up.
pub fn services(
    stores: &Stores,
    pages: StoreHandler,
    archive: Option<ArchiveHandler>,
    scraper: &trawl_scraper::Settings,
    bodies: &Bodies,
) -> Result<Vec<Service>, CliError> {
    Ok(vec![
        trawl_storage::service(pages, archive, &trawl_storage::Settings::default()),
        trawl_dlq_handler::service(&stores.ledger, &trawl_dlq_handler::Settings::default()),
        trawl_parser::service(&trawl_parser::Settings::default(), bodies.clone()),
        trawl_scraper::service(scraper, bodies.clone()).or_exit(Exit::Failed)?,
        trawl_url_manager::service(&stores.frontier),
    ])
}

/// What flows through the five services.
///
/// # Errors
/// When they can't be put together.
pub async fn flows(scratch: &Path) -> Result<Vec<Flow>, CliError> {
    let stores =
        Stores::open(&DatabaseUrl::sqlite(scratch), Missing::Create, trawl_url_manager::Settings::default())
            .await?;
    let pages = StoreHandler::new(Arc::clone(&stores.pages));
    let services = services(&stores, pages, None, &trawl_scraper::Settings::default(), &Bodies::default())?;
    let mut flows: Vec<Flow> = services.iter().flat_map(Service::flows).collect();
    stores.close().await;
    flows.sort_by_key(|flow| flow.input.map_or(Topic::ScrapingTasks, |(topic, _)| topic));
    Ok(flows)
}

/// An in-process bus with the five topics.
///
/// # Errors
/// Never in practice: the in-process broker takes any topic.
pub async fn bus() -> Result<(Memory, Bus), CliError> {
    let memory = Memory::new(Retention::UntilConsumed { max_topic_bytes: MAX_TOPIC_BYTES });
    // One process needs no partitions to share work by; only `retry` keeps its delay tiers.
    let retry = TopicsSection::default().retry.partitions;
    memory.make_topics(|topic| if topic == Topic::Retry { retry } else { 1 });
    Ok((memory.clone(), Bus::new(Arc::new(memory))))
}

/// How the loops run in one process: commits are what frees memory, so they come often.
#[must_use]
pub fn runtime_settings() -> RuntimeSettings {
    RuntimeSettings {
        retry: RetryPolicies::default(),
        commit_every: 32,
        commit_interval: Duration::from_millis(100),
        drain_timeout: Duration::from_secs(5),
        // What a service of one machine may miss is room on its disk: trying costs nothing, and someone waits at a terminal.
        circuit: CircuitSettings { max_pause_ms: 15_000, ..CircuitSettings::default() },
        instance: "embedded".to_owned(),
        ..RuntimeSettings::default()
    }
}

/// Starts the services in order.
///
/// # Errors
/// When one can't start.
pub async fn start(
    services: Vec<Service>,
    bus: &Bus,
    shutdown: &CancellationToken,
) -> Result<Vec<Running>, CliError> {
    let mut running = Vec::with_capacity(services.len());
    for service in services {
        let mut settings = runtime_settings();
        if service.name() == <trawl_scraper::FetchHandler as Handler>::NAME {
            // All services stop at once, so what the scraper still fetched would reach nobody: a site is not asked for that.
            settings.drain_timeout = Duration::ZERO;
        }
        running.push(service.start(bus.clone(), settings, shutdown.clone()).await?);
    }
    Ok(running)
}
