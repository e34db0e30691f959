//! A message from being taken to being committed: deduplicate, handle, publish; or, failing that, wait, retry, dead-letter.
//!
//! Holds: when `process` returns, every effect of the messages is durable, or a copy of them is on
//! `retry` or `dead-letter`. Nothing is logged and skipped.

use super::{
    Failure, Fault, GroupSettings, RuntimeSettings,
    circuit::{self, Circuit, Verdict},
    group::spread,
    recent::RecentIds,
    route::{Caller, Failed, Handled, Item, Route, Stage},
    sink::Sink,
    slots::Slot,
    tiers::Tiers,
};
use crate::{
    broker::{self, Producer, SendError},
    message::{
        Attempt, DeadLetter, Delivery, Envelope, LetterReason, Record, Source, Topic, headers as names,
    },
    model::{FailureClass, MessageId, RetryChanges, code},
    telemetry::{Component, GroupMetrics},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field::Empty};

/// Failed attempts that travel with a message; older ones are dropped first.
const MAX_HISTORY: usize = 20;
/// The code of a message whose outputs the broker never takes.
const OUTPUT_TOO_LARGE: &str = "output_too_large";
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
    pub(super) health: Component,
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
                        self.metrics.duplicate(delivery.record.topic.name());
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
        while !items.is_empty() {
            items = self.attempt(route, items, &mut slot, sink).await?;
        }
        Ok(())
    }

    /// Records of a type that no handler of the group takes.
    pub(super) async fn refuse(&self, deliveries: Vec<Delivery>, sink: &Sink) -> Result<(), Stopped> {
        for delivery in deliveries {
            let kind = delivery.record.headers.get_str(names::TYPE).unwrap_or("(none)");
            let error = anyhow::anyhow!("no handler of group {} takes messages of type {kind:?}", self.group);
            let fault = Fault {
                class: FailureClass::Message,
                code: code::UNDECODABLE.into(),
                retry_after: None,
                error,
            };
            self.bury_unread(&delivery, &fault, sink).await?;
        }
        Ok(())
    }

    /// What can't be read is given up at once, unless nearly nothing can be read.
    async fn bury_unread(&self, delivery: &Delivery, fault: &Fault, sink: &Sink) -> Result<(), Stopped> {
        while self.waits_for_turn(delivery, fault) {
            self.take_turn().await?;
        }
        self.bury(delivery, None, Stage::Decode, fault, sink).await
    }

    /// Counts a failure; true when the circuit is open and the message has to wait.
    fn waits_for_turn(&self, delivery: &Delivery, fault: &Fault) -> bool {
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

    async fn take_turn(&self) -> Result<(), Stopped> {
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
            self.health.ready();
        }
    }

    /// One attempt at each; returns those that are held for another in place. The handler's place is
    /// free for the next message when nothing is left to do but to publish.
    async fn attempt(
        &self,
        route: &Route,
        items: Vec<Item>,
        slot: &mut Option<Slot>,
        sink: &Sink,
    ) -> Result<Vec<Item>, Stopped> {
        let began = Instant::now();
        let span = self.span(&items);
        let answers = tokio::select! {
            answers = route.call(items.clone(), self.caller.clone()).instrument(span) => answers,
            () = self.stop.cancelled() => return Err(Stopped::Shutdown),
        };
        let took = began.elapsed();
        self.metrics.handler_seconds.observe(took.as_secs_f64());
        if answers.iter().all(Result::is_ok) {
            *slot = None;
        }
        let mut held = Vec::new();
        let mut wait = Duration::ZERO;
        let mut waits_for_turn = false;
        for (item, answer) in items.into_iter().zip(answers) {
            match self.settle(&item, answer, took, sink).await? {
                Settled::Done => {}
                Settled::Hold(after) => {
                    wait = wait.max(after);
                    held.push(item);
                }
                Settled::HoldForTurn => {
                    waits_for_turn = true;
                    held.push(item);
                }
            }
        }
        if waits_for_turn {
            self.take_turn().await?;
        } else if !held.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return Err(Stopped::Shutdown),
            }
            self.health.ready();
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
        took: Duration,
        sink: &Sink,
    ) -> Result<Settled, Stopped> {
        let failed = match answer {
            Ok(records) => match self.publish(self.with_recovery(item, records), sink).await? {
                None => {
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
            },
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
                self.health.not_ready(format!("waiting: {why}"));
                Ok(Settled::Hold(after))
            }
            Failure::Later { after, .. } => {
                if self.circuit.is_open() {
                    self.passed();
                }
                self.send_to_retry(item, item.envelope.clone(), after, sink).await?;
                Ok(Settled::Done)
            }
            Failure::Retry(fault) => {
                let policy = self.runtime.retry.of(fault.class, &failed.retry);
                if attempts >= policy.attempts {
                    self.bury(&item.delivery, Some((&item.envelope, took)), failed.stage, &fault, sink)
                        .await?;
                } else {
                    let mut envelope = item.envelope.clone();
                    self.note_attempt(&mut envelope, &fault, took);
                    self.metrics.retried(item.delivery.record.topic.name(), &fault.code);
                    let delay = policy.delay(attempts, fault.retry_after);
                    self.send_to_retry(item, envelope, delay, sink).await?;
                }
                Ok(Settled::Done)
            }
            Failure::Reject(fault) => {
                self.bury(&item.delivery, Some((&item.envelope, took)), failed.stage, &fault, sink).await?;
                Ok(Settled::Done)
            }
        }
    }

    fn note_attempt(&self, envelope: &mut Envelope, fault: &Fault, took: Duration) {
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
        self.publish_surely(vec![record], sink).await
    }

    /// The record goes to `dead-letter` with its whole story.
    async fn bury(
        &self,
        delivery: &Delivery,
        envelope: Option<(&Envelope, Duration)>,
        stage: Stage,
        fault: &Fault,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let mut record = delivery.record.clone();
        let mut source = source_of(delivery);
        let mut group = self.group.clone();
        let mut attempts = 1;
        if let Some((envelope, took)) = envelope {
            let mut envelope = envelope.clone();
            self.note_attempt(&mut envelope, fault, took);
            attempts = envelope.attempt;
            source = envelope.origin.unwrap_or(source);
            group = envelope.target.clone().unwrap_or(group);
            envelope.write_to(&mut record.headers);
        }
        self.metrics.dead_lettered(source.topic.name(), &fault.code);
        tracing::warn!(
            service = self.service, group, topic = %source.topic, partition = source.partition, offset = source.offset,
            code = %fault.code, attempts, crawl = envelope.and_then(|(e, _)| e.correlation).map(tracing::field::display),
            message = envelope.map(|(e, _)| tracing::field::display(e.id)),
            trace = envelope.map(|(e, _)| tracing::field::display(e.trace)),
            "gave up on a message of {}: {}", source.topic, fault.text()
        );
        let reason = LetterReason {
            source,
            group,
            service: self.service.clone(),
            instance: self.caller.worker.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stage: stage.as_str().to_owned(),
            code: fault.code.clone().into_owned(),
            class: fault.class.as_str().to_owned(),
            message: fault.text(),
            causes: fault.causes(),
            attempts,
            failed_at: self.runtime.clock.now(),
            time: Some(envelope.map_or(delivery.timestamp, |(envelope, _)| envelope.time)),
        };
        self.publish_surely(vec![DeadLetter { record, reason }.into_record()], sink).await
    }

    /// Publishes a handler's outputs; `Some` when one of them can never be taken.
    async fn publish(&self, records: Vec<Record>, sink: &Sink) -> Result<Option<SendError>, Stopped> {
        if records.is_empty() || sink.gather(|gathered| gathered.records.extend(records.iter().cloned())) {
            return Ok(None);
        }
        loop {
            let sent = tokio::select! {
                sent = broker::send_all(&*self.producer, records.clone()) => sent,
                () = self.stop.cancelled() => return Err(Stopped::Shutdown),
            };
            match sent {
                Ok(()) => break,
                Err(error) if error.stops_the_process() => return Err(Stopped::Fatal(error)),
                Err(error) if error.may_pass_later() => self.wait_for_broker(&error).await?,
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
            self.metrics.produced(topic.name(), count);
        }
    }

    /// Publishes records that must not get lost: copies of what is about to count as done.
    pub(super) async fn publish_surely(&self, records: Vec<Record>, sink: &Sink) -> Result<(), Stopped> {
        match self.publish(records, sink).await? {
            None => Ok(()),
            Some(error) => Err(Stopped::Fatal(error)),
        }
    }

    /// A record that follows from the message was refused by the transaction that it was in: the message is given up.
    pub(super) async fn give_up_output(
        &self,
        delivery: &Delivery,
        refused: SendError,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let fault = Fault {
            class: FailureClass::Message,
            code: OUTPUT_TOO_LARGE.into(),
            retry_after: None,
            error: refused.into(),
        };
        let envelope = Envelope::read(&delivery.record).ok();
        let attempt = envelope.as_ref().map(|envelope| (envelope, Duration::ZERO));
        self.bury(delivery, attempt, Stage::Encode, &fault, sink).await
    }

    async fn wait_for_broker(&self, error: &SendError) -> Result<(), Stopped> {
        self.health.not_ready(format!("publishing: {error}"));
        tokio::select! {
            () = tokio::time::sleep(PUBLISH_BACKOFF) => {}
            () = self.stop.cancelled() => return Err(Stopped::Shutdown),
        }
        self.health.ready();
        Ok(())
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
    Hold(Duration),
}

pub(super) fn source_of(delivery: &Delivery) -> Source {
    Source { topic: delivery.record.topic, partition: delivery.partition, offset: delivery.offset }
}
