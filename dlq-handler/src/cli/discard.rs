//! `dlq-handler discard`: letters are done with.

use super::ChooseArgs;
use crate::{replay::discard, store::Ledger};
use std::io::Write;
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// Which letters to be done with, and why.
#[derive(Clone, Debug, clap::Args)]
pub struct DiscardArgs {
    /// Which; of a filter, open ones, unless it says otherwise.
    #[command(flatten)]
    pub letters: ChooseArgs,
    /// Why; kept with the letters
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Only say how many there are
    #[arg(long)]
    pub dry_run: bool,
}

impl DiscardArgs {
    /// Marks them and says how many there were.
    ///
    /// # Errors
    /// When a letter is not there, or the ledger fails.
    pub async fn run(&self, ledger: &dyn Ledger, out: &mut dyn Write) -> Result<(), CliError> {
        self.letters.not_everything("by --where")?;
        let letters = self.letters.letters(ledger, true).await?;
        if self.dry_run {
            let count = letters.count(ledger).await?;
            return writeln!(out, "{count} would be discarded").or_exit(Exit::Output);
        }
        let discarded = discard(ledger, &letters, &super::operator(), &self.reason).await?;
        writeln!(out, "{discarded} discarded").or_exit(Exit::Output)
    }
}
