//! Giving messages up: the record goes to `dead-letter`, byte for byte and with its whole story.

use super::{
    Fault,
    route::Stage,
    sink::Sink,
    spans::Timing,
    worker::{Stopped, Worker, source_of},
};
use crate::{
    broker::SendError,
    message::{DeadLetter, Delivery, Envelope, LetterReason, Topic, headers as names},
    model::{FailureClass, code},
    telemetry::LastLetter,
};
use std::time::{Duration, SystemTime};

/// The code of a message whose outputs the broker never takes.
pub(super) const OUTPUT_TOO_LARGE: &str = "output_too_large";

impl Worker {
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
    pub(super) async fn bury_unread(
        &self,
        delivery: &Delivery,
        fault: &Fault,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        while self.waits_for_turn(delivery, fault) {
            self.take_turn().await?;
        }
        self.bury(delivery, None, Stage::Decode, fault, sink).await
    }

    /// The record goes to `dead-letter` with its whole story.
    pub(super) async fn bury(
        &self,
        delivery: &Delivery,
        envelope: Option<(&Envelope, Timing)>,
        stage: Stage,
        fault: &Fault,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let mut record = delivery.record.clone();
        let mut source = source_of(delivery);
        let mut group = self.group.clone();
        let mut attempts = 1;
        if let Some((envelope, timing)) = envelope {
            let mut envelope = envelope.clone();
            self.note_attempt(&mut envelope, fault, timing.took);
            attempts = envelope.attempt;
            source = envelope.origin.unwrap_or(source);
            group = envelope.target.clone().unwrap_or(group);
            envelope.write_to(&mut record.headers);
        }
        self.metrics.dead_lettered(source.topic, &fault.code);
        tracing::warn!(
            service = self.service, group, topic = %source.topic, partition = source.partition, offset = source.offset,
            code = %fault.code, attempts, crawl = envelope.and_then(|(e, _)| e.correlation).map(tracing::field::display),
            message = envelope.map(|(e, _)| tracing::field::display(e.id)),
            trace = envelope.map(|(e, _)| tracing::field::display(e.trace)),
            "gave up on a message of {}: {}", source.topic, fault.text()
        );
        self.health.gave_up(LastLetter {
            at: self.runtime.clock.now(),
            group: group.clone(),
            code: fault.code.clone().into_owned(),
            url: envelope.and_then(|(envelope, _)| envelope.subject.clone()),
            trace: envelope.map(|(envelope, _)| format!("{:032x}", envelope.trace.trace_id)),
            error: fault.text(),
        });
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
        self.publish_surely(vec![DeadLetter { record, reason }.into_record()], sink).await?;
        if let Some((envelope, timing)) = envelope {
            self.trace_copy(envelope, timing, Topic::DeadLetter, envelope);
        }
        Ok(())
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
        let attempt = envelope
            .as_ref()
            .map(|envelope| (envelope, Timing { began: SystemTime::now(), took: Duration::ZERO }));
        self.bury(delivery, attempt, Stage::Encode, &fault, sink).await
    }
}
