//! `trawl tail`: the records of a topic, readable.

use super::{
    filter::{Condition, condition},
    open,
    place::place,
    shown::Seen,
    write,
};
use std::ops::ControlFlow;
use trawl_shared::{
    broker::kafka::inspect::{Place, Tail},
    cli::CliError,
    config::ConfigArgs,
    message::Topic,
};

const EXAMPLES: &str = "\
Examples:
  trawl tail parsed-data
  trawl tail scraping-tasks --follow --where host=example.org
  trawl tail retry --from 15m --where code=timeout_headers
  trawl tail dead-letter --from beginning --json | jq .letter
  trawl tail scraped-data --from 42 --partition 3 --limit 1 --bytes 100000

Fields of --where: url, host, key, id, crawl, type, trace, group, code, or the name of any header.";

/// Show the records of a topic, the last ten or from a place on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// The topic: scraping-tasks, scraped-data, parsed-data, retry or dead-letter
    #[arg(value_name = "TOPIC")]
    topic: Topic,
    #[command(flatten)]
    config: ConfigArgs,
    /// Begin there in each partition: beginning, end, OFFSET, TIME, or how long ago (15m)
    #[arg(long, value_name = "PLACE", value_parser = place)]
    from: Option<Place>,
    /// Only this partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<i32>,
    /// Only records that meet this, FIELD=VALUE or FIELD~PART (repeatable: all of them)
    #[arg(long = "where", value_name = "CONDITION", value_parser = condition)]
    conditions: Vec<Condition>,
    /// Wait for more at the end
    #[arg(long, short)]
    follow: bool,
    /// At most so many records
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Characters of each payload that are shown
    #[arg(long, value_name = "N", default_value_t = 400)]
    bytes: usize,
    /// One JSON object a line, payloads in full
    #[arg(long)]
    json: bool,
}

/// Records of each partition that are looked at where no place is given.
const LAST: i64 = 10;

impl TailArgs {
    /// Writes the records as they come.
    ///
    /// # Errors
    /// When no broker answers, or there is no such topic or partition.
    pub fn run(&self) -> Result<(), CliError> {
        let Some(cluster) = open(&self.config)? else { return Ok(()) };
        let from = self.from.unwrap_or(if self.follow { Place::End } else { Place::Last(LAST) });
        let tail = Tail { topic: self.topic, partition: self.partition, from, follow: self.follow };
        let (mut shown, mut failed) = (0, None);
        if self.limit == Some(0) {
            return Ok(());
        }
        cluster.read(tail, &mut |delivery| {
            let seen = Seen::new(delivery);
            if !self.conditions.iter().all(|condition| condition.is_met(&seen)) {
                return ControlFlow::Continue(());
            }
            let text = if self.json { format!("{}\n", seen.json()) } else { seen.text(self.bytes) };
            if let Err(error) = write(&text) {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            shown += 1;
            if self.limit.is_some_and(|most| shown >= most) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        failed.map_or(Ok(()), Err)
    }
}
