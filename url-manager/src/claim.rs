//! Giving URLs out: whose turn it is, how many, and in which slots of their hosts.

use crate::{
    bounds::Bounds,
    error::FrontierError,
    frontier::Frontier,
    job::Job,
    shares::{fair_shares, shares_by_priority},
    store::{Cell, Input, decode, statements},
    tend::Running,
    work::Work,
};
use jiff::Timestamp;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use trawl_shared::model::{CanonicalUrl, FetchTask, HostKey, Origin, TaskId, Validators};

/// A queue whose turn it is. Read from an array, in this order.
#[derive(Debug, Deserialize)]
struct DueQueue {
    id: i64,
    host_id: i64,
    host: HostKey,
    next_at: i64,
    crawl_delay_ms: u64,
    queued: u64,
    leased: u64,
    domain: String,
    address: Option<String>,
}

/// A URL of such a queue. Read from an array, in this order, which is also that of its rank.
#[derive(Debug, Deserialize)]
struct Pick {
    queue: i64,
    priority: i64,
    depth: u32,
    id: i64,
    url: CanonicalUrl,
    round: u32,
    redirects: u8,
    found_on: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// A queue, and what it may give away now.
struct Turn {
    queue: DueQueue,
    job: Arc<Job>,
    delay_ms: i64,
    ahead: u32,
    /// Slots left until the horizon, and room for URLs under way.
    most: u64,
    /// Not before this is it asked again.
    pause_until: i64,
}

impl Frontier {
    /// Leases URLs of running jobs and answers their tasks. The leases are durable before anybody sees
    /// a task; what is then not published is released, or comes back when its lease ends.
    pub(crate) async fn claim(&self, running: &[Running]) -> Result<Vec<FetchTask>, FrontierError> {
        // A look beside the writer first: mostly there is nothing to do.
        if self.shares(running, u64::MAX).is_empty() {
            return Ok(Vec::new());
        }
        let mut work = self.begin().await?;
        let mut bounds = work.bounds(&self.settings).await?;
        // Nobody else gives anything out from here on, so the counts are what budgets are kept by.
        let running = work.tx.ask(&statements::RUNNING_JOBS, Input::default()).await?;
        let mut running = self.read_running(&running).await?;
        // Where there is less room than jobs, another one is the first each time.
        let first = self.next_turn() % running.len().max(1);
        running.rotate_left(first);
        let shares = self.shares(&running, bounds.slots(self.settings.queue_ahead_ms));
        let shards = if shares.is_empty() { None } else { work.own_shards().await? };
        let mut turns = Vec::new();
        for (job, share) in shares {
            turns.extend(work.turns(job, share, shards.as_deref(), &mut bounds).await?);
        }
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let tasks = work.lease(turns, &mut bounds).await?;
        work.keep_pace(&bounds).await?;
        work.commit().await?;
        Ok(tasks)
    }

    /// The jobs that may give something away, and how much.
    fn shares<'a>(&self, running: &'a [Running], slots: u64) -> Vec<(&'a Arc<Job>, u64)> {
        let in_flight: u64 = running.iter().map(|job| job.in_flight).sum();
        let room = u64::from(self.settings.max_in_flight.max(1)).saturating_sub(in_flight);
        let room = room.min(u64::from(self.settings.batch.max(1))).min(slots);
        let wants: Vec<u64> = running.iter().map(Running::wants).collect();
        let priorities: Vec<i16> = running.iter().map(|job| job.job.spec.priority).collect();
        let shares = running.iter().zip(shares_by_priority(room, &wants, &priorities));
        shares.filter(|(_, share)| *share > 0).map(|(job, share)| (&job.job, share)).collect()
    }
}

impl Work<'_> {
    /// The queues of a job that give away its share, longest waiting first.
    async fn turns(
        &mut self,
        job: &Arc<Job>,
        share: u64,
        shards: Option<&str>,
        bounds: &mut Bounds,
    ) -> Result<Vec<Turn>, FrontierError> {
        let settings = &self.frontier.settings;
        let horizon = self.now.saturating_add(to_i64(settings.horizon_ms));
        let due = Input::scalars([job.row.into(), horizon.into(), shards.into(), to_i64(share).into()]);
        let due = decode::<DueQueue>(&self.tx.ask(&statements::DUE_QUEUES, due).await?)?;
        let left = self.hosts_left(job, due.iter().map(|queue| queue.id)).await?;
        let mut turns: Vec<Turn> = due
            .into_iter()
            .map(|queue| {
                let delay = job.delay_ms(&queue.host, queue.crawl_delay_ms);
                let ahead = job.ahead(delay, settings);
                let delay_ms = to_i64(delay);
                let slots = match (horizon - queue.next_at.max(self.now), delay_ms) {
                    (time, _) if time < 0 => 0,
                    (_, 0) => u64::MAX,
                    (time, delay) => (time / delay).unsigned_abs() + 1,
                };
                let most = queue.queued.min(u64::from(ahead).saturating_sub(queue.leased)).min(slots);
                let most = most.min(left.room(queue.id, queue.leased));
                Turn { queue, job: Arc::clone(job), delay_ms, ahead, most, pause_until: self.now }
            })
            .collect();
        let shares = fair_shares(share, &turns.iter().map(|turn| turn.most).collect::<Vec<_>>());
        for (turn, share) in turns.iter_mut().zip(shares) {
            let room = bounds.room(&turn.queue.domain, turn.queue.address.as_deref());
            turn.most = share.min(room);
            bounds.take(&turn.queue.domain, turn.queue.address.as_deref(), turn.most);
            if room < share {
                // Others have their turn meanwhile: a thousand hosts of one domain must not stand before all.
                turn.pause_until = self.now.saturating_add(to_i64(settings.poll_ms));
            }
        }
        Ok(turns)
    }

    /// Gives every turn its best URLs, in the next slots of their hosts.
    async fn lease(
        &mut self,
        turns: Vec<Turn>,
        bounds: &mut Bounds,
    ) -> Result<Vec<FetchTask>, FrontierError> {
        let mut picks = self.pick(&turns).await?;
        let lease_ms = to_i64(self.frontier.settings.lease_ms);
        // Two jobs may meet at one host: its slots are counted on from one to the other.
        let mut next_slots: BTreeMap<i64, i64> = BTreeMap::new();
        let mut tasks = Vec::new();
        let (mut leases, mut served) = (Vec::new(), Vec::new());
        for Turn { queue, job, delay_ms, ahead, most, pause_until } in &turns {
            let mut picked = picks.remove(&queue.id).unwrap_or_default();
            picked.truncate(usize::try_from(*most).unwrap_or(usize::MAX));
            let next_slot = next_slots.entry(queue.host_id).or_insert(queue.next_at);
            let taken = to_i64(picked.len() as u64);
            for pick in picked {
                let slot = bounds.next_slot().max(*next_slot);
                *next_slot = slot.saturating_add(*delay_ms);
                leases.push([Cell::from(pick.id), slot.saturating_add(lease_ms).into()]);
                let wait = (slot > self.now).then_some(slot);
                tasks.push(task(job, pick, delay_ms.unsigned_abs(), wait));
            }
            // Without a delay the turn goes round: who was served last waits longest.
            let ready_at = (*pause_until).max(*next_slot);
            served.push([queue.id.into(), taken.into(), ready_at.into(), (*ahead).into()]);
            self.books.leased(job.row, taken);
        }
        self.tx.run(&statements::LEASE_URLS, Input::table(leases).with(self.now)).await?;
        self.tx.run(&statements::SERVE_QUEUES, Input::table(served)).await?;
        let slots = next_slots.into_iter().map(|(host, next_at)| [Cell::from(host), next_at.into()]);
        self.tx.run(&statements::SERVE_HOSTS, Input::table(slots)).await?;
        Ok(tasks)
    }

    /// The best URLs of queues, best first. Queues that give about as much are asked together.
    async fn pick(&mut self, turns: &[Turn]) -> Result<HashMap<i64, Vec<Pick>>, FrontierError> {
        let mut groups: BTreeMap<u64, Vec<[Cell; 1]>> = BTreeMap::new();
        for turn in turns.iter().filter(|turn| turn.most > 0) {
            groups.entry(turn.most.next_power_of_two()).or_default().push([turn.queue.id.into()]);
        }
        let mut picks: HashMap<i64, Vec<Pick>> = HashMap::new();
        for (most, queues) in groups {
            let input = Input::table(queues).with(to_i64(most));
            for pick in decode::<Pick>(&self.tx.ask(&statements::PICK_URLS, input).await?)? {
                picks.entry(pick.queue).or_default().push(pick);
            }
        }
        for picked in picks.values_mut() {
            picked.sort_unstable_by_key(|pick| (-pick.priority, pick.depth, pick.id));
        }
        Ok(picks)
    }
}

fn task(job: &Job, pick: Pick, delay_ms: u64, slot: Option<i64>) -> FetchTask {
    let Pick { url, depth, round, redirects, found_on, etag, last_modified, .. } = pick;
    let validators = Validators { etag, last_modified };
    let task = TaskId::derive(job.id, &url, round);
    FetchTask {
        origin: Origin {
            job: job.id,
            task,
            url,
            depth,
            found_on,
            round,
            redirects,
            job_name: (depth == 0).then(|| job.spec.name.as_str().into()),
        },
        fetch: trawl_shared::model::FetchSettings { delay_ms, ..job.spec.fetch.clone() },
        extract: job.spec.extract.clone(),
        earliest_fetch_at: slot.and_then(|slot| Timestamp::from_millisecond(slot).ok()),
        validators: (validators != Validators::default()).then_some(validators),
    }
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
