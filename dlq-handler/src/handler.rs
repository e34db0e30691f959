//! The service's handler: dead letters into the ledger.

use crate::{letter::Letter, store::Ledger};
use std::sync::Arc;
use trawl_shared::{
    message::DeadLetter,
    runtime::{BatchHandler, Context, Failure},
    sql::RETRY_AFTER,
};

/// Enters every dead letter into the ledger.
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
    type In = DeadLetter;
    type Out = ();

    /// Whatever is wrong is held in place: a letter that can't be entered must not become another letter.
    async fn handle(&self, batch: Vec<(DeadLetter, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        let letters: Vec<Letter> = batch
            .into_iter()
            .map(|(letter, context)| Letter::new(letter, context.envelope.id, &context.worker))
            .collect();
        let entered = self.ledger.enter(&letters).await;
        entered.map_err(|error| Failure::later(RETRY_AFTER, format!("the ledger: {error}")))?;
        Ok(letters.iter().map(|_| Ok(())).collect())
    }
}
