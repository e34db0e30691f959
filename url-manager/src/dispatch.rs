//! The frontier's second half: a loop that gives due URLs out as tasks.
//!
//! Claim, then publish: the lease is durable before the task can be seen, so no other dispatcher gives
//! the same URL out. What can't be published is released at once; what is lost in between (a crash, a
//! broker that took the record and said nothing) comes back when its lease ends. A task that is
//! published twice has the same id both times.

use crate::{error::FrontierError, frontier::Frontier};
use futures_util::{FutureExt, future::join_all};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{Producer, SendError, send},
    message::{Topic, TraceContext},
    model::{FetchTask, Origin},
    runtime::{encode_root_in, messaging},
    telemetry::{
        Component, Traces,
        traces::{Operation, Span},
    },
};

/// How often ended leases and pages to be fetched again are looked for.
const LEASE_CHECK_MS: i64 = 1_000;
/// The wait after a round that failed.
const BACKOFF: Duration = Duration::from_secs(1);

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Tasks that the broker took.
    pub published: usize,
}

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The frontier.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// The broker can't be worked with any more.
    #[error("the broker takes no tasks: {0}")]
    Broker(#[from] SendError),
}

/// Gives due URLs out.
pub struct Dispatcher {
    frontier: Arc<Frontier>,
    producer: Arc<dyn Producer>,
    traces: Traces,
    leases_checked_at: AtomicI64,
}

impl Dispatcher {
    /// A dispatcher that publishes through `producer`.
    #[must_use]
    pub fn new(frontier: Arc<Frontier>, producer: Arc<dyn Producer>) -> Self {
        Self { frontier, producer, traces: Traces::default(), leases_checked_at: AtomicI64::new(0) }
    }

    /// Lets `traces` decide which pages are traced, and begin their traces.
    #[must_use]
    pub fn traced(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    /// Runs rounds until `shutdown`: when feedback came in, and every now and then. What hinders it
    /// shows in `health`.
    ///
    /// # Errors
    /// When the broker can't be worked with any more; everything else is waited for.
    pub async fn run(&self, health: &Component, shutdown: CancellationToken) -> Result<(), DispatchError> {
        let settings = &self.frontier.settings;
        let (poll, settle) =
            (Duration::from_millis(settings.poll_ms), Duration::from_millis(settings.settle_ms));
        let mut hindered = false;
        while !shutdown.is_cancelled() {
            let pause = match self.round().await {
                Ok(round) => {
                    health.ready();
                    hindered = false;
                    if round.published >= settings.batch as usize {
                        self.frontier.wake();
                    }
                    None
                }
                Err(DispatchError::Broker(error)) if error.stops_the_process() => return Err(error.into()),
                Err(error) => {
                    health.not_ready(error.to_string());
                    if !hindered {
                        tracing::warn!("dispatch waits: {error}");
                    }
                    hindered = true;
                    Some(BACKOFF)
                }
            };
            let next = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => tokio::select! {
                        () = self.frontier.woken() => tokio::time::sleep(settle).await,
                        () = tokio::time::sleep(poll) => {}
                    },
                }
            };
            tokio::select! {
                () = next => {}
                () = shutdown.cancelled() => {}
            }
        }
        Ok(())
    }

    /// One round: ended leases, used-up budgets and finished jobs, then what is due.
    ///
    /// # Errors
    /// When the database fails, or the broker for good.
    pub async fn round(&self) -> Result<Round, DispatchError> {
        self.frontier.keep_shards().await?;
        let now = self.frontier.now();
        let checks = now - self.leases_checked_at.load(Ordering::Relaxed) >= LEASE_CHECK_MS;
        if checks {
            self.frontier.requeue_leased(now).await?;
            self.leases_checked_at.store(now, Ordering::Relaxed);
        }
        let mut running = self.frontier.running().await?;
        if checks && self.frontier.revisit(&running).await? {
            running = self.frontier.running().await?;
        }
        if self.frontier.tend(&running).await? {
            self.frontier.wake();
        }
        let tasks = self.frontier.retrying(|| self.frontier.claim(&running).boxed()).await?;
        self.publish(tasks).await
    }

    async fn publish(&self, tasks: Vec<FetchTask>) -> Result<Round, DispatchError> {
        let sends = tasks.iter().map(|task| async {
            let (origin, began) = (&task.origin, SystemTime::now());
            let crawl = self.frontier.job(origin.job).await.ok().flatten();
            let trace = self.traces.begin(origin.task.0, crawl.as_ref().map(|job| job.spec.name.as_str()));
            let record = encode_root_in(task, origin.job, "/url-manager/dispatch".into(), trace);
            let record = record.map_err(|error| SendError::Fatal(error.to_string()))?;
            send(&*self.producer, record).await?;
            if self.traces.wants(trace) {
                self.traces.record(first_span(origin, trace, began));
            }
            Ok::<(), SendError>(())
        });
        let sent = join_all(sends).await;
        let mut failure = None;
        let mut unsent = Vec::new();
        for (task, sent) in tasks.iter().zip(sent) {
            if let Err(error) = sent {
                unsent.push((task.origin.job, task.origin.url.clone()));
                failure = Some(error);
            }
        }
        self.frontier.meters.dispatched(tasks.len() - unsent.len());
        let Some(failure) = failure else { return Ok(Round { published: tasks.len() }) };
        self.frontier.release(&unsent).await?;
        Err(failure.into())
    }
}

/// A page's trace begins where its task is given out.
fn first_span(origin: &Origin, context: TraceContext, began: SystemTime) -> Span {
    let mut attributes = messaging(Operation::Publish, Topic::ScrapingTasks);
    attributes.extend([
        ("messaging.message.id", origin.task.0.to_string().into()),
        ("url.full", origin.url.as_str().into()),
        ("trawl.crawl", origin.job.to_string().into()),
        ("trawl.depth", i64::from(origin.depth).into()),
    ]);
    Span {
        context,
        parent: None,
        operation: Operation::Publish,
        topic: Topic::ScrapingTasks.name(),
        began,
        ended: SystemTime::now(),
        attributes,
        links: Vec::new(),
        error: None,
    }
}
