//! One transaction on the frontier: rows are loaded, changed by the rules of [`crate::state`], and
//! written back together with the counts that follow from the changes.
//!
//! Locks are taken in one order by all (jobs, rows, queues, counts), so that two url-managers on one
//! PostgreSQL rarely stand in each other's way; where they do, the transaction is done again.

use crate::{
    books::Books,
    error::FrontierError,
    frontier::Frontier,
    job::{Job, JobState},
    jobs::load_job,
    key::UrlKey,
    offer::{Candidate, Harvest},
    queues::ByHost,
    row::UrlRow,
    state::{Offer, UrlState, Verdict},
    store::{Cell, Input, Transaction, decode, statements},
};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};
use trawl_shared::model::{JobId, code};

/// A row in hand.
#[derive(Debug)]
struct Loaded {
    row: UrlRow,
    job: i64,
    was: UrlState,
    /// The code of the rule that kept it out.
    was_code: Option<String>,
    changed: bool,
}

/// What a transaction learnt about hosts.
#[derive(Debug, Default)]
pub(crate) struct HostNews {
    /// What they ask for in robots.txt.
    pub(crate) crawl_delays: BTreeMap<i64, u64>,
    /// Where they answer from.
    pub(crate) addresses: BTreeMap<i64, IpAddr>,
    /// When they may be asked again.
    quiet_until: BTreeMap<i64, i64>,
}

impl HostNews {
    /// No slot of the host is before this, in Unix milliseconds.
    pub(crate) fn quiet(&mut self, host: i64, until: i64) {
        let known = self.quiet_until.entry(host).or_insert(until);
        *known = until.max(*known);
    }

    async fn write(&self, tx: &mut dyn Transaction) -> Result<(), FrontierError> {
        let delays = self.crawl_delays.iter();
        let delays =
            delays.map(|(host, delay)| [Cell::from(*host), i64::try_from(*delay).unwrap_or(i64::MAX).into()]);
        tx.run(&statements::SET_CRAWL_DELAYS, Input::table(delays)).await?;
        let addresses = self.addresses.iter();
        let addresses =
            addresses.map(|(host, address)| [Cell::from(*host), address.to_string().as_str().into()]);
        tx.run(&statements::SET_ADDRESSES, Input::table(addresses)).await?;
        let quiet = self.quiet_until.iter().map(|(host, until)| [Cell::from(*host), (*until).into()]);
        tx.run(&statements::PUSH_HOSTS, Input::table(quiet)).await?;
        Ok(())
    }
}

/// A transaction.
pub(crate) struct Work<'f> {
    pub(crate) frontier: &'f Frontier,
    pub(crate) tx: Box<dyn Transaction>,
    pub(crate) now: i64,
    pub(crate) books: Books,
    /// Queues found or made in this transaction.
    pub(crate) fresh_queues: ByHost,
    /// What is news about hosts.
    pub(crate) hosts: HostNews,
    rows: HashMap<i64, Loaded>,
    /// Failed attempts of URLs, as JSON.
    pub(crate) attempts: Vec<(i64, String)>,
    /// New URLs of shapes that traps count.
    grown: HashMap<u64, u32>,
    jobs: BTreeMap<i64, (Arc<Job>, JobState)>,
}

impl<'f> Work<'f> {
    pub(crate) fn new(frontier: &'f Frontier, tx: Box<dyn Transaction>) -> Self {
        Self {
            frontier,
            tx,
            now: frontier.now(),
            books: Books::default(),
            fresh_queues: ByHost::default(),
            hosts: HostNews::default(),
            rows: HashMap::new(),
            attempts: Vec::new(),
            grown: HashMap::new(),
            jobs: BTreeMap::new(),
        }
    }

    /// Makes sure that these jobs are as the database has them, and stay so to the end of the
    /// transaction. Answers them by id.
    pub(crate) async fn pin_jobs(
        &mut self,
        jobs: impl IntoIterator<Item = Arc<Job>>,
    ) -> Result<HashMap<JobId, Arc<Job>>, FrontierError> {
        let mut pinned: BTreeMap<i64, Arc<Job>> = jobs.into_iter().map(|job| (job.row, job)).collect();
        let rows = pinned.keys().map(|row| [Cell::from(*row)]);
        let versions = self.tx.ask(&statements::JOB_VERSIONS, Input::table(rows)).await?;
        for (row, generation, state) in decode::<(i64, i64, String)>(&versions)? {
            let state = state.parse().map_err(FrontierError::Unreadable)?;
            let Some(job) = pinned.get_mut(&row) else { continue };
            if job.generation != generation {
                *job = load_job(&mut *self.tx, job.id).await?;
            }
            self.jobs.insert(row, (Arc::clone(job), state));
        }
        Ok(pinned.into_values().map(|job| (job.id, job)).collect())
    }

    /// Loads rows by queue and key; answers their ids in the order asked, none where there is no row.
    pub(crate) async fn load(
        &mut self,
        wanted: &[(i64, i64, UrlKey)],
    ) -> Result<Vec<Option<i64>>, FrontierError> {
        // In the order of the index: neighbours are on one page of it.
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_unstable_by_key(|at| (wanted[*at].1, wanted[*at].2));
        let rows = order.iter().map(|at| [(*at).into(), wanted[*at].1.into(), wanted[*at].2.into()]);
        let answers = self.tx.ask(&statements::LOAD_URLS, Input::table(rows)).await?;
        let mut found = vec![None; wanted.len()];
        for (at, row) in decode::<(usize, UrlRow)>(&answers)? {
            found[at] = Some(row.id);
            self.take(wanted[at].0, row);
        }
        Ok(found)
    }

    /// Takes a loaded row in hand; one that is in hand already stays as it was changed.
    pub(crate) fn take(&mut self, job: i64, row: UrlRow) {
        if let Entry::Vacant(free) = self.rows.entry(row.id) {
            let was = row.state;
            let was_code = row.code.clone().filter(|_| was == UrlState::Excluded);
            free.insert(Loaded { row, job, was, was_code, changed: false });
        }
    }

    /// A row in hand.
    pub(crate) fn row(&self, id: i64) -> Option<&UrlRow> {
        self.rows.get(&id).map(|loaded| &loaded.row)
    }

    /// Changes a row in hand; the change answers whether it was one.
    pub(crate) fn change(&mut self, id: i64, change: impl FnOnce(&mut UrlRow) -> bool) -> bool {
        let Some(loaded) = self.rows.get_mut(&id) else { return false };
        let changed = change(&mut loaded.row);
        loaded.changed |= changed;
        changed
    }

    /// Takes a row in hand and changes it.
    pub(crate) fn take_and_change(&mut self, job: i64, row: UrlRow, change: impl FnOnce(&mut UrlRow)) {
        let id = row.id;
        self.take(job, row);
        self.change(id, |row| {
            change(row);
            true
        });
    }

    /// The second half of the seen-test: URLs that are new get rows, others what their new finding
    /// makes of them. Answers how many are new.
    pub(crate) async fn settle(&mut self, harvest: &Harvest) -> Result<u64, FrontierError> {
        let candidates = harvest.candidates();
        if candidates.is_empty() {
            return Ok(0);
        }
        let jobs: Vec<Arc<Job>> = candidates
            .iter()
            .map(|candidate| {
                let pinned = self.jobs.get(&candidate.job).map(|(job, _)| Arc::clone(job));
                pinned.ok_or_else(|| FrontierError::NoSuchJob(candidate.job.to_string()))
            })
            .collect::<Result<_, _>>()?;
        let hosts: Vec<_> =
            jobs.iter().zip(candidates).map(|(job, candidate)| (&**job, &candidate.host)).collect();
        let queues = self.ensure_queues(&hosts).await?;
        let wanted: Vec<_> = candidates
            .iter()
            .zip(&queues)
            .map(|(candidate, queue)| (candidate.job, queue.queue, candidate.key))
            .collect();
        let existing = self.load(&wanted).await?;

        let mut new = Vec::new();
        for (((candidate, job), queue), existing) in candidates.iter().zip(&jobs).zip(&queues).zip(existing) {
            let offer = self.unless_stopped(candidate);
            if let Some(id) = existing {
                self.change(id, |row| row.offer(offer));
                continue;
            }
            let verdict = if offer.verdict == Verdict::Queue {
                self.unless_trapped(job, queue.queue, candidate)
            } else {
                offer.verdict
            };
            let (state, code) = match verdict {
                Verdict::Queue => (UrlState::Queued, None),
                Verdict::Exclude(code) => (UrlState::Excluded, Some(code)),
            };
            self.books.moved(candidate.job, queue.queue, None, state);
            if let Some(code) = code {
                self.books.excluded(candidate.job, code, 1);
            }
            new.push([
                queue.queue.into(),
                candidate.key.into(),
                i64::from(state as u8).into(),
                i64::from(candidate.priority).into(),
                candidate.offer.depth.into(),
                candidate.offer.parent.into(),
                u32::from(candidate.offer.redirects).into(),
                code.into(),
                candidate.url.as_str().into(),
            ]);
        }
        let expected = new.len() as u64;
        let inserted = self.tx.run(&statements::INSERT_URLS, Input::table(new).with(self.now)).await?;
        if inserted == expected { Ok(inserted) } else { Err(FrontierError::Contended) }
    }

    /// The offer as a stopped job takes it: nothing waits there any more.
    fn unless_stopped(&self, candidate: &Candidate) -> Offer {
        let stopped = self.jobs.get(&candidate.job).is_some_and(|(_, state)| *state == JobState::Stopped);
        let verdict = if stopped { Verdict::Exclude(code::STOPPED) } else { candidate.offer.verdict };
        Offer { verdict, ..candidate.offer }
    }

    /// What the rules that count make of a new URL: it is let in and counted, or kept out.
    fn unless_trapped(&mut self, job: &Job, queue: i64, candidate: &Candidate) -> Verdict {
        if candidate.offer.parent.is_none() {
            return Verdict::Queue;
        }
        // The same shape on another host, or in another job, is another one.
        let of_queue = queue.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let shapes: Vec<_> =
            job.spec.traps.shapes(&candidate.url).map(|shape| (shape.hash ^ of_queue, shape)).collect();
        let growth = self.frontier.growth();
        for (key, shape) in &shapes {
            let so_far = growth.count(*key).saturating_add(self.grown.get(key).copied().unwrap_or(0));
            if so_far >= shape.bound {
                return Verdict::Exclude(shape.code);
            }
        }
        drop(growth);
        shapes.iter().for_each(|(key, _)| *self.grown.entry(*key).or_default() += 1);
        Verdict::Queue
    }

    /// Whether a job of this batch is deleted.
    pub(crate) fn is_deleted(&self, job: i64) -> bool {
        self.jobs.get(&job).is_some_and(|(_, state)| *state == JobState::Deleted)
    }

    /// Writes everything back and makes it durable.
    pub(crate) async fn commit(mut self) -> Result<(), FrontierError> {
        let mut changed: Vec<_> = self.rows.values().filter(|loaded| loaded.changed).collect();
        changed.sort_unstable_by_key(|loaded| loaded.row.id);
        let mut ends: BTreeMap<(UrlState, String), u64> = BTreeMap::new();
        for Loaded { row, job, was, was_code, .. } in &changed {
            self.books.moved(*job, row.queue, Some(*was), row.state);
            if *was != row.state && row.state.outcome().is_some() {
                *ends.entry((row.state, row.code.clone().unwrap_or_default())).or_default() += 1;
            }
            let code = row.code.as_ref().filter(|_| row.state == UrlState::Excluded);
            if was_code.as_ref() != code {
                was_code.iter().for_each(|code| self.books.excluded(*job, code, -1));
                code.iter().for_each(|code| self.books.excluded(*job, code, 1));
            }
        }
        let rows = changed.iter().map(|loaded| cells(&loaded.row));
        let save = Input::table(rows).with(self.now);
        self.tx.run(&statements::SAVE_URLS, save).await?;
        let attempts = self.attempts.iter().map(|(url, history)| [(*url).into(), history.as_str().into()]);
        self.tx.run(&statements::SAVE_ATTEMPTS, Input::table(attempts)).await?;
        self.hosts.write(&mut *self.tx).await?;
        self.tx.run(&statements::ADD_QUEUE_COUNTS, self.books.of_queues()).await?;
        let done = |job: &i64| self.jobs.get(job).is_some_and(|(_, state)| *state == JobState::Done);
        let revived: Vec<_> = self.books.jobs_with_more().filter(done).map(|job| [Cell::from(job)]).collect();
        self.tx.run(&statements::REVIVE_JOBS, Input::table(revived)).await?;
        let used = self.books.of_hosts().with(self.now);
        self.tx.run(&statements::ADD_HOST_USE, used).await?;
        self.tx.run(&statements::ADD_EXCLUSIONS, self.books.of_exclusions()).await?;
        self.tx.run(&statements::ADD_COUNTS, self.books.of_jobs()).await?;
        self.tx.commit().await?;
        self.frontier.meters.moved(&ends, &self.books.exclusions());
        self.frontier.growth().add(&self.grown);
        for (job, _) in self.jobs.values() {
            self.frontier.jobs.remember(job);
        }
        self.frontier.queues.remember(self.fresh_queues);
        Ok(())
    }
}

/// A row as `save_urls` takes it.
fn cells(row: &UrlRow) -> [Cell; 13] {
    [
        row.id.into(),
        i64::from(row.state as u8).into(),
        row.depth.into(),
        row.parent.into(),
        u32::from(row.redirects).into(),
        row.round.into(),
        row.evidence.number().into(),
        row.status.map(u32::from).into(),
        row.lease_until.into(),
        row.failures.into(),
        row.code.as_deref().into(),
        row.detail.as_deref().into(),
        row.redirect_to.as_deref().into(),
    ]
}
