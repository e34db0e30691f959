//! The loop of one member of one consumer group.
//!
//! It takes records while there is room, starts handlers up to the bound, collects what finished,
//! and commits the watermark of each partition. It alone touches the trackers, so there is no lock.

mod leave;

use super::{
    hold::{Held, Hold, partition_of},
    intake::{Intake, unaddressed},
    route::Route,
    slots::Slots,
    tiers::Tiers,
    tracker::Tracker,
    worker::{Stopped, Worker, retry_partition},
};
use crate::{
    broker::{BrokerError, Commit, Consumer, Event, Partition, SendError},
    message::{Delivery, Envelope, Record},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

/// Why a service could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The broker can't be worked with.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A record can't be produced, now or ever.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A background task of the service ended.
    #[error("{0:#}")]
    Background(anyhow::Error),
}

pub(super) struct GroupLoop {
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) intake: Intake,
    pub(super) worker: Arc<Worker>,
    pub(super) shutdown: CancellationToken,
}

struct Assigned {
    tracker: Tracker,
    epoch: u64,
    running: usize,
    high_watermark: i64,
    /// Cancelled when somebody else owns the partition.
    gone: CancellationToken,
}

/// A record that waits for a handler.
struct Ready {
    delivery: Delivery,
    epoch: u64,
    since: Instant,
}

struct Done {
    units: Vec<(Partition, i64, u64, usize)>,
    result: Result<(), Stopped>,
}

struct State {
    assigned: HashMap<Partition, Assigned>,
    next_epoch: u64,
    ready: VecDeque<Ready>,
    hold: Hold,
    running: JoinSet<Done>,
    slots: Slots,
    in_flight: usize,
    in_flight_bytes: usize,
    finished_since_commit: usize,
}

impl GroupLoop {
    /// Runs until `shutdown`, then drains.
    pub(super) async fn run(self) -> Result<(), RunError> {
        let mut state = State {
            assigned: HashMap::new(),
            next_epoch: 0,
            ready: VecDeque::new(),
            hold: Hold::default(),
            running: JoinSet::new(),
            slots: Slots::new(self.worker.settings.concurrency),
            in_flight: 0,
            in_flight_bytes: 0,
            finished_since_commit: 0,
        };
        let mut commit_tick = tokio::time::interval(self.worker.runtime.commit_interval);
        commit_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let result = loop {
            self.start_ready(&mut state);
            let wake = self.next_wake(&state);
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break Ok(()),
                Some(done) = state.running.join_next() => {
                    if let Err(error) = self.finish(&mut state, done) {
                        break Err(error);
                    }
                    if state.finished_since_commit >= self.worker.runtime.commit_every {
                        self.commit(&mut state).await;
                    }
                }
                _ = commit_tick.tick() => self.commit(&mut state).await,
                () = state.slots.freed(), if !state.ready.is_empty() => {}
                () = sleep_until(wake), if wake.is_some() => {
                    if let Err(error) = self.wake_held(&mut state).await {
                        break Err(error);
                    }
                }
                event = self.consumer.next(), if self.has_room(&state) => {
                    let taken = match event {
                        Ok(event) => self.take(&mut state, event).await,
                        Err(error) => Err(error.into()),
                    };
                    if let Err(error) = taken {
                        break Err(error);
                    }
                }
            }
        };
        self.drain(&mut state).await;
        self.consumer.close().await;
        result
    }

    fn has_room(&self, state: &State) -> bool {
        let settings = &self.worker.settings;
        state.in_flight < settings.max_in_flight && state.in_flight_bytes < settings.max_in_flight_bytes
    }

    async fn take(&self, state: &mut State, event: Event) -> Result<(), RunError> {
        match event {
            Event::Records(deliveries) => {
                self.count_consumed(&deliveries);
                for delivery in deliveries {
                    self.receive(state, delivery).await?;
                }
            }
            Event::Assigned(partitions) => {
                for (partition, commit) in partitions {
                    state.next_epoch += 1;
                    let tracker = Tracker::new(partition, commit.as_ref());
                    let (epoch, gone) = (state.next_epoch, CancellationToken::new());
                    let assigned = Assigned { tracker, epoch, running: 0, high_watermark: 0, gone };
                    state.assigned.insert(partition, assigned);
                }
                self.intake.assigned();
                self.worker.health.ready();
            }
            Event::Revoked { partitions, lost, done } => {
                self.revoke(state, &partitions, lost).await;
                drop(done);
            }
        }
        Ok(())
    }

    /// Counted by runs of one topic: a look-up of the metric costs more than the counting.
    fn count_consumed(&self, deliveries: &[Delivery]) {
        for run in deliveries.chunk_by(|a, b| a.record.topic == b.record.topic) {
            self.worker.metrics.consumed(run[0].record.topic.name(), run.len());
        }
    }

    async fn receive(&self, state: &mut State, delivery: Delivery) -> Result<(), RunError> {
        let partition = partition_of(&delivery);
        let Some(assigned) = state.assigned.get_mut(&partition) else { return Ok(()) };
        assigned.high_watermark = assigned.high_watermark.max(delivery.high_watermark);
        if !assigned.tracker.receive(delivery.offset) {
            return Ok(());
        }
        let epoch = assigned.epoch;
        let Intake::Retries(groups) = &self.intake else {
            if self.intake.is_for_another(&self.worker.group, &delivery) {
                assigned.tracker.finish(delivery.offset);
                return Ok(());
            }
            state.in_flight += 1;
            state.in_flight_bytes += delivery.record.size();
            state.ready.push_back(Ready { delivery, epoch, since: Instant::now() });
            return Ok(());
        };
        match Envelope::read(&delivery.record) {
            Ok(envelope) if envelope.target.as_ref().is_some_and(|target| groups.contains_key(target)) => {
                let not_before = envelope.not_before.unwrap_or(delivery.timestamp);
                let now = self.worker.runtime.clock.now();
                let tiers = Tiers::new(self.worker.runtime.retry_partitions);
                let due = tiers.wake_at(delivery.partition, not_before, delivery.timestamp, now);
                if state.hold.push(Held { due, delivery, epoch }) {
                    self.consumer.set_paused(vec![partition], true).await?;
                }
            }
            Ok(_) => assigned.tracker.finish(delivery.offset),
            Err(error) => {
                // Nobody is addressed: every service sees it, and the ledger collapses their letters.
                assigned.tracker.finish(delivery.offset);
                let letter = unaddressed(&self.worker, delivery, &error.to_string());
                self.worker.publish_surely(letter.into_record()).await.map_err(fatal)?;
            }
        }
        Ok(())
    }

    /// Records whose hold is over: due ones go to their handler, others hop to a shorter tier.
    async fn wake_held(&self, state: &mut State) -> Result<(), RunError> {
        let clock = self.worker.runtime.clock;
        while let Some((held, has_room)) = state.hold.pop_due(clock.now()) {
            let partition = partition_of(&held.delivery);
            if has_room {
                self.consumer.set_paused(vec![partition], false).await?;
            }
            let rest = Envelope::read(&held.delivery.record).ok().and_then(|e| Some((e.not_before?, e)));
            match rest {
                Some((not_before, envelope)) if not_before > clock.now() => {
                    let mut record = held.delivery.record.clone();
                    let partitions = self.worker.runtime.retry_partitions;
                    record.partition = Some(retry_partition(&envelope, clock.until(not_before), partitions));
                    self.publish_and_finish(state, partition, held.delivery.offset, record).await?;
                }
                _ if self.route(&held.delivery).is_some_and(|(_, route)| route.owned) => {
                    // Its partition's owner handles it, whoever that is now.
                    let mut record = held.delivery.record.clone();
                    let origin = Envelope::read(&record).ok().and_then(|envelope| envelope.origin);
                    (record.topic, record.partition) =
                        (origin.map_or(record.topic, |origin| origin.topic), None);
                    self.publish_and_finish(state, partition, held.delivery.offset, record).await?;
                }
                _ => {
                    state.in_flight += 1;
                    state.in_flight_bytes += held.delivery.record.size();
                    state.ready.push_back(Ready {
                        delivery: held.delivery,
                        epoch: held.epoch,
                        since: Instant::now(),
                    });
                }
            }
        }
        Ok(())
    }

    /// A record of the retry lane goes on; then the one it was made of is done.
    async fn publish_and_finish(
        &self,
        state: &mut State,
        partition: Partition,
        offset: i64,
        record: Record,
    ) -> Result<(), RunError> {
        self.worker.publish_surely(record).await.map_err(fatal)?;
        if let Some(assigned) = state.assigned.get_mut(&partition) {
            assigned.tracker.finish(offset);
        }
        Ok(())
    }

    fn may_start(&self, state: &State) -> bool {
        state.slots.is_one_free() && !self.worker.circuit.is_open()
    }

    /// Starts handlers while there is a place for one and something to do.
    fn start_ready(&self, state: &mut State) {
        while self.may_start(state) {
            let Some(first) = state.ready.front() else { break };
            let Some((worker, route)) = self.route(&first.delivery) else {
                self.start(state, 1, Arc::clone(&self.worker), None);
                continue;
            };
            if !route.takes_batches {
                self.start(state, 1, worker, Some(route));
                continue;
            }
            let size = self.batch_at_front(state, &route);
            let wait = Duration::from_millis(self.worker.settings.batch_wait_ms);
            if size < self.worker.settings.batch_size
                && first.since.elapsed() < wait
                && size == state.ready.len()
            {
                break;
            }
            self.start(state, size, worker, Some(route));
        }
    }

    /// How many records at the front of the queue make a batch for `route`.
    fn batch_at_front(&self, state: &State, route: &Arc<Route>) -> usize {
        let most = self.worker.settings.batch_size;
        if matches!(&self.intake, Intake::Topics(routes) if routes.len() == 1) {
            return state.ready.len().min(most);
        }
        let same =
            |ready: &&Ready| self.route(&ready.delivery).is_some_and(|(_, other)| Arc::ptr_eq(&other, route));
        state.ready.iter().take(most).take_while(same).count()
    }

    fn start(&self, state: &mut State, count: usize, worker: Arc<Worker>, route: Option<Arc<Route>>) {
        let mut units = Vec::with_capacity(count);
        let mut deliveries = Vec::with_capacity(count);
        for Ready { delivery, epoch, .. } in state.ready.drain(..count) {
            let partition = partition_of(&delivery);
            if let Some(assigned) = state.assigned.get_mut(&partition) {
                assigned.running += 1;
            }
            units.push((partition, delivery.offset, epoch, delivery.record.size()));
            deliveries.push(delivery);
        }
        let slot = state.slots.take();
        // An owned message comes alone, so there is one partition that may go.
        let owned = route.as_ref().is_some_and(|route| route.owned);
        let assigned = units.first().filter(|_| owned).and_then(|unit| state.assigned.get(&unit.0));
        let gone = assigned.map(|assigned| assigned.gone.clone());
        state.running.spawn(async move {
            let work = async {
                match route {
                    Some(route) => worker.process(&route, deliveries, slot).await,
                    None => worker.refuse(deliveries).await,
                }
            };
            let result = match gone {
                Some(gone) => gone.run_until_cancelled_owned(work).await.unwrap_or(Err(Stopped::Shutdown)),
                None => work.await,
            };
            Done { units, result }
        });
        self.worker.metrics.in_flight.set(i64::try_from(state.in_flight).unwrap_or(i64::MAX));
    }

    fn route(&self, delivery: &Delivery) -> Option<(Arc<Worker>, Arc<Route>)> {
        self.intake.route(&self.worker, delivery)
    }

    fn finish(&self, state: &mut State, done: Result<Done, tokio::task::JoinError>) -> Result<(), RunError> {
        // The worker catches panics of handlers, so only a bug of the runtime's own gets here.
        let done = done.map_err(|error| RunError::Background(error.into()))?;
        let finished = match done.result {
            Ok(()) => true,
            Err(Stopped::Shutdown) => false,
            Err(Stopped::Fatal(error)) => return Err(error.into()),
        };
        for (partition, offset, epoch, size) in done.units {
            state.in_flight -= 1;
            state.in_flight_bytes -= size;
            state.finished_since_commit += 1;
            // A result of an earlier assignment says nothing of this one.
            if let Some(assigned) =
                state.assigned.get_mut(&partition).filter(|assigned| assigned.epoch == epoch)
            {
                assigned.running = assigned.running.saturating_sub(1);
                if finished {
                    assigned.tracker.finish(offset);
                }
            }
        }
        self.worker.metrics.in_flight.set(i64::try_from(state.in_flight).unwrap_or(i64::MAX));
        Ok(())
    }

    async fn commit(&self, state: &mut State) {
        state.finished_since_commit = 0;
        let partitions: Vec<_> = state.assigned.keys().copied().collect();
        self.commit_of(state, &partitions).await;
    }

    async fn commit_of(&self, state: &mut State, partitions: &[Partition]) {
        let mut commits: Vec<Commit> = Vec::new();
        for partition in partitions {
            let Some(assigned) = state.assigned.get_mut(partition) else { continue };
            if let Some(commit) = assigned.tracker.commit() {
                let lag = assigned.high_watermark - commit.offset;
                self.worker.metrics.lag(partition.topic.name(), partition.number, lag.max(0));
                commits.push(commit);
            }
        }
        if commits.is_empty() {
            return;
        }
        let committed: Vec<_> = commits.iter().map(|commit| commit.partition).collect();
        if let Err(error) = self.consumer.commit(commits).await {
            self.worker.metrics.commit_failures.inc();
            tracing::debug!(group = self.worker.group, "{error}; the next commit covers it");
            for partition in committed {
                if let Some(assigned) = state.assigned.get_mut(&partition) {
                    assigned.tracker.commit_again();
                }
            }
        }
    }

    /// When the loop must look again although nothing happened: a batch has waited long enough, or
    /// a held record is due.
    fn next_wake(&self, state: &State) -> Option<Instant> {
        let batch = state
            .ready
            .front()
            .filter(|_| self.may_start(state))
            .map(|ready| ready.since + Duration::from_millis(self.worker.settings.batch_wait_ms));
        let held = state.hold.next_due().map(|due| Instant::now() + self.worker.runtime.clock.until(due));
        batch.into_iter().chain(held).min()
    }
}

fn fatal(stopped: Stopped) -> RunError {
    match stopped {
        Stopped::Fatal(error) => error.into(),
        Stopped::Shutdown => RunError::Background(anyhow::anyhow!("stopped while publishing")),
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
