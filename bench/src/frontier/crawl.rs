//! A crawl without a web: tasks that the frontier gives out are answered with drawn pages.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use trawl_shared::broker::{Confirmation, Partition, Position, Producer, SendError};
use trawl_shared::message::{Delivery, Envelope, Input as _, Message as _, Record, Topic};
use trawl_shared::model::{FetchTask, JobId, Outcome, ParsedPage, TaskEnded, code};
use trawl_shared::runtime::{BatchHandler as _, Context, encode_root};
use trawl_shared::sql::{DatabaseUrl, Missing};
use trawl_url_manager::{Dispatcher, EndedTask, FeedbackHandler, Frontier, JobSpec, ScopeKind, Settings};

use super::site::{LINKS, NEW, Sites};
use crate::gauge::{Moment, Spent};

/// How often `status` is asked.
const LOOKS: usize = 21;

/// A broker that keeps the tasks for us.
#[derive(Debug, Default)]
struct Taken(Mutex<Vec<Record>>);

#[async_trait::async_trait]
impl Producer for Taken {
    fn enqueue(&self, record: Record) -> Result<Confirmation, (SendError, Record)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        let partition = Partition { topic: Topic::ScrapingTasks, number: 0 };
        Ok(Box::pin(std::future::ready(Ok(Position { partition, offset: 0 }))))
    }
    async fn flush(&self, _: Duration) -> Result<(), SendError> {
        Ok(())
    }
}

/// What a run of pages cost the frontier.
#[derive(Debug, Default)]
pub(super) struct Cost {
    pub(super) pages: u64,
    pub(super) links: u64,
    pub(super) offering: Spent,
    pub(super) dispatch: Spent,
}

/// The crawl.
pub(super) struct Crawl {
    frontier: Arc<Frontier>,
    dispatcher: Dispatcher,
    feedback: FeedbackHandler,
    taken: Arc<Taken>,
    sites: Sites,
    job: JobId,
}

impl Crawl {
    /// Opens an empty frontier and gives it the first page of every host.
    pub(super) async fn start(place: &DatabaseUrl, hosts: u32) -> anyhow::Result<Self> {
        let frontier = Frontier::open(place, Missing::Create, Settings::default()).await?;
        let sites = Sites::new(hosts);
        let spec = JobSpec { scope: ScopeKind::Any, delay_ms: Some(0), ..JobSpec::default() };
        let roots = sites.roots().map(|url| url.parse()).collect::<Result<Vec<_>, _>>()?;
        let seeded = frontier.seed(&spec, &roots).await?;
        ensure!(
            seeded.created,
            "there is a crawl in {place} already; the measurement needs an empty database"
        );
        let taken = Arc::new(Taken::default());
        let dispatcher = Dispatcher::new(Arc::clone(&frontier), Arc::clone(&taken) as Arc<dyn Producer>);
        let feedback = FeedbackHandler::new(Arc::clone(&frontier));
        Ok(Self { frontier, dispatcher, feedback, taken, sites, job: seeded.job })
    }

    /// Goes on with pages whose links are all new until there are so many URLs; answers how long that took.
    pub(super) async fn fill(&mut self, urls: u64) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while self.sites.found() < urls {
            self.round(LINKS, &mut Cost::default()).await?;
        }
        Ok(began.elapsed())
    }

    /// Goes on for at least so many pages of which most links are known.
    pub(super) async fn pages(&mut self, pages: u32) -> anyhow::Result<Cost> {
        let mut cost = Cost::default();
        while cost.pages < u64::from(pages) {
            self.round(NEW, &mut cost).await?;
        }
        Ok(cost)
    }

    /// One round of dispatch, and a page for each of its tasks.
    async fn round(&mut self, new: u64, cost: &mut Cost) -> anyhow::Result<()> {
        let began = Moment::now();
        self.dispatcher.round().await?;
        began.spend(&mut cost.dispatch);
        let records = std::mem::take(&mut *self.taken.0.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(!records.is_empty(), "the frontier gives nothing out");
        let mut facts = Vec::with_capacity(records.len());
        for record in records {
            let task = FetchTask::decode(record.payload)?;
            let links = self.sites.links(task.origin.url.as_str(), new)?;
            cost.links += links.len() as u64;
            let page = ParsedPage { links, ..ParsedPage::default() };
            let ended = TaskEnded {
                page: Some(Box::new(page)),
                status: Some(200),
                ..TaskEnded::without_page(task.origin, Outcome::Stored, code::OK)
            };
            facts.push(encode_root(&ended, ended.origin.job, "/bench".into())?);
        }
        cost.pages += facts.len() as u64;
        let began = Moment::now();
        let facts = facts.into_iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let answers = self.feedback.handle(facts).await.map_err(|failure| anyhow!("{failure:?}"))?;
        began.spend(&mut cost.offering);
        answers.into_iter().try_for_each(|answer| answer.map_err(|failure| anyhow!("{failure:?}")))
    }

    /// URLs in the frontier, as it says.
    pub(super) async fn urls(&self) -> anyhow::Result<u64> {
        Ok(self.frontier.status(self.job).await?.urls())
    }

    /// How long it takes to ask how the job stands: the median of some times, in milliseconds.
    pub(super) async fn status_ms(&self) -> anyhow::Result<f64> {
        let mut times = Vec::with_capacity(LOOKS);
        for _ in 0..LOOKS {
            let began = Instant::now();
            self.frontier.status(self.job).await?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        Ok(times[LOOKS / 2].as_secs_f64() * 1e3)
    }

    /// The size of the database.
    pub(super) async fn database_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.frontier.database_bytes().await?)
    }

    /// Closes the database.
    pub(super) async fn stop(self) {
        self.frontier.close().await;
    }
}

/// A record as the runtime hands it to the frontier.
fn read(record: Record) -> anyhow::Result<(EndedTask, Context)> {
    let envelope = Envelope::read(&record)?;
    let (timestamp, headers) = (envelope.time, record.headers.clone());
    let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 0, timestamp };
    let ended = EndedTask::read(&delivery, &envelope)?;
    let partition = Partition { topic: Topic::ParsedData, number: 0 };
    let worker = "bench".into();
    let context =
        Context { envelope, key: None, headers, partition, offset: 0, high_watermark: 0, timestamp, worker };
    Ok((ended, context))
}
