//! `dlq-handler replay` and `discard`: what can be done about letters.

use crate::{
    letter::State,
    replay::{ReplayError, replay},
    store::{Change, Ledger},
};
use std::io::Write;
use trawl_shared::{
    broker::Producer,
    cli::{CliError, Exit, OrExit as _},
};

/// Which letters to send again.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayArgs {
    /// Letters, by their ids or the first digits of them
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub ids: Vec<String>,
    /// Every open letter
    #[arg(long)]
    pub all: bool,
}

impl ReplayArgs {
    /// Sends them and says how many there were.
    ///
    /// # Errors
    /// When a letter is not there, the broker does not take a record, or the ledger fails.
    pub async fn run(
        &self,
        ledger: &dyn Ledger,
        producer: &dyn Producer,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let ids = if self.all { ledger.open_ids().await? } else { super::named(ledger, &self.ids).await? };
        let sent = replay(ledger, producer, &ids, &super::operator()).await.map_err(|error| match error {
            ReplayError::Ledger(error) => error.into(),
            error => CliError::new(Exit::Broker, error),
        })?;
        writeln!(out, "{sent} sent again").or_exit(Exit::Output)
    }
}

/// Which letters to be done with.
#[derive(Clone, Debug, clap::Args)]
pub struct DiscardArgs {
    /// Letters, by their ids or the first digits of them
    #[arg(required = true)]
    pub ids: Vec<String>,
    /// Why; kept with the letters
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl DiscardArgs {
    /// Marks them and says how many there were.
    ///
    /// # Errors
    /// When a letter is not there, or the ledger fails.
    pub async fn run(&self, ledger: &dyn Ledger, out: &mut dyn Write) -> Result<(), CliError> {
        let ids = super::named(ledger, &self.ids).await?;
        let by = super::operator();
        let change = Change { state: State::Discarded, by: &by, remark: self.reason.as_deref() };
        let mut discarded = 0;
        for id in ids {
            if let Some(letter) = ledger.summary(id).await? {
                discarded += usize::from(ledger.change(id, letter.generation, &change).await?);
            }
        }
        writeln!(out, "{discarded} discarded").or_exit(Exit::Output)
    }
}
