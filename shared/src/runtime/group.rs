//! The loop of one member of one consumer group.
//!
//! It takes records while there is room, starts handlers up to the bound, collects what finished,
//! and commits the watermark of each partition. It alone touches the trackers, so there is no lock.
//!
//! `lane` is what it does with records of `retry`, `settle` with what finished: by default that was published already
//! and is committed; `transact` publishes and commits it as one. `leave` lets go.

mod lag;
mod lane;
mod leave;
mod settle;
mod transact;

use self::{settle::Done, transact::Ledger};
use super::{
    hold::{Hold, partition_of},
    intake::Intake,
    route::Route,
    slots::Slots,
    tracker::Tracker,
    worker::{Stopped, Worker},
};
use crate::{
    broker::{BrokerError, Consumer, Event, Partition, SendError, Transactions},
    message::Delivery,
};
pub(super) use lane::spread;
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
    /// Where records and offsets are written as one, if they are.
    pub(super) transactions: Option<Arc<dyn Transactions>>,
    pub(super) intake: Intake,
    pub(super) worker: Arc<Worker>,
    pub(super) shutdown: CancellationToken,
}

struct Assigned {
    tracker: Tracker,
    epoch: u64,
    running: usize,
    high_watermark: i64,
    ages: lag::Ages,
    /// Cancelled when somebody else owns the partition.
    gone: CancellationToken,
}

/// A record that waits for a handler.
struct Ready {
    delivery: Delivery,
    epoch: u64,
    since: Instant,
}

/// One record in the books of the loop.
#[derive(Clone, Copy, Debug)]
struct Unit {
    partition: Partition,
    offset: i64,
    epoch: u64,
    size: usize,
}

impl Unit {
    fn of(delivery: &Delivery, epoch: u64) -> Self {
        let size = delivery.record.size();
        Self { partition: partition_of(delivery), offset: delivery.offset, epoch, size }
    }
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
    /// What is handled and waits for its transaction.
    ledger: Ledger,
}

impl GroupLoop {
    /// Runs until `shutdown`, then drains.
    pub(super) async fn run(self) -> Result<(), RunError> {
        let mut state = State {
            assigned: HashMap::new(),
            next_epoch: 0,
            ready: VecDeque::new(),
            hold: Hold::new(self.worker.runtime.retry_hold_bytes),
            running: JoinSet::new(),
            slots: Slots::new(self.worker.settings.concurrency),
            in_flight: 0,
            in_flight_bytes: 0,
            finished_since_commit: 0,
            ledger: Ledger::default(),
        };
        let mut commit_tick = tokio::time::interval(self.worker.runtime.commit_interval);
        commit_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let result = loop {
            self.start_ready(&mut state);
            self.start_transaction(&mut state);
            let wake = self.next_wake(&state);
            let has_room = self.has_room(&state) && !state.hold.is_full(self.worker.runtime.clock.now());
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
                outcome = state.ledger.outcome(), if state.ledger.is_writing() => {
                    if let Err(error) = self.settle_transaction(&mut state, outcome) {
                        break Err(error);
                    }
                }
                _ = commit_tick.tick() => {
                    self.commit(&mut state).await;
                    self.report_lag(&mut state);
                }
                () = state.slots.freed(), if !state.ready.is_empty() => {}
                () = sleep_until(wake), if wake.is_some() => {
                    if let Err(error) = self.wake_held(&mut state).await {
                        break Err(error);
                    }
                }
                event = self.next_event(has_room) => {
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
        let drained = self.drain(&mut state).await;
        self.consumer.close().await;
        result.and(drained)
    }

    /// Cancel-safe. Also without room a member hears of rebalances: others wait for the partitions that it is to let go,
    /// and what it was to write of those that it lost would be refused for ever.
    async fn next_event(&self, has_room: bool) -> Result<Event, BrokerError> {
        if has_room { self.consumer.next().await } else { self.consumer.next_rebalance().await }
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
                    let ages = lag::Ages::default();
                    let assigned = Assigned { tracker, epoch, running: 0, high_watermark: 0, ages, gone };
                    state.assigned.insert(partition, assigned);
                    state.hold.assign(partition);
                }
                self.intake.assigned();
                self.worker.works_again();
            }
            Event::Revoked { partitions, lost, done } => {
                let revoked = self.revoke(state, &partitions, lost).await;
                drop(done);
                revoked?;
            }
        }
        Ok(())
    }

    /// Counted by runs of one topic: a look-up of the metric costs more than the counting.
    fn count_consumed(&self, deliveries: &[Delivery]) {
        for run in deliveries.chunk_by(|a, b| a.record.topic == b.record.topic) {
            self.worker.metrics.consumed(run[0].record.topic, run.len());
        }
    }

    async fn receive(&self, state: &mut State, delivery: Delivery) -> Result<(), RunError> {
        let partition = partition_of(&delivery);
        let Some(assigned) = state.assigned.get_mut(&partition) else { return Ok(()) };
        assigned.high_watermark = assigned.high_watermark.max(delivery.high_watermark);
        if !assigned.tracker.receive(delivery.offset) {
            return Ok(());
        }
        assigned.ages.received(&delivery);
        let epoch = assigned.epoch;
        if matches!(self.intake, Intake::Retries(_)) {
            return self.hold(state, delivery, epoch).await;
        }
        if self.intake.is_for_another(&self.worker.group, &delivery) {
            assigned.tracker.finish(delivery.offset);
        } else {
            state.make_ready(delivery, epoch);
        }
        Ok(())
    }

    fn may_start(&self, state: &State) -> bool {
        state.slots.is_one_free() && !self.worker.circuit.is_open() && !state.ledger.is_full()
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
            units.push(Unit::of(&delivery, epoch));
            deliveries.push(delivery);
        }
        let slot = state.slots.take();
        // An owned message comes alone, so there is one partition that may go.
        let owned = route.as_ref().is_some_and(|route| route.owned);
        let assigned = units.first().filter(|_| owned).and_then(|unit| state.assigned.get(&unit.partition));
        let gone = assigned.map(|assigned| assigned.gone.clone());
        let input = deliveries.first().filter(|_| self.transactions.is_some() && count == 1).cloned();
        self.spawn(state, units, input, &worker, |worker, sink| async move {
            let work = async {
                match route {
                    Some(route) => worker.process(&route, deliveries, slot, &sink).await,
                    None => worker.refuse(deliveries, &sink).await,
                }
            };
            match gone {
                Some(gone) => gone.run_until_cancelled_owned(work).await.unwrap_or(Err(Stopped::Shutdown)),
                None => work.await,
            }
        });
    }

    fn route(&self, delivery: &Delivery) -> Option<(Arc<Worker>, Arc<Route>)> {
        self.intake.route(&self.worker, delivery)
    }

    /// When the loop must look again although nothing happened: a batch has waited long enough, a held record goes on,
    /// or a transaction begins.
    fn next_wake(&self, state: &State) -> Option<Instant> {
        let batch = state
            .ready
            .front()
            .filter(|_| self.may_start(state))
            .map(|ready| ready.since + Duration::from_millis(self.worker.settings.batch_wait_ms));
        let clock = self.worker.runtime.clock;
        // Without room nothing goes on: what finishes makes the loop look again.
        let due = state.hold.next_due().filter(|_| self.has_room(state));
        let held = due.into_iter().chain(state.hold.next_look()).min();
        let held = held.map(|due| Instant::now() + clock.until(due));
        let transaction = state.ledger.due(&self.worker.runtime.transactions);
        batch.into_iter().chain(held).chain(transaction).min()
    }
}

impl State {
    /// Puts a record into the queue for handlers.
    fn make_ready(&mut self, delivery: Delivery, epoch: u64) {
        self.in_flight += 1;
        self.in_flight_bytes += delivery.record.size();
        self.ready.push_back(Ready { delivery, epoch, since: Instant::now() });
    }

    /// The partition's state, if it is still the assignment that the unit is of.
    fn assignment_of(&mut self, unit: &Unit) -> Option<&mut Assigned> {
        self.assigned.get_mut(&unit.partition).filter(|assigned| assigned.epoch == unit.epoch)
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
