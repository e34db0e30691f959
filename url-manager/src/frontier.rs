//! The frontier: a database, and what is remembered of it in memory.
//!
//! Everything in memory is a copy of what was committed, bounded, and may be lost at any moment.

use crate::{
    error::{FrontierError, TRIES},
    growth::Growth,
    jobs::JobCache,
    meters::Meters,
    queues::QueueCache,
    seen::Seen,
    settings::Settings,
    shards::Member,
    store::{self, Database, Input, decode, statements},
    work::Work,
};
use futures_util::future::BoxFuture;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;
use trawl_shared::{
    runtime::Clock,
    sql::{DatabaseUrl, Missing, SqlError},
};

/// The frontier. Handlers, dispatch and commands share one.
pub struct Frontier {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) jobs: JobCache,
    pub(crate) queues: QueueCache,
    pub(crate) meters: Meters,
    /// None where nobody shares the database.
    pub(crate) member: Option<Member>,
    seen: Mutex<Seen>,
    growth: Mutex<Growth>,
    wake: Notify,
    turns: AtomicUsize,
}

impl Frontier {
    /// Opens the frontier in the database that the URL names, and brings its tables up to date.
    ///
    /// # Errors
    /// When it can't be opened, or there is none and `missing` says not to make it.
    pub async fn open(
        url: &DatabaseUrl,
        missing: Missing,
        settings: Settings,
    ) -> Result<Arc<Self>, SqlError> {
        Self::open_with_clock(url, missing, settings, Clock::System).await
    }

    /// As [`Frontier::open`], with slots and leases told by another clock.
    ///
    /// # Errors
    /// As [`Frontier::open`].
    pub async fn open_with_clock(
        url: &DatabaseUrl,
        missing: Missing,
        settings: Settings,
        clock: Clock,
    ) -> Result<Arc<Self>, SqlError> {
        let database = store::open(url, missing).await?;
        let seen = Mutex::new(Seen::new(settings.seen_front));
        let (jobs, queues) = (JobCache::default(), QueueCache::default());
        let member = database.is_shared().then(Member::new);
        Ok(Arc::new(Self {
            database,
            settings,
            clock,
            jobs,
            queues,
            meters: Meters::default(),
            member,
            seen,
            growth: Mutex::default(),
            wake: Notify::new(),
            turns: AtomicUsize::new(0),
        }))
    }

    /// Leaves its hosts to the other url-managers and closes the database's connections.
    pub async fn close(&self) {
        if let Err(error) = self.leave_shards().await {
            tracing::warn!("{error}; the shards are free when their lease ends");
        }
        self.database.close().await;
    }

    /// Bytes of the database, its indexes included.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn database_bytes(&self) -> Result<u64, FrontierError> {
        let answers = self.database.ask(&statements::DATABASE_SIZE, Input::default()).await?;
        Ok(decode(&answers)?.first().copied().unwrap_or(0))
    }

    /// Now, in Unix milliseconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// The front of the seen-test. Never held across an await.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the traps count. Never held across an await.
    pub(crate) fn growth(&self) -> MutexGuard<'_, Growth> {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often URLs were given out.
    pub(crate) fn next_turn(&self) -> usize {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// There may be something to dispatch.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Frontier::wake`].
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Starts a transaction.
    pub(crate) async fn begin(&self) -> Result<Work<'_>, FrontierError> {
        Ok(Work::new(self, self.database.begin().await?))
    }

    /// Does a transaction until it meets no other writer.
    pub(crate) async fn retrying<'a, T>(
        &'a self,
        mut transaction: impl FnMut() -> BoxFuture<'a, Result<T, FrontierError>>,
    ) -> Result<T, FrontierError> {
        for _ in 1..TRIES {
            match transaction().await {
                Err(error) if error.is_contention() => {}
                done => return done,
            }
        }
        transaction().await
    }
}

impl std::fmt::Debug for Frontier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frontier").field("settings", &self.settings).finish_non_exhaustive()
    }
}
