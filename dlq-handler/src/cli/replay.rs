//! `dlq-handler replay`: letters are sent again.

use super::{ChooseArgs, edit};
use crate::{
    replay::{Letters, Outcome, ReplayError, Replayer, Sending, Speed},
    store::Ledger,
};
use std::{io::Write, time::Duration};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::Producer,
    cli::{CliError, Exit, OrExit as _},
};

/// Which letters to send again, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayArgs {
    /// Which; of a filter, open ones, unless it says otherwise.
    #[command(flatten)]
    pub letters: ChooseArgs,
    /// Every open letter
    #[arg(long, conflicts_with_all = ["ids", "filters", "since"])]
    pub all: bool,
    /// How many in which time: 10/s, 300/m. The run stops by itself when nearly all come back
    #[arg(long, value_name = "RATE", default_value = "20/s")]
    pub rate: Speed,
    /// How long each waits before it is handled
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "0s")]
    pub after: Duration,
    /// How long to wait for what becomes of them
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "0s")]
    pub wait: Duration,
    /// Only say how many there are
    #[arg(long)]
    pub dry_run: bool,
    /// Change the payload in $EDITOR first; the letter keeps the original
    #[arg(long, conflicts_with_all = ["all", "filters", "since", "dry_run"])]
    pub edit: bool,
}

impl ReplayArgs {
    /// Sends them and says what came of it; `connect` is called when there is something to send.
    ///
    /// # Errors
    /// When a letter is not there, the broker does not take a record, the ledger fails, or nearly all came back.
    pub async fn run<P: AsRef<dyn Producer>>(
        &self,
        ledger: &dyn Ledger,
        connect: impl AsyncFnOnce() -> Result<P, CliError>,
        retry_partitions: i32,
        stop: &CancellationToken,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CliError> {
        if !self.all {
            self.letters.not_everything("by --where, or say --all")?;
        }
        let letters = self.letters.letters(ledger, true).await?;
        if self.dry_run {
            let count = letters.count(ledger).await?;
            return writeln!(out, "{count} would be sent again, at {}", self.rate).or_exit(Exit::Output);
        }
        let mut sending = Sending { after: self.after, ..Sending::now(retry_partitions) };
        if self.edit {
            let Letters::Ids(ids) = &letters else { return Ok(()) };
            let [id] = ids[..] else {
                return Err(CliError::new(Exit::Usage, anyhow::anyhow!("--edit takes one letter at a time")));
            };
            match edit::payload(ledger, id).await? {
                Some(edited) => sending.edited = Some(edited),
                None => return writeln!(out, "unchanged, so nothing was sent").or_exit(Exit::Output),
            }
        }
        let producer = connect().await?;
        let by = super::operator();
        let mut run = Replayer::new(ledger, producer.as_ref(), &by, sending);
        let failed = |error| match error {
            ReplayError::Ledger(error) => error.into(),
            ReplayError::CannotWait(_) => CliError::new(Exit::Usage, error),
            ReplayError::Send { .. } => CliError::new(Exit::Broker, error),
        };
        let mut report = run.send(&letters, self.rate, stop, |_| ()).await.map_err(failed)?;
        if !self.wait.is_zero() && report.outcome != Outcome::Stopped {
            report = run.wait(self.wait, stop, |_| ()).await.map_err(failed)?;
        }
        writeln!(out, "{report}").or_exit(Exit::Output)?;
        match report.outcome {
            Outcome::Storm => Err(CliError::silent(Exit::Failed)),
            Outcome::Stopped => Err(CliError::silent(Exit::Interrupted)),
            Outcome::Running | Outcome::Sent => Ok(()),
        }
    }
}
