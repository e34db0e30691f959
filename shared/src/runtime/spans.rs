//! The hops of a message as spans: `receive` and `process` of each attempt, `publish` of what follows from it.
//!
//! ```text
//! publish scraping-tasks ── receive ── process ─┬─ publish scraped-data ── receive ── process ── ...
//!                                               ├─ publish retry ── receive ── process (the next attempt; links to the last)
//!                                               └─ publish dead-letter ── ... ── process (replayed; links to the death)
//!                                                                                └─ publish dead-letter (it is handled)
//! ```

use super::{Fault, route::Item, worker::Worker};
use crate::{
    message::{Delivery, Envelope, Headers, Record, Topic, TraceContext, headers as names},
    telemetry::traces::{Attribute, Operation, Span, span_id},
};
use std::time::{Duration, SystemTime};

/// When an attempt began, and how long the handler took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) began: SystemTime,
    pub(super) took: Duration,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) enum Became<'a> {
    /// Its outputs are published.
    Done,
    /// It is tried again.
    Waits,
    /// It failed and is tried again.
    Failed(&'a Fault),
    /// It was given up.
    Died(&'a Fault),
}

/// What is published and has a span of its own.
pub(super) struct Published {
    topic: Topic,
    context: TraceContext,
    id: Option<String>,
    bytes: usize,
}

impl Worker {
    /// The outputs of an item whose spans are wanted; none otherwise.
    pub(super) fn traced_outputs(&self, item: &Item, records: &[Record]) -> Vec<Published> {
        if !self.traces.wants(item.envelope.trace) {
            return Vec::new();
        }
        let published = records.iter().filter_map(|record| {
            let context: TraceContext = record.headers.get_str(names::TRACEPARENT)?.parse().ok()?;
            let context = match is_recovery(&record.headers) {
                // It has the headers of the message itself.
                true => TraceContext {
                    span_id: span_id(context, &recovery(&self.group, item.envelope.replays)),
                    ..context
                },
                false => context,
            };
            let id = record.headers.get_str(names::ID).map(str::to_owned);
            Some(Published { topic: record.topic, context, id, bytes: record.payload.len() })
        });
        published.collect()
    }

    /// An attempt is over, and what it led to is with the broker, or in the transaction that brings it there:
    /// `published` are its outputs.
    pub(super) fn trace(&self, item: &Item, timing: Timing, became: Became<'_>, published: Vec<Published>) {
        let Item { delivery, envelope, .. } = item;
        let trace = envelope.trace;
        if !self.traces.wants(trace) {
            return;
        }
        let Timing { began, took } = timing;
        let processed = match became {
            // Nobody links to it, and more than one may be of the same attempt.
            Became::Waits => trace.child().span_id,
            _ => span_id(trace, &attempt(&self.group, envelope.attempt, envelope.replays)),
        };
        let received = trace.child();
        let reached = SystemTime::from(delivery.timestamp).min(began);
        self.traces.record(Span {
            context: received,
            parent: Some(above(delivery, envelope)),
            operation: Operation::Receive,
            topic: delivery.record.topic.name(),
            began: reached,
            ended: began,
            attributes: self.about(delivery, envelope, Operation::Receive),
            links: Vec::new(),
            error: None,
        });
        let mut attributes = self.about(delivery, envelope, Operation::Process);
        let fault = match became {
            Became::Failed(fault) | Became::Died(fault) => Some(fault),
            Became::Done | Became::Waits => None,
        };
        attributes.extend(fault.map(|fault| ("error.type", Attribute::from(fault.code.as_ref()))));
        self.traces.record(Span {
            context: TraceContext { span_id: processed, ..trace },
            parent: Some(received.span_id),
            operation: Operation::Process,
            topic: delivery.record.topic.name(),
            began,
            ended: began + took,
            attributes,
            links: self.earlier(envelope),
            error: fault.map(Fault::text),
        });
        let (from, until) = (began + took, SystemTime::now());
        for Published { topic, context, id, bytes } in published {
            let mut attributes = messaging(Operation::Publish, topic);
            attributes.extend(id.map(|id| ("messaging.message.id", id.into())));
            attributes.push(("messaging.message.body.size", i64::try_from(bytes).unwrap_or(i64::MAX).into()));
            self.publish_span(context, processed, topic, (from, until), attributes);
        }
    }

    /// A copy of the message went to wait, or to the dead letters.
    pub(super) fn trace_copy(&self, processed: &Envelope, timing: Timing, topic: Topic, copy: &Envelope) {
        if !self.traces.wants(copy.trace) {
            return;
        }
        let id = match topic {
            Topic::DeadLetter => span_id(copy.trace, &death(&self.group, copy.replays)),
            _ => span_id(copy.trace, &wait(copy)),
        };
        let parent = span_id(processed.trace, &attempt(&self.group, processed.attempt, processed.replays));
        let mut attributes = messaging(Operation::Publish, topic);
        attributes.push(("messaging.message.id", copy.id.to_string().into()));
        attributes.push(("trawl.attempt", i64::from(copy.attempt).into()));
        let times = (timing.began + timing.took, SystemTime::now());
        self.publish_span(TraceContext { span_id: id, ..copy.trace }, parent, topic, times, attributes);
    }

    fn publish_span(
        &self,
        context: TraceContext,
        parent: u64,
        topic: Topic,
        (began, ended): (SystemTime, SystemTime),
        attributes: Vec<(&'static str, Attribute)>,
    ) {
        self.traces.record(Span {
            context,
            parent: Some(parent),
            operation: Operation::Publish,
            topic: topic.name(),
            began,
            ended: ended.max(began),
            attributes,
            links: Vec::new(),
            error: None,
        });
    }

    /// The attempt before this one, or the death that a replay undoes.
    fn earlier(&self, envelope: &Envelope) -> Vec<u64> {
        let Envelope { trace, attempt: attempts, replays, target, .. } = envelope;
        if target.as_ref().is_some_and(|target| *target != self.group) {
            return Vec::new();
        }
        let before = match (attempts, replays) {
            (0, 0) => None,
            (0, replays) => Some(death(&self.group, replays - 1)),
            (attempts, replays) => Some(attempt(&self.group, attempts - 1, *replays)),
        };
        before.map(|what| span_id(*trace, &what)).into_iter().collect()
    }

    fn about(
        &self,
        delivery: &Delivery,
        envelope: &Envelope,
        operation: Operation,
    ) -> Vec<(&'static str, Attribute)> {
        let mut about = messaging(operation, delivery.record.topic);
        about.extend([
            ("messaging.consumer.group.name", self.group.as_str().into()),
            ("messaging.destination.partition.id", delivery.partition.to_string().into()),
            ("messaging.kafka.offset", delivery.offset.into()),
            ("messaging.message.id", envelope.id.to_string().into()),
            ("trawl.attempt", i64::from(envelope.attempt).into()),
        ]);
        if envelope.replays > 0 {
            about.push(("trawl.replays", i64::from(envelope.replays).into()));
        }
        about.extend(envelope.subject.as_deref().map(|url| ("url.full", url.into())));
        about.extend(envelope.correlation.map(|crawl| ("trawl.crawl", crawl.to_string().into())));
        about
    }
}

/// What every span of messaging says, by the semantic conventions.
#[must_use]
pub fn messaging(operation: Operation, topic: Topic) -> Vec<(&'static str, Attribute)> {
    let kind = if operation == Operation::Publish { "send" } else { operation.as_str() };
    vec![
        ("messaging.system", "kafka".into()),
        ("messaging.operation.name", operation.as_str().into()),
        ("messaging.operation.type", kind.into()),
        ("messaging.destination.name", topic.name().into()),
    ]
}

/// The span that wrote the record that was read: its message's own, or that of the copy.
fn above(delivery: &Delivery, envelope: &Envelope) -> u64 {
    let trace = envelope.trace;
    let headers = &delivery.record.headers;
    if delivery.record.topic == Topic::DeadLetter {
        let group = headers.get_str(names::DLQ_GROUP).unwrap_or_default();
        let what = if is_recovery(headers) { recovery } else { death };
        return span_id(trace, &what(group, envelope.replays));
    }
    match (&envelope.target, envelope.attempt, envelope.replays) {
        (None, ..) => trace.span_id,
        (Some(group), 0, replays @ 1..) => span_id(trace, &death(group, replays - 1)),
        (Some(_), ..) => span_id(trace, &wait(envelope)),
    }
}

fn attempt(group: &str, attempt: u32, replays: u32) -> String {
    format!("{group}: attempt {attempt} of life {replays}")
}

fn death(group: &str, replays: u32) -> String {
    format!("{group}: death of life {replays}")
}

/// Whether a record says that a message which came back from the dead letters was handled.
fn is_recovery(headers: &Headers) -> bool {
    headers.get_str(names::DLQ_RECOVERED_AT).is_some()
}

fn recovery(group: &str, replays: u32) -> String {
    format!("{group}: recovery in life {replays}")
}

/// A wait is told from others of the same attempt by when it is over.
fn wait(envelope: &Envelope) -> String {
    let Envelope { target, attempt, replays, not_before, .. } = envelope;
    let until = not_before.map_or(0, jiff::Timestamp::as_nanosecond);
    format!("{}: wait {attempt} of life {replays} until {until}", target.as_deref().unwrap_or_default())
}
