//! What becomes of records of `retry`: they are held until they go on, to their handler, back to their topic, or to a
//! shorter tier.

use super::{GroupLoop, RunError, State, Unit};
use crate::{
    broker::Partition,
    message::{Delivery, Envelope, Record, headers},
    runtime::{
        hold::{Held, partition_of},
        intake::{Intake, unaddressed},
        sink::Gathered,
        tiers::Tiers,
    },
};

/// Most records that are sent on in one go.
const FORWARD_AT_ONCE: usize = 128;

impl GroupLoop {
    /// Holds a record that is addressed to one of the service's groups; others are nobody's affair here.
    pub(super) async fn hold(
        &self,
        state: &mut State,
        delivery: Delivery,
        epoch: u64,
    ) -> Result<(), RunError> {
        let Intake::Retries(groups) = &self.intake else { return Ok(()) };
        let partition = partition_of(&delivery);
        let is_ours = |target: &str| groups.contains_key(target);
        // Most records are another service's: nothing else of them is read.
        if delivery.record.headers.get_str(headers::TARGET_GROUP).is_some_and(|target| !is_ours(target)) {
            state.finish_unread(partition, delivery.offset);
            return Ok(());
        }
        let envelope = match Envelope::read(&delivery.record) {
            Ok(envelope) => envelope,
            Err(error) => {
                // Nobody is addressed: every service sees it, and the ledger of dead letters collapses theirs.
                let unit = Unit::of(&delivery, epoch);
                let letter = unaddressed(&self.worker, delivery, &error.to_string());
                self.forward(state, vec![(unit, letter.into_record())]);
                return Ok(());
            }
        };
        if !envelope.target.as_deref().is_some_and(is_ours) {
            state.finish_unread(partition, delivery.offset);
            return Ok(());
        }
        let not_before = envelope.not_before.unwrap_or(delivery.timestamp);
        let now = self.worker.runtime.clock.now();
        let is_owned = self.intake.retry_route(&envelope, &delivery).is_some_and(|(_, route)| route.owned);
        let held = Held {
            wake: self.tiers().wake_at(delivery.partition, not_before, delivery.timestamp, now),
            not_before,
            spread: spread(&envelope),
            home: envelope.origin.map(|origin| origin.topic).filter(|_| is_owned),
            delivery,
            epoch,
        };
        if state.hold.push(held, now) {
            self.consumer.set_paused(vec![partition], true).await?;
        }
        self.worker.metrics.held(state.hold.bytes());
        Ok(())
    }

    /// Records that go on: those that are due to their handler, others to a shorter tier.
    pub(super) async fn wake_held(&self, state: &mut State) -> Result<(), RunError> {
        let clock = self.worker.runtime.clock;
        let mut onward = Vec::new();
        while self.has_room(state) && onward.len() < FORWARD_AT_ONCE {
            let now = clock.now();
            let Some(held) = state.hold.pop_due(now) else { break };
            let unit = Unit::of(&held.delivery, held.epoch);
            if held.not_before > now {
                let delay = clock.until(held.not_before);
                let partition = Some(self.tiers().partition(delay, held.spread));
                onward.push((unit, Record { partition, ..held.delivery.record }));
                continue;
            }
            self.worker.metrics.retried_late(now.duration_since(held.not_before));
            match held.home {
                // Its partition's owner handles it, whoever that is now.
                Some(topic) => onward.push((unit, Record { topic, partition: None, ..held.delivery.record })),
                None => state.make_ready(held.delivery, held.epoch),
            }
        }
        self.forward(state, onward);
        let resumed: Vec<Partition> = state.hold.resume(clock.now());
        if !resumed.is_empty() {
            self.consumer.set_paused(resumed, false).await?;
        }
        self.worker.metrics.held(state.hold.bytes());
        Ok(())
    }

    fn tiers(&self) -> Tiers {
        Tiers::new(self.worker.runtime.retry_partitions)
    }

    /// Sends records on in place of those they were made of. Many are on their way at once.
    fn forward(&self, state: &mut State, onward: Vec<(Unit, Record)>) {
        if onward.is_empty() {
            return;
        }
        let (units, records): (Vec<Unit>, Vec<Record>) = onward.into_iter().unzip();
        state.in_flight += units.len();
        state.in_flight_bytes += units.iter().map(|unit| unit.size).sum::<usize>();
        if self.transactions.is_some() {
            for (unit, record) in units.into_iter().zip(records) {
                state.ledger.enter(unit, &self.worker, Gathered::record(record), None);
            }
            return;
        }
        self.spawn(state, units, None, &self.worker, |worker, sink| async move {
            worker.publish_surely(records, &sink).await
        });
    }
}

impl State {
    fn finish_unread(&mut self, partition: Partition, offset: i64) {
        if let Some(assigned) = self.assigned.get_mut(&partition) {
            assigned.tracker.finish(offset);
        }
    }
}

/// Records of one id spread over the partitions of a tier the same way each time.
pub(in crate::runtime) fn spread(envelope: &Envelope) -> u64 {
    envelope.id.0.as_u64_pair().1
}
