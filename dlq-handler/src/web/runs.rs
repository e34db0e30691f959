//! Replays that were started here: they run on while nobody looks, and can be stopped.

use super::Desk;
use crate::replay::{Letters, Replayer, Report, Sending, Speed};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Runs that are remembered.
const REMEMBERED: usize = 20;
/// How long a run looks what became of its letters when all are sent.
const LOOKS_ON: Duration = Duration::from_secs(600);

/// All runs of this process.
#[derive(Clone)]
pub(super) struct Runs {
    desk: Desk,
    known: Arc<Mutex<Known>>,
    shutdown: CancellationToken,
}

#[derive(Default)]
struct Known {
    last: u64,
    runs: VecDeque<(Run, CancellationToken)>,
}

/// A run as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Run {
    /// Its number.
    pub(super) run: u64,
    /// Which letters: a filter, or how many were named.
    pub(super) letters: String,
    /// Who started it.
    pub(super) by: String,
    /// When.
    pub(super) began: Timestamp,
    /// Letters that were chosen when it began.
    pub(super) chosen: u64,
    /// How it goes.
    #[serde(flatten)]
    pub(super) report: Report,
    /// Why it failed, where it did.
    pub(super) error: Option<String>,
}

/// What to send again, and how.
pub(super) struct Wanted {
    pub(super) letters: Letters,
    pub(super) by: String,
    pub(super) speed: Speed,
    pub(super) after: Duration,
}

impl Runs {
    pub(super) fn new(desk: Desk, shutdown: CancellationToken) -> Self {
        Self { desk, known: Arc::default(), shutdown }
    }

    /// The latest runs, the last one first.
    pub(super) fn all(&self) -> Vec<Run> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.runs.iter().map(|(run, _)| run.clone()).collect()
    }

    /// Stops a run; answers whether there is one of that number.
    pub(super) fn stop(&self, number: u64) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let run = known.runs.iter().find(|(run, _)| run.run == number);
        run.inspect(|(_, stop)| stop.cancel()).is_some()
    }

    /// Starts one and answers its number.
    pub(super) fn start(&self, wanted: Wanted, chosen: u64) -> u64 {
        let stop = self.shutdown.child_token();
        let letters = match &wanted.letters {
            Letters::Ids(ids) => ids.iter().map(|id| id.short()).collect::<Vec<_>>().join(" "),
            Letters::Where(filter) => filter.to_string(),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.last += 1;
        let (number, by) = (known.last, wanted.by.clone());
        let run = Run {
            run: number,
            letters,
            by,
            began: Timestamp::now(),
            chosen,
            report: Report::default(),
            error: None,
        };
        known.runs.push_front((run, stop.clone()));
        known.runs.truncate(REMEMBERED);
        drop(known);
        tokio::spawn(self.clone().run(number, wanted, stop));
        number
    }

    async fn run(self, number: u64, wanted: Wanted, stop: CancellationToken) {
        let Desk { ledger, producer, retry_partitions } = &self.desk;
        let Wanted { letters, by, speed, after } = wanted;
        let sending = Sending { after, ..Sending::now(*retry_partitions) };
        let mut run = Replayer::new(&**ledger, &**producer, &by, sending);
        let sent = run.send(&letters, speed, &stop, |report| self.note(number, Ok(report.clone()))).await;
        let is_sent = sent.is_ok();
        self.note(number, sent.map_err(|error| error.to_string()));
        if is_sent {
            let watched = run.wait(LOOKS_ON, &stop, |report| self.note(number, Ok(report.clone()))).await;
            self.note(number, watched.map_err(|error| error.to_string()));
        }
    }

    fn note(&self, number: u64, report: Result<Report, String>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((run, _)) = known.runs.iter_mut().find(|(run, _)| run.run == number) {
            match report {
                Ok(report) => run.report = report,
                Err(error) => run.error = Some(error),
            }
        }
    }
}
