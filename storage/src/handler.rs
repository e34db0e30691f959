//! The service's handler: batches of ended tasks into the store and the outputs.

use crate::{
    input::EndedTask,
    sink::{OutputError, Outputs, SharedOutputs, WriteFailure},
    store::PageStore,
    write::{CONSUMER, Entry, write},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::watch;
use trawl_shared::{
    model::code,
    runtime::{BatchHandler, Context, Failure, FailureClass},
    sql::RETRY_AFTER,
    telemetry::{Counters, catalog},
};

/// What the process is told of an output that can't be written: then it stops.
pub type OutputTrouble = watch::Receiver<Option<Arc<OutputError>>>;

/// What a handler has stored, for who watches: not durable, and not exact over redeliveries.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicU64>);

impl Tally {
    /// Bytes of body behind the rows.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Stores how tasks ended.
pub struct StoreHandler {
    store: Arc<dyn PageStore>,
    /// Without outputs batches may be stored side by side; with them, one after the other.
    outputs: Option<SharedOutputs>,
    trouble: Trouble,
    tally: Tally,
    stored: Counters,
}

impl StoreHandler {
    /// A handler that writes to the store alone.
    #[must_use]
    pub fn new(store: Arc<dyn PageStore>) -> Self {
        Self {
            store,
            outputs: None,
            trouble: Trouble::default(),
            tally: Tally::default(),
            stored: counters(),
        }
    }

    /// A handler that writes to outputs as well, and what tells when one of them fails. From then on every
    /// message is held: nothing is stored that is not in the outputs too.
    #[must_use]
    pub fn with_outputs(store: Arc<dyn PageStore>, outputs: Outputs) -> (Self, OutputTrouble) {
        let trouble = Trouble::default();
        let receiver = trouble.listen();
        (Self::beside(store, outputs.into(), trouble), receiver)
    }

    /// A handler that writes to outputs which somebody else completes, and tells of trouble there.
    #[must_use]
    pub fn beside(store: Arc<dyn PageStore>, outputs: SharedOutputs, trouble: Trouble) -> Self {
        Self { store, outputs: Some(outputs), trouble, tally: Tally::default(), stored: counters() }
    }

    /// What it counts.
    pub(crate) fn stored(&self) -> Counters {
        self.stored.clone()
    }

    /// What it stores from now on.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    async fn store(
        &self,
        outputs: &mut Outputs,
        entries: &[(usize, Entry)],
    ) -> Result<Vec<(usize, Failure)>, Failure> {
        // Halves, quarters, ... of a batch that holds something the store refuses, until that is alone.
        let mut parts = vec![entries];
        let mut refused = Vec::new();
        while let Some(part) = parts.pop() {
            let batch: Vec<&Entry> = part.iter().map(|(_, entry)| entry).collect();
            match write(&*self.store, outputs, &batch).await {
                Ok(()) => {}
                Err(error) if error.refuses_content() => match part {
                    [(at, _)] => refused.push((*at, rejected(error))),
                    part => parts.extend([part.split_at(part.len() / 2).0, part.split_at(part.len() / 2).1]),
                },
                Err(WriteFailure::Output(error)) => return Err(self.trouble.tell(error)),
                Err(error) => return Err(Failure::later(RETRY_AFTER, error.to_string())),
            }
        }
        Ok(refused)
    }
}

fn counters() -> Counters {
    Counters::new(&catalog::ROWS_STORED)
}

/// Where handlers tell of an output that can't be written, and ask whether there is one.
#[derive(Clone, Debug)]
pub struct Trouble(watch::Sender<Option<Arc<OutputError>>>);

impl Default for Trouble {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Trouble {
    /// What is told from now on.
    #[must_use]
    pub fn listen(&self) -> OutputTrouble {
        self.0.subscribe()
    }

    /// Tells, and holds the message that met it.
    pub(crate) fn tell(&self, error: OutputError) -> Failure {
        let why = error.to_string();
        tracing::error!("{why}");
        self.0.send_replace(Some(Arc::new(error)));
        Failure::later(RETRY_AFTER, why)
    }

    /// Holds every message once there is trouble.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &*self.0.borrow() {
            Some(error) => Err(Failure::later(RETRY_AFTER, error.to_string())),
            None => Ok(()),
        }
    }
}

fn rejected(error: WriteFailure) -> Failure {
    match error {
        WriteFailure::Store(error) => error.into(),
        error => Failure::reject(FailureClass::Storage, code::UNDECODABLE, error),
    }
}

impl BatchHandler for StoreHandler {
    const NAME: &'static str = CONSUMER;
    type In = EndedTask;
    type Out = ();

    async fn handle(&self, batch: Vec<(EndedTask, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        self.trouble.check()?;
        let mut answers: Vec<Result<(), Failure>> = batch.iter().map(|_| Ok(())).collect();
        let entries: Vec<(usize, Entry)> = batch
            .into_iter()
            .enumerate()
            .filter_map(|(at, (ended, context))| {
                let page = ended.into_page()?;
                Some((at, Entry { message: context.envelope.id, page }))
            })
            .collect();
        if entries.is_empty() {
            return Ok(answers);
        }
        let refused = match &self.outputs {
            Some(outputs) => self.store(&mut *outputs.0.lock().await, &entries).await?,
            None => self.store(&mut Outputs::default(), &entries).await?,
        };
        let bytes = entries.iter().map(|(_, entry)| entry.page.body_bytes).sum();
        self.tally.0.fetch_add(bytes, Ordering::Relaxed);
        let mut stored: BTreeMap<&str, u64> = BTreeMap::new();
        entries.iter().for_each(|(_, entry)| *stored.entry(entry.page.outcome.as_str()).or_default() += 1);
        for (outcome, rows) in stored {
            self.stored.of(&[outcome]).inc_by(rows);
        }
        for (at, failure) in refused {
            answers[at] = Err(failure);
        }
        Ok(answers)
    }
}
