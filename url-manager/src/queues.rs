//! Queues: one job's URLs on one host. Which row of the database stands for which.

use crate::{
    error::FrontierError,
    job::Job,
    shards::shard_of,
    store::{Cell, Input, decode, statements},
    work::Work,
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};
use trawl_shared::model::{HostKey, url::registrable_domain};

/// Queues remembered; then all are forgotten and asked for again.
const REMEMBERED: usize = 100_000;

/// The rows behind a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueRef {
    /// `queues.id`
    pub(crate) queue: i64,
    /// `hosts.id`
    pub(crate) host: i64,
    /// What the host asks for in robots.txt, as far as we know.
    pub(crate) crawl_delay_ms: u64,
    /// Where the host answered from, as far as we know.
    pub(crate) address: Option<IpAddr>,
}

/// What `find_queues` answers: the place in the question, then what is in [`QueueRef`].
pub(crate) type FoundQueue = (usize, i64, i64, u64, Option<IpAddr>);

/// Queues by job row and host.
#[derive(Debug, Default)]
pub(crate) struct ByHost {
    queues: HashMap<i64, HashMap<HostKey, QueueRef>>,
    count: usize,
}

impl ByHost {
    fn get(&self, job: i64, host: &HostKey) -> Option<QueueRef> {
        self.queues.get(&job)?.get(host).copied()
    }

    pub(crate) fn insert(&mut self, job: i64, host: HostKey, queue: QueueRef) {
        let is_new = self.queues.entry(job).or_default().insert(host, queue).is_none();
        self.count += usize::from(is_new);
    }
}

/// What is known of queues. They are never deleted, so it can be incomplete, never wrong (but for what
/// is told of the host, which only saves writing it again).
#[derive(Debug, Default)]
pub(crate) struct QueueCache(Mutex<ByHost>);

impl QueueCache {
    fn get(&self, job: i64, host: &HostKey) -> Option<QueueRef> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(job, host)
    }

    /// Remembers queues that are committed.
    pub(crate) fn remember(&self, fresh: ByHost) {
        if fresh.count == 0 {
            return;
        }
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.count >= REMEMBERED {
            *remembered = ByHost::default();
        }
        for (job, queues) in fresh.queues {
            queues.into_iter().for_each(|(host, queue)| remembered.insert(job, host, queue));
        }
    }
}

/// The registrable domain of a host; of an address or a single label, that.
fn domain_of(host: &HostKey) -> &str {
    let name = host.as_str();
    // A port behind a name, or behind the bracket of an IPv6 address.
    let end = name.rfind(':').filter(|colon| name[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    let name = &name[..end.unwrap_or(name.len())];
    registrable_domain(name).unwrap_or(name)
}

impl Work<'_> {
    /// The queues of hosts, in their order; none where the job has no such queue.
    pub(crate) async fn find_queues(
        &mut self,
        hosts: &[(i64, &HostKey)],
    ) -> Result<Vec<Option<QueueRef>>, FrontierError> {
        let mut found: Vec<Option<QueueRef>> = Vec::with_capacity(hosts.len());
        for (at, (job, host)) in hosts.iter().enumerate() {
            // The links of a page are mostly of one host.
            let known = match at.checked_sub(1) {
                Some(before) if hosts[before] == hosts[at] => found[before],
                _ => self.fresh_queues.get(*job, host).or_else(|| self.frontier.queues.get(*job, host)),
            };
            found.push(known);
        }
        let missing = (0..hosts.len()).filter(|at| found[*at].is_none());
        let rows: Vec<[Cell; 3]> =
            missing.map(|at| [at.into(), hosts[at].0.into(), hosts[at].1.as_str().into()]).collect();
        let answers = self.tx.ask(&statements::FIND_QUEUES, Input::table(rows)).await?;
        for (at, queue, host, crawl_delay_ms, address) in decode::<FoundQueue>(&answers)? {
            let queue = QueueRef { queue, host, crawl_delay_ms, address };
            found[at] = Some(queue);
            self.fresh_queues.insert(hosts[at].0, hosts[at].1.clone(), queue);
        }
        Ok(found)
    }

    /// The queues of hosts; makes those that are missing.
    pub(crate) async fn ensure_queues(
        &mut self,
        hosts: &[(&Job, &HostKey)],
    ) -> Result<Vec<QueueRef>, FrontierError> {
        let keys: Vec<_> = hosts.iter().map(|(job, host)| (job.row, *host)).collect();
        let mut found = self.find_queues(&keys).await?;
        let mut missing: Vec<_> =
            (0..hosts.len()).filter(|at| found[*at].is_none()).map(|at| hosts[at]).collect();
        if !missing.is_empty() {
            missing.sort_unstable_by_key(|(job, host)| (job.row, *host));
            missing.dedup_by_key(|(job, host)| (job.row, *host));
            let settings = &self.frontier.settings;
            let names = missing.iter().map(|(_, host)| [host.as_str().into(), domain_of(host).into()]);
            self.tx.run(&statements::INSERT_HOSTS, Input::table(names)).await?;
            let rows = missing.iter().map(|(job, host)| {
                let ahead = job.ahead(job.delay_ms(host, 0), settings);
                [job.row.into(), host.as_str().into(), ahead.into(), shard_of(domain_of(host)).into()]
            });
            let made = self.tx.run(&statements::INSERT_QUEUES, Input::table(rows)).await?;
            if made != missing.len() as u64 {
                return Err(FrontierError::Contended);
            }
            for (job, _) in missing {
                self.books.new_host(job.row);
            }
            found = self.find_queues(&keys).await?;
        }
        let found: Option<Vec<_>> = found.into_iter().collect();
        found.ok_or_else(|| FrontierError::Unreadable("no row for a queue that was just made".to_owned()))
    }
}
