//! What becomes of messages that were handled: their offsets count as done, and are committed.

use super::{GroupLoop, RunError, State, Unit};
use crate::{
    broker::{Commit, Partition},
    message::Delivery,
    runtime::{
        sink::{Gathered, Sink},
        worker::{Stopped, Worker},
    },
};
use std::sync::Arc;

/// The end of a task of the loop.
pub(super) struct Done {
    pub(super) units: Vec<Unit>,
    pub(super) worker: Arc<Worker>,
    /// The message, where it is the only one and may yet have to be given up.
    pub(super) input: Option<Delivery>,
    /// The records that are not published yet, where that is left to a transaction.
    pub(super) result: Result<Gathered, Stopped>,
}

impl GroupLoop {
    /// Runs `work` beside the loop, on the records of `units`. What it publishes goes to the broker at once, or into a
    /// transaction.
    pub(super) fn spawn<F>(
        &self,
        state: &mut State,
        units: Vec<Unit>,
        input: Option<Delivery>,
        worker: &Arc<Worker>,
        work: impl FnOnce(Arc<Worker>, Arc<Sink>) -> F,
    ) where
        F: Future<Output = Result<(), Stopped>> + Send + 'static,
    {
        for unit in &units {
            if let Some(assigned) = state.assignment_of(unit) {
                assigned.running += 1;
            }
        }
        let sink = Arc::new(if self.transactions.is_some() { Sink::gathering() } else { Sink::AtOnce });
        // Kilobytes, which a task would copy from place to place as it is made.
        let work = Box::pin(work(Arc::clone(worker), Arc::clone(&sink)));
        let worker = Arc::clone(worker);
        state.running.spawn(async move {
            let result = work.await;
            Done { units, worker, input, result: result.map(|()| sink.take()) }
        });
        self.show_in_flight(state);
    }

    pub(super) fn finish(
        &self,
        state: &mut State,
        done: Result<Done, tokio::task::JoinError>,
    ) -> Result<(), RunError> {
        // The worker catches panics of handlers, so only a bug of the runtime's own gets here.
        let Done { units, worker, input, result } =
            done.map_err(|error| RunError::Background(error.into()))?;
        let gathered = match result {
            Ok(gathered) => Some(gathered),
            Err(Stopped::Shutdown) => None,
            Err(Stopped::Fatal(error)) => return Err(error.into()),
        };
        for unit in &units {
            // A result of an earlier assignment says nothing of this one.
            if let Some(assigned) = state.assignment_of(unit) {
                assigned.running = assigned.running.saturating_sub(1);
            }
        }
        match gathered {
            Some(gathered) if self.transactions.is_some() => {
                // Whoever delivers exactly once takes no batches: the records are those of one message.
                units
                    .into_iter()
                    .for_each(|unit| state.ledger.enter(unit, &worker, gathered.clone(), input.clone()));
            }
            outcome => {
                for unit in &units {
                    state.release(unit);
                    if let Some(assigned) = state.assignment_of(unit).filter(|_| outcome.is_some()) {
                        assigned.tracker.finish(unit.offset);
                    }
                }
                state.finished_since_commit += units.len();
            }
        }
        self.show_in_flight(state);
        Ok(())
    }

    fn show_in_flight(&self, state: &State) {
        self.worker.metrics.in_flight.set(i64::try_from(state.in_flight).unwrap_or(i64::MAX));
    }

    pub(super) async fn commit(&self, state: &mut State) {
        state.finished_since_commit = 0;
        if self.transactions.is_some() {
            // Offsets of messages that nothing follows from.
            state.ledger.ask();
            return;
        }
        let partitions: Vec<_> = state.assigned.keys().copied().collect();
        self.commit_of(state, &partitions).await;
    }

    pub(super) async fn commit_of(&self, state: &mut State, partitions: &[Partition]) {
        let commits = self.commits(state, partitions);
        if commits.is_empty() {
            return;
        }
        match self.consumer.commit(commits.clone()).await {
            Ok(()) => state.note_committed(&commits),
            Err(error) => {
                self.worker.metrics.commit_failures.inc();
                tracing::debug!(group = self.worker.group, "{error}; the next commit covers it");
                state.note_not_committed(&commits);
            }
        }
    }

    /// What there is to commit.
    pub(super) fn commits(&self, state: &mut State, partitions: &[Partition]) -> Vec<Commit> {
        let mut commits: Vec<Commit> = Vec::new();
        for partition in partitions {
            let Some(assigned) = state.assigned.get_mut(partition) else { continue };
            if let Some(commit) = assigned.tracker.commit() {
                commits.push(commit);
            }
        }
        commits
    }
}

impl State {
    /// The record takes no room any more.
    pub(super) fn release(&mut self, unit: &Unit) {
        self.in_flight -= 1;
        self.in_flight_bytes -= unit.size;
    }

    pub(super) fn note_committed(&mut self, commits: &[Commit]) {
        for commit in commits {
            if let Some(assigned) = self.assigned.get_mut(&commit.partition) {
                assigned.tracker.committed(commit);
            }
        }
    }

    pub(super) fn note_not_committed(&mut self, commits: &[Commit]) {
        for commit in commits {
            if let Some(assigned) = self.assigned.get_mut(&commit.partition) {
                assigned.tracker.commit_again();
            }
        }
    }
}
