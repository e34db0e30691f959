//! Exactly once: what follows from messages and the offsets of these messages are written in one transaction.
//!
//! Handlers run beside each other as always. What they gave waits in the ledger, and every so often a transaction takes
//! it: records, and for each partition the watermark with what is finished above it. Comes a transaction to nothing,
//! its messages are as they were before, with what was made of them, and the next one takes them again. A message that
//! is not in a committed transaction is not done: whoever has its partition next handles it.

use super::{GroupLoop, RunError, State, Unit};
use crate::{
    broker::{Commit, SendError, TransactionError},
    message::Delivery,
    runtime::{settings::TransactionSettings, sink::Gathered, worker::Worker},
};
use futures_util::future::BoxFuture;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Bytes of records that make a transaction full.
const TRANSACTION_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of records that may wait; above it no handler is started.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// How long a transaction that came to nothing is not tried again.
const BACKOFF: Duration = Duration::from_millis(500);

/// See the module's doc.
#[derive(Default)]
pub(super) struct Ledger {
    waiting: VecDeque<Entry>,
    /// Bytes of the records that wait.
    bytes: usize,
    /// When the oldest of them came.
    since: Option<Instant>,
    /// Whether offsets are to be committed although nothing waits.
    asked: bool,
    not_before: Option<Instant>,
    /// Whether the last transaction came to nothing.
    is_failing: bool,
    writing: Option<Writing>,
}

/// A message that was handled.
struct Entry {
    unit: Unit,
    worker: Arc<Worker>,
    gathered: Gathered,
    /// The message, as long as it may still be given up.
    input: Option<Delivery>,
}

struct Writing {
    entries: Vec<Entry>,
    commits: Vec<(u64, Commit)>,
    outcome: BoxFuture<'static, Result<(), TransactionError>>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.gathered.records.iter().map(crate::message::Record::size).sum()
    }
}

impl Ledger {
    /// Enters a message that was handled.
    pub(super) fn enter(
        &mut self,
        unit: Unit,
        worker: &Arc<Worker>,
        gathered: Gathered,
        input: Option<Delivery>,
    ) {
        self.since.get_or_insert_with(Instant::now);
        let entry = Entry { unit, worker: Arc::clone(worker), gathered, input };
        self.bytes += entry.bytes();
        self.waiting.push_back(entry);
    }

    /// Asks for a transaction also where only offsets are new.
    pub(super) fn ask(&mut self) {
        self.asked = true;
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Whether too much waits for more to be handled.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= WAITING_BYTES
    }

    /// When the next transaction begins.
    pub(super) fn due(&self, settings: &TransactionSettings) -> Option<Instant> {
        if self.is_writing() || (self.waiting.is_empty() && !self.asked) {
            return None;
        }
        let is_full = self.waiting.len() >= settings.messages || self.bytes >= TRANSACTION_BYTES;
        let now = Instant::now();
        let due = if is_full || self.asked {
            now
        } else {
            self.since.map_or(now, |since| since + settings.interval)
        };
        Some(self.not_before.map_or(due, |not_before| due.max(not_before)))
    }

    /// The end of the transaction that is being written. Cancel-safe.
    pub(super) async fn outcome(&mut self) -> Result<(), TransactionError> {
        match &mut self.writing {
            Some(writing) => (&mut writing.outcome).await,
            None => std::future::pending().await,
        }
    }

    /// What the next transaction takes.
    fn take(&mut self, settings: &TransactionSettings) -> Vec<Entry> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < settings.messages.max(1) && bytes < TRANSACTION_BYTES {
            let Some(entry) = self.waiting.pop_front() else { break };
            bytes += entry.bytes();
            taken.push(entry);
        }
        self.bytes -= bytes;
        self.since = (!self.waiting.is_empty()).then(Instant::now);
        self.asked = false;
        self.not_before = None;
        taken
    }

    fn put_back(&mut self, entries: Vec<Entry>) {
        for entry in entries.into_iter().rev() {
            self.since.get_or_insert_with(Instant::now);
            self.bytes += entry.bytes();
            self.waiting.push_front(entry);
        }
    }
}

impl GroupLoop {
    /// Begins a transaction if one is due.
    pub(super) fn start_transaction(&self, state: &mut State) {
        let settings = &self.worker.runtime.transactions;
        let Some(transactions) = &self.transactions else { return };
        if state.ledger.due(settings).is_none_or(|due| due > Instant::now()) {
            return;
        }
        let mut entries = Vec::new();
        for entry in state.ledger.take(settings) {
            match state.assignment_of(&entry.unit) {
                Some(assigned) => {
                    assigned.tracker.finish(entry.unit.offset);
                    entries.push(entry);
                }
                // Its partition is another member's, who handles it again.
                None => state.release(&entry.unit),
            }
        }
        let entries = postpone_untold(state, entries);
        let partitions: Vec<_> = state.assigned.keys().copied().collect();
        let commits = self.commits(state, &partitions);
        if entries.is_empty() && commits.is_empty() {
            return;
        }
        let epoch =
            |commit: &Commit| state.assigned.get(&commit.partition).map_or(0, |assigned| assigned.epoch);
        let records = entries.iter().flat_map(|entry| entry.gathered.records.iter().cloned()).collect();
        let outcome = transactions.write(records, commits.clone());
        let commits = commits.into_iter().map(|commit| (epoch(&commit), commit)).collect();
        state.ledger.writing = Some(Writing { entries, commits, outcome });
    }

    /// Takes note of how a transaction ended.
    pub(super) fn settle_transaction(
        &self,
        state: &mut State,
        outcome: Result<(), TransactionError>,
    ) -> Result<(), RunError> {
        let Some(Writing { entries, commits, .. }) = state.ledger.writing.take() else { return Ok(()) };
        let is_current = |state: &State, epoch: u64, commit: &Commit| {
            state.assigned.get(&commit.partition).is_some_and(|assigned| assigned.epoch == epoch)
        };
        let commits: Vec<Commit> = commits
            .into_iter()
            .filter(|(epoch, commit)| is_current(state, *epoch, commit))
            .map(|(_, commit)| commit)
            .collect();
        let error = match outcome {
            Ok(()) => {
                state.note_committed(&commits);
                for Entry { unit, worker, gathered, .. } in entries {
                    state.release(&unit);
                    worker.count_produced(&gathered.records);
                    gathered.handled.into_iter().for_each(|identity| worker.remember(identity));
                }
                self.worker.metrics.transaction("committed");
                if std::mem::take(&mut state.ledger.is_failing) {
                    self.worker.works_again();
                }
                return Ok(());
            }
            Err(error) => error,
        };
        self.worker.metrics.transaction("aborted");
        for Entry { unit, .. } in &entries {
            if let Some(assigned) = state.assignment_of(unit) {
                assigned.tracker.reopen(unit.offset);
            }
        }
        state.note_not_committed(&commits);
        match error {
            TransactionError::Aborted(why) => {
                tracing::warn!(
                    group = self.worker.group,
                    "a transaction came to nothing and is tried again: {why}"
                );
                self.worker.health.not_ready(format!("transactions: {why}"));
                state.ledger.is_failing = true;
                state.ledger.put_back(entries);
                state.ledger.not_before = Some(Instant::now() + BACKOFF);
                Ok(())
            }
            TransactionError::Refused { index, error } => self.give_up(state, entries, index, error),
            TransactionError::Fatal(why) => Err(SendError::Fatal(why).into()),
        }
    }

    /// One record can never be written: the message that it follows from is given up, the others go into the next
    /// transaction.
    fn give_up(
        &self,
        state: &mut State,
        mut entries: Vec<Entry>,
        index: usize,
        error: SendError,
    ) -> Result<(), RunError> {
        let mut behind = 0;
        let found = entries.iter().position(|entry| {
            behind += entry.gathered.records.len();
            index < behind
        });
        let refused = found.map(|at| entries.remove(at));
        state.ledger.put_back(entries);
        let Some(Entry { unit, worker, input: Some(input), .. }) = refused else { return Err(error.into()) };
        self.spawn(state, vec![unit], None, &worker, |worker, sink| async move {
            worker.give_up_output(&input, error, &sink).await
        });
        Ok(())
    }

    /// Writes what waits, until the deadline at most.
    pub(super) async fn write_out(&self, state: &mut State, deadline: Instant) -> Result<(), RunError> {
        loop {
            state.ledger.ask();
            self.start_transaction(state);
            if state.ledger.is_writing() {
                let Ok(outcome) = tokio::time::timeout_at(deadline, state.ledger.outcome()).await else {
                    break;
                };
                self.settle_transaction(state, outcome)?;
                continue;
            }
            match state.ledger.due(&self.worker.runtime.transactions) {
                Some(due) if due < deadline => tokio::time::sleep_until(due).await,
                _ => break,
            }
        }
        Ok(())
    }
}

/// What a commit can't tell would be handled again, so it is not written yet: of a partition with too many gaps the
/// highest offsets wait until those below are done.
fn postpone_untold(state: &mut State, mut entries: Vec<Entry>) -> Vec<Entry> {
    let untold = |state: &State| {
        let mut assigned = state.assigned.iter();
        assigned.find(|(_, assigned)| !assigned.tracker.is_told_in_full()).map(|(partition, _)| *partition)
    };
    let mut postponed = Vec::new();
    while let Some(partition) = untold(state) {
        let mut offsets: Vec<_> = entries
            .iter()
            .filter(|entry| entry.unit.partition == partition)
            .map(|entry| entry.unit.offset)
            .collect();
        offsets.sort_unstable();
        let Some(from) = offsets.get(offsets.len() / 2).copied() else { break };
        let (later, now) = entries
            .into_iter()
            .partition(|entry| entry.unit.partition == partition && entry.unit.offset >= from);
        entries = now;
        for entry in &later {
            if let Some(assigned) = state.assignment_of(&entry.unit) {
                assigned.tracker.reopen(entry.unit.offset);
            }
        }
        postponed.extend::<Vec<Entry>>(later);
    }
    if !postponed.is_empty() {
        state.ledger.not_before = Some(Instant::now() + BACKOFF);
        state.ledger.put_back(postponed);
    }
    entries
}
