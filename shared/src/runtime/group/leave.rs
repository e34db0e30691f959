//! Letting go: of partitions that become another member's, and of everything at the end.

use super::{GroupLoop, RunError, State, partition_of};
use crate::{
    broker::{Event, Partition},
    message::Delivery,
};
use std::time::Duration;
use tokio::time::Instant;

/// What a last transaction may take in any case.
const LAST_TRANSACTION: Duration = Duration::from_secs(2);
/// How long handlers that were told to stop may take to notice.
const DROP_TIMEOUT: Duration = Duration::from_millis(500);

impl GroupLoop {
    /// Stops work on partitions that go: what has not begun is forgotten, what runs is finished
    /// within the deadline, what finished is committed. What only the partition's owner may do (see
    /// [`Handler::OWNED`](super::super::Handler::OWNED)) is dropped at the deadline, or at once where the partition is lost.
    pub(super) async fn revoke(
        &self,
        state: &mut State,
        partitions: &[Partition],
        lost: bool,
    ) -> Result<(), RunError> {
        let goes = |delivery: &Delivery| partitions.contains(&partition_of(delivery));
        let (mut forgotten, mut bytes) = (0, 0);
        state.ready.retain(|ready| {
            let keep = !goes(&ready.delivery);
            if !keep {
                forgotten += 1;
                bytes += ready.delivery.record.size();
            }
            keep
        });
        state.in_flight -= forgotten;
        state.in_flight_bytes -= bytes;
        for partition in partitions {
            state.hold.forget(*partition);
        }
        let deadline = Instant::now() + self.worker.runtime.revoke_timeout;
        if !lost {
            self.wait_for(state, partitions, deadline).await;
        }
        for partition in partitions {
            if let Some(assigned) = state.assigned.get(partition) {
                assigned.gone.cancel();
            }
        }
        self.wait_for(state, partitions, Instant::now() + DROP_TIMEOUT).await;
        if !lost && self.transactions.is_some() {
            self.write_out(state, deadline.max(Instant::now() + LAST_TRANSACTION)).await?;
        } else if !lost {
            self.commit_of(state, partitions).await;
        }
        for partition in partitions {
            state.assigned.remove(partition);
            self.worker.metrics.forget_lag(partition.topic, partition.number);
        }
        Ok(())
    }

    /// Waits until nothing of the partitions runs, until the deadline at most.
    async fn wait_for(&self, state: &mut State, partitions: &[Partition], deadline: Instant) {
        while partitions.iter().any(|p| state.assigned.get(p).is_some_and(|a| a.running > 0)) {
            let Ok(Some(done)) = tokio::time::timeout_at(deadline, state.running.join_next()).await else {
                break;
            };
            if self.finish(state, done).is_err() {
                break;
            }
        }
    }

    /// Finishes what runs, commits what finished.
    pub(super) async fn drain(&self, state: &mut State) -> Result<(), RunError> {
        self.worker.health.not_ready("shutting down");
        if self.worker.circuit.is_open() {
            // What runs would wait for its turn.
            self.worker.stop.cancel();
        }
        let deadline = Instant::now() + self.worker.runtime.drain_timeout;
        // Nothing more is to come. Where the consumer is busy with a rebalance, that is heard of below.
        let held = state.assigned.keys().copied().collect();
        let _ = tokio::time::timeout(DROP_TIMEOUT, self.consumer.set_paused(held, true)).await;
        let mut listens = true;
        while !state.running.is_empty() {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(deadline) => break,
                Some(done) = state.running.join_next() => {
                    if self.finish(state, done).is_err() {
                        break;
                    }
                }
                event = self.consumer.next(), if listens => match event {
                    // The next owner does not wait until we are gone, so what we do there ends now.
                    Ok(Event::Revoked { partitions, lost, done }) => {
                        let let_go = self.revoke(state, &partitions, lost).await;
                        drop(done);
                        let_go?;
                    }
                    // What comes all the same stays uncommitted, for whoever is next.
                    Ok(Event::Records(_) | Event::Assigned(_)) => {}
                    Err(_) => listens = false,
                },
            }
        }
        self.worker.stop.cancel();
        while let Some(done) = state.running.join_next().await {
            if self.finish(state, done).is_err() {
                break;
            }
        }
        if self.transactions.is_some() {
            return self.write_out(state, deadline.max(Instant::now() + LAST_TRANSACTION)).await;
        }
        self.commit(state).await;
        Ok(())
    }
}
