//! A message from being taken to being committed: deduplicate, handle, publish; or, failing that, wait, retry, dead-letter.
//!
//! Holds: when `process` returns, every effect of the messages is durable, or a copy of them is on
//! `retry` or `dead-letter`. Nothing is logged and skipped.

use super::{
    Failure, Fault, GroupSettings, RuntimeSettings,
    bury::OUTPUT_TOO_LARGE,
    circuit::{self, Circuit, Verdict},
    group::spread,
    readiness::Waiting,
    recent::RecentIds,
    route::{Caller, Failed, Handled, Item, Route, Stage},
    sink::Sink,
    slots::Slot,
    spans::{Became, Timing},
    tiers::Tiers,
};
use crate::{
    broker::{self, Producer, SendError},
    message::{Attempt, Delivery, Envelope, Record, Source, Topic},
    model::{FailureClass, MessageId, RetryChanges, code},
    telemetry::{Component, GroupMetrics, Traces},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field::Empty};

/// Failed attempts that travel with a message; older ones are dropped first.
const MAX_HISTORY: usize = 20;
/// How long a sender waits before it tries a failed broker again.
const PUBLISH_BACKOFF: Duration = Duration::from_millis(500);

/// Why processing ended before its messages were done.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The process is going down: the messages are delivered again.
    Shutdown,
    /// The broker can't be worked with any more.
    Fatal(SendError),
}

/// Everything the messages of one group share.
pub(super) struct Worker {
    pub(super) service: String,
    pub(super) group: String,
    pub(super) settings: GroupSettings,
    pub(super) runtime: Arc<RuntimeSettings>,
    pub(super) caller: Caller,
    pub(super) producer: Arc<dyn Producer>,
    pub(super) metrics: GroupMetrics,
    pub(super) traces: Traces,
    pub(super) health: Component,
    /// How many messages wait for what is not there now; see [`Waiting`].
    pub(super) waiting: Mutex<usize>,
    pub(super) recent: Mutex<RecentIds>,
    pub(super) circuit: Circuit,
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// Sees messages of one route through to their end.
    pub(super) async fn process(
        &self,
        route: &Route,
        deliveries: Vec<Delivery>,
        slot: Slot,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let mut slot = Some(slot);
        let mut items = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            match (route.envelope)(&delivery) {
                Ok(envelope) => {
                    let identity = (route.identity)(&delivery, &envelope);
                    if self.is_recent(identity) {
                        self.metrics.duplicate(delivery.record.topic);
                    } else {
                        items.push(Item { delivery, envelope, identity });
                    }
                }
                Err(error) => {
                    let fault = Fault {
                        class: FailureClass::Message,
                        code: code::UNDECODABLE.into(),
                        retry_after: None,
                        error: error.into(),
                    };
                    self.bury_unread(&delivery, &fault, sink).await?;
                }
            }
        }
        let mut waiting = None;
        while !items.is_empty() {
            items = self.attempt(route, items, &mut slot, &mut waiting, sink).await?;
        }
        Ok(())
    }

    /// Counts a failure; true when the circuit is open and the message has to wait.
    pub(super) fn waits_for_turn(&self, delivery: &Delivery, fault: &Fault) -> bool {
        let failed =
            circuit::Failed { class: fault.class, code: &fault.code, key: delivery.record.key.as_deref() };
        match self.circuit.failed(failed) {
            Verdict::Counted => return false,
            Verdict::Open => {}
            Verdict::Opened(why) => {
                self.metrics.circuit(true);
                tracing::error!(service = self.service, group = self.group, code = %fault.code,
                    "stopped consuming: {why}; one message at a time is tried until one passes: {}", fault.text());
                self.health.not_ready(format!("circuit open: {why}: {}", fault.text()));
            }
        }
        true
    }

    pub(super) async fn take_turn(&self) -> Result<(), Stopped> {
        tokio::select! {
            () = self.circuit.turn() => Ok(()),
            () = self.stop.cancelled() => Err(Stopped::Shutdown),
        }
    }

    /// A message ended otherwise than by the failure that opened the circuit.
    fn passed(&self) {
        if self.circuit.passed() {
            self.metrics.circuit(false);
            tracing::info!(service = self.service, group = self.group, "a message passed; consuming again");
            self.works_again();
        }
    }

    /// One attempt at each; returns those that are held for another in place. The handler's place is
    /// free for the next message when nothing is left to do but to publish.
    async fn attempt<'a>(
        &'a self,
        route: &Route,
        items: Vec<Item>,
        slot: &mut Option<Slot>,
        waiting: &mut Option<Waiting<'a>>,
        sink: &Sink,
    ) -> Result<Vec<Item>, Stopped> {
        let (began, began_at) = (Instant::now(), SystemTime::now());
        let span = self.span(&items);
        let answers = tokio::select! {
            answers = route.call(items.clone(), self.caller.clone()).instrument(span) => answers,
            () = self.stop.cancelled() => return Err(Stopped::Shutdown),
        };
        let timing = Timing { began: began_at, took: began.elapsed() };
        let traced = items.iter().map(|item| item.envelope.trace).find(|trace| trace.is_sampled());
        self.metrics.handler_duration.observe(timing.took, traced);
        if answers.iter().all(Result::is_ok) {
            *slot = None;
        }
        let mut held = Vec::new();
        let mut wait = None;
        let mut waits_for_turn = false;
        for (item, answer) in items.into_iter().zip(answers) {
            match self.settle(&item, answer, timing, sink).await? {
                Settled::Done => {}
                Settled::Hold { after, why } => {
                    waiting.get_or_insert_with(|| Waiting::new(self)).for_what(&why);
                    wait = wait.max(Some(after));
                    held.push(item);
                }
                Settled::HoldForTurn => {
                    waits_for_turn = true;
                    held.push(item);
                }
            }
        }
        if wait.is_none() {
            *waiting = None;
        }
        if waits_for_turn {
            self.take_turn().await?;
        } else if let Some(wait) = wait {
            self.pause(wait).await?;
        }
        Ok(held)
    }

    /// What a handler logs carries the ids of its message: by them a URL is followed over services.
    fn span(&self, items: &[Item]) -> Span {
        let [Item { envelope, .. }] = items else {
            return tracing::info_span!("batch", group = self.group, messages = items.len());
        };
        let span = tracing::info_span!("message", group = self.group, crawl = Empty, message = %envelope.id, trace = Empty);
        if !span.is_disabled() {
            span.record("trace", format_args!("{:032x}", envelope.trace.trace_id));
            if let Some(crawl) = envelope.correlation {
                span.record("crawl", tracing::field::display(crawl));
            }
        }
        span
    }

    async fn settle(
        &self,
        item: &Item,
        answer: Handled,
        timing: Timing,
        sink: &Sink,
    ) -> Result<Settled, Stopped> {
        let failed = match answer {
            Ok(records) => {
                let records = self.with_recovery(item, records);
                let traced = self.traced_outputs(item, &records);
                match self.publish(records, sink).await? {
                    None => {
                        self.trace(item, timing, Became::Done, traced);
                        if !sink.gather(|gathered| gathered.handled.push(item.identity)) {
                            self.remember(item.identity);
                        }
                        self.passed();
                        return Ok(Settled::Done);
                    }
                    Some(refused) => Failed {
                        stage: Stage::Encode,
                        failure: Failure::reject(FailureClass::Message, OUTPUT_TOO_LARGE, refused),
                        retry: RetryChanges::default(),
                    },
                }
            }
            Err(failed) => failed,
        };
        if let Failure::Retry(fault) | Failure::Reject(fault) = &failed.failure
            && self.waits_for_turn(&item.delivery, fault)
        {
            return Ok(Settled::HoldForTurn);
        }
        let attempts = item.envelope.attempt + 1;
        match failed.failure {
            Failure::Later { after, why } if after <= self.runtime.hold_in_place => {
                Ok(Settled::Hold { after, why: format!("waiting: {why}") })
            }
            Failure::Later { after, .. } => {
                if self.circuit.is_open() {
                    self.passed();
                }
                self.send_to_retry(item, item.envelope.clone(), after, timing, sink).await?;
                self.trace(item, timing, Became::Waits, Vec::new());
                Ok(Settled::Done)
            }
            Failure::Retry(fault) => {
                let policy = self.runtime.retry.of(fault.class, &failed.retry);
                if attempts >= policy.attempts {
                    self.bury(&item.delivery, Some((&item.envelope, timing)), failed.stage, &fault, sink)
                        .await?;
                    self.trace(item, timing, Became::Died(&fault), Vec::new());
                } else {
                    let mut envelope = item.envelope.clone();
                    self.note_attempt(&mut envelope, &fault, timing.took);
                    self.metrics.retried(item.delivery.record.topic, &fault.code);
                    let delay = policy.delay(attempts, fault.retry_after);
                    self.send_to_retry(item, envelope, delay, timing, sink).await?;
                    self.trace(item, timing, Became::Failed(&fault), Vec::new());
                }
                Ok(Settled::Done)
            }
            Failure::Reject(fault) => {
                self.bury(&item.delivery, Some((&item.envelope, timing)), failed.stage, &fault, sink).await?;
                self.trace(item, timing, Became::Died(&fault), Vec::new());
                Ok(Settled::Done)
            }
        }
    }

    pub(super) fn note_attempt(&self, envelope: &mut Envelope, fault: &Fault, took: Duration) {
        envelope.attempt += 1;
        envelope.history.push(Attempt {
            at: self.runtime.clock.now(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            code: fault.code.clone().into_owned(),
            class: fault.class.as_str().to_owned(),
            error: fault.text(),
            worker: self.caller.worker.to_string(),
        });
        let surplus = envelope.history.len().saturating_sub(MAX_HISTORY);
        envelope.history.drain(..surplus);
    }

    /// The same record, addressed to this group, in the partition of its delay.
    async fn send_to_retry(
        &self,
        item: &Item,
        mut envelope: Envelope,
        delay: Duration,
        timing: Timing,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        envelope.not_before = self.runtime.clock.now().checked_add(delay).ok();
        envelope.target.get_or_insert_with(|| self.group.clone());
        envelope.origin.get_or_insert(source_of(&item.delivery));
        let mut record = item.delivery.record.clone();
        envelope.write_to(&mut record.headers);
        record.topic = Topic::Retry;
        let tiers = Tiers::new(self.runtime.retry_partitions);
        record.partition = Some(tiers.partition(delay, spread(&envelope)));
        self.publish_surely(vec![record], sink).await?;
        self.trace_copy(&item.envelope, timing, Topic::Retry, &envelope);
        Ok(())
    }

    /// Publishes a handler's outputs; `Some` when one of them can never be taken.
    async fn publish(&self, records: Vec<Record>, sink: &Sink) -> Result<Option<SendError>, Stopped> {
        if records.is_empty() || sink.gather(|gathered| gathered.records.extend(records.iter().cloned())) {
            return Ok(None);
        }
        let mut waiting = None;
        loop {
            let sent = tokio::select! {
                sent = broker::send_all(&*self.producer, records.clone()) => sent,
                () = self.stop.cancelled() => return Err(Stopped::Shutdown),
            };
            match sent {
                Ok(()) => break,
                Err(error) if error.stops_the_process() => return Err(Stopped::Fatal(error)),
                Err(error) if error.may_pass_later() => {
                    waiting
                        .get_or_insert_with(|| Waiting::new(self))
                        .for_what(&format!("publishing: {error}"));
                    self.pause(PUBLISH_BACKOFF).await?;
                }
                Err(error) => return Ok(Some(error)),
            }
        }
        self.count_produced(&records);
        Ok(None)
    }

    pub(super) fn count_produced(&self, records: &[Record]) {
        let mut counts: BTreeMap<Topic, u64> = BTreeMap::new();
        for record in records {
            *counts.entry(record.topic).or_default() += 1;
        }
        for (topic, count) in counts {
            self.metrics.produced(topic, count);
        }
    }

    /// Publishes records that must not get lost: copies of what is about to count as done.
    pub(super) async fn publish_surely(&self, records: Vec<Record>, sink: &Sink) -> Result<(), Stopped> {
        match self.publish(records, sink).await? {
            None => Ok(()),
            Some(error) => Err(Stopped::Fatal(error)),
        }
    }

    async fn pause(&self, wait: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stop.cancelled() => Err(Stopped::Shutdown),
        }
    }

    fn is_recent(&self, identity: MessageId) -> bool {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).contains(identity)
    }

    /// Knows the message for a duplicate from now on.
    pub(super) fn remember(&self, identity: MessageId) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).insert(identity);
    }
}

enum Settled {
    Done,
    HoldForTurn,
    Hold { after: Duration, why: String },
}

pub(super) fn source_of(delivery: &Delivery) -> Source {
    Source { topic: delivery.record.topic, partition: delivery.partition, offset: delivery.offset }
}
