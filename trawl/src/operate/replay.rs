//! `trawl replay`: a group reads a topic again from a place on.

use super::{open, place::place, write, write_json};
use crate::table::table;
use trawl_shared::{
    broker::kafka::inspect::{Move, Place},
    cli::CliError,
    config::ConfigArgs,
    message::Topic,
};

const EXAMPLES: &str = "\
Examples:
  trawl replay parsed-data --group storage --from 2026-11-21T08:00:00Z --dry-run
  trawl replay parsed-data --group storage --from beginning
  trawl replay scraped-data --group parser --from end

The services that run the group have to be stopped: they would go on where they are. Handling a message again has the
effect of handling it once: what a store has recorded stays as it is. Dead letters are replayed by dlq-handler replay.";

/// Move a group to a place in a topic; it reads from there when its services run again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: Topic,
    #[command(flatten)]
    config: ConfigArgs,
    /// The consumer group, as `trawl groups` names it
    #[arg(long, value_name = "NAME")]
    group: String,
    /// Where it goes: beginning, end, OFFSET, TIME, or how long ago (15m)
    #[arg(long, value_name = "PLACE", value_parser = place)]
    from: Place,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a line for each partition
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    /// Moves the group, and writes what was done.
    ///
    /// # Errors
    /// When no broker answers, there is no such topic, or somebody is in the group.
    pub fn run(&self) -> Result<(), CliError> {
        let Some(cluster) = open(&self.config)? else { return Ok(()) };
        let moves = cluster.moves(self.topic, &self.group, self.from)?;
        if !self.dry_run {
            cluster.apply(self.topic, &self.group, &moves)?;
        }
        if self.json {
            return write_json(&moves);
        }
        let again = |change: &Move| change.end - change.to;
        let row = |change: &Move| {
            vec![
                change.partition.to_string(),
                change.from.map_or_else(|| "-".to_owned(), |offset| offset.to_string()),
                change.to.to_string(),
                change.end.to_string(),
                again(change).to_string(),
            ]
        };
        let rows: Vec<_> = moves.iter().map(row).collect();
        let total: i64 = moves.iter().map(again).sum();
        let done = if self.dry_run { "would read" } else { "reads" };
        let text = table(&[">partition", ">from", ">to", ">end", ">to read"], &rows);
        write(&format!("{text}group {} {done} {total} records of {} again\n", self.group, self.topic))
    }
}
