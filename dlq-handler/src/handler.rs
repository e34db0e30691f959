//! The service's handler: dead letters into the ledger, and out of it when their replays were handled.

use crate::{
    letter::{Letter, LetterId},
    store::{Ledger, Resolution},
};
use std::sync::Arc;
use trawl_shared::{
    message::{LetterNews, Recovered},
    runtime::{BatchHandler, Context, Failure},
    sql::RETRY_AFTER,
};

/// Enters every dead letter into the ledger, and closes those whose replay was handled.
pub struct LedgerHandler {
    ledger: Arc<dyn Ledger>,
}

impl LedgerHandler {
    /// A handler that writes to this ledger.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger }
    }
}

impl BatchHandler for LedgerHandler {
    const NAME: &'static str = "dlq-handler";
    type In = LetterNews;
    type Out = ();

    /// Whatever is wrong is held in place: a letter that can't be entered must not become another letter.
    async fn handle(&self, batch: Vec<(LetterNews, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        let answers = batch.iter().map(|_| Ok(())).collect();
        let (mut letters, mut resolutions) = (Vec::new(), Vec::new());
        for (news, context) in batch {
            match news {
                LetterNews::Died(letter) => {
                    letters.push(Letter::new(letter, &context.envelope, &context.worker));
                }
                LetterNews::Recovered(recovered) => resolutions.push(resolution(recovered)),
            }
        }
        let held = |error| Failure::later(RETRY_AFTER, format!("the ledger: {error}"));
        // A replay is told of behind the death it answers, so deaths go first.
        self.ledger.enter(&letters).await.map_err(held)?;
        if !resolutions.is_empty() {
            self.ledger.resolve(&resolutions).await.map_err(held)?;
        }
        Ok(answers)
    }
}

fn resolution(recovered: Recovered) -> Resolution {
    let Recovered { envelope, group, worker, at, .. } = recovered;
    Resolution { id: LetterId::derive(envelope.id, &group), replays: envelope.replays, at, by: worker }
}
