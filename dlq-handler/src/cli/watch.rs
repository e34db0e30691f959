//! `dlq-handler watch`: a line for each letter that dies or changes its state, as it happens.

use super::{WhereArgs, table};
use crate::{
    filter::{Field, Filter},
    letter::{LetterId, Summary, moment},
    store::{Query, ReadLedger},
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::HashMap, io::Write, time::Duration};
use tokio_util::sync::CancellationToken;
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// Most lines of one look.
const MOST: usize = 10_000;
/// How far back a look reaches behind the one before: clocks of several machines are not one clock.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// What to watch.
#[derive(Clone, Debug, clap::Args)]
pub struct WatchArgs {
    /// Which.
    #[command(flatten)]
    pub conditions: WhereArgs,
    /// How often to look
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "1s")]
    pub every: Duration,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

impl WatchArgs {
    /// Prints until it is stopped.
    ///
    /// # Errors
    /// When the ledger can't be asked, or nothing can be written.
    pub async fn run<L: ReadLedger + ?Sized>(
        &self,
        ledger: &L,
        is_terminal: bool,
        stop: &CancellationToken,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CliError> {
        let began = Timestamp::now();
        let mut seen: HashMap<LetterId, i64> = HashMap::new();
        loop {
            let since = Timestamp::now() - OVERLAP;
            let since: Filter = format!("changed>={}", since.max(began)).parse().or_exit(Exit::Failed)?;
            let changed = Field::named("changed").expect("there is a field of this name");
            let filter = self.conditions.filter().and(since);
            let query = Query { sort: changed, descending: false, ..Query::new(filter, MOST) };
            let letters = ledger.list(&query).await?;
            for letter in &letters {
                if seen.insert(letter.id, letter.changed_at) != Some(letter.changed_at) {
                    self.print(letter, is_terminal, out).or_exit(Exit::Output)?;
                }
            }
            seen.retain(|id, _| letters.iter().any(|letter| letter.id == *id));
            out.flush().or_exit(Exit::Output)?;
            tokio::select! {
                () = tokio::time::sleep(self.every.max(Duration::from_millis(50))) => {}
                () = stop.cancelled() => return Ok(()),
            }
        }
    }

    fn print(&self, letter: &Summary, colours: bool, out: &mut dyn Write) -> std::io::Result<()> {
        if self.json {
            serde_json::to_writer(&mut *out, letter)?;
            return writeln!(out);
        }
        writeln!(
            out,
            "{}  {}  {}  {}  {}  {}",
            moment(letter.changed_at).strftime("%H:%M:%S"),
            letter.id.short(),
            table::state(letter.state, colours),
            table::cell(&letter.service),
            table::cell(&letter.code),
            table::cell(letter.url.as_deref().unwrap_or(&letter.error)),
        )
    }
}
