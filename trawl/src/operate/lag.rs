//! `trawl lag`: how far behind each group is, in records and in time.

use super::{open, write, write_json};
use crate::table::table;
use serde::Serialize;
use std::{collections::BTreeMap, io::IsTerminal, time::Duration};
use trawl_shared::{broker::kafka::inspect::LagReport, cli::CliError, config::ConfigArgs, message::Topic};

const EXAMPLES: &str = "\
Examples:
  trawl lag
  trawl lag --group parser --partitions
  trawl lag --watch 5s
  trawl lag --json | jq 'select(.age_seconds > 60)'";

/// Show how far behind each consumer group is.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct LagArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only this group
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// A line for each partition
    #[arg(long)]
    partitions: bool,
    /// Show it again and again, every two seconds or as given
    #[arg(long, value_name = "EVERY", num_args = 0..=1, default_missing_value = "2s", value_parser = humantime::parse_duration)]
    watch: Option<Duration>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// The partitions of a topic that a group reads, added up.
#[derive(Debug, Serialize)]
struct Sum {
    group: String,
    topic: Topic,
    partitions: usize,
    lag: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    members: usize,
}

impl LagArgs {
    /// Writes the lag once, or until it is stopped.
    ///
    /// # Errors
    /// When no broker answers.
    pub async fn run(&self) -> Result<(), CliError> {
        let Some(cluster) = open(&self.config)? else { return Ok(()) };
        loop {
            let reports = cluster.lag(self.group.as_deref())?;
            match (self.json, self.partitions) {
                (true, true) => write_json(&reports)?,
                (true, false) => write_json(&sums(&reports))?,
                (false, partitions) => {
                    let text = if partitions { by_partition(&reports) } else { by_group(&sums(&reports)) };
                    // A terminal shows the newest only.
                    let clear = if self.watch.is_some() && std::io::stdout().is_terminal() {
                        "\x1b[H\x1b[2J"
                    } else {
                        ""
                    };
                    write(&format!("{clear}{text}"))?;
                }
            }
            let Some(every) = self.watch else { return Ok(()) };
            tokio::time::sleep(every).await;
        }
    }
}

fn sums(reports: &[LagReport]) -> Vec<Sum> {
    let mut by_topic: BTreeMap<(&str, Topic), Vec<&LagReport>> = BTreeMap::new();
    for report in reports {
        by_topic.entry((&report.group, report.topic)).or_default().push(report);
    }
    let sum = |((group, topic), reports): ((&str, Topic), Vec<&LagReport>)| {
        let mut members: Vec<_> = reports.iter().filter_map(|report| report.member.as_deref()).collect();
        members.sort_unstable();
        members.dedup();
        Sum {
            group: group.to_owned(),
            topic,
            partitions: reports.len(),
            lag: reports.iter().map(|report| report.lag).sum(),
            age_seconds: reports.iter().filter_map(|report| report.age_seconds).reduce(f64::max),
            members: members.len(),
        }
    };
    by_topic.into_iter().map(sum).collect()
}

fn age(seconds: Option<f64>) -> String {
    seconds.map_or_else(
        || "-".to_owned(),
        |seconds| humantime::format_duration(Duration::from_secs_f64(seconds.round())).to_string(),
    )
}

fn by_group(sums: &[Sum]) -> String {
    if sums.is_empty() {
        return "no group of this prefix has read anything yet\n".to_owned();
    }
    let row = |sum: &Sum| {
        vec![
            sum.group.clone(),
            sum.topic.to_string(),
            sum.partitions.to_string(),
            sum.lag.to_string(),
            age(sum.age_seconds),
            if sum.members == 0 { "nobody".to_owned() } else { sum.members.to_string() },
        ]
    };
    let rows: Vec<_> = sums.iter().map(row).collect();
    table(&["group", "topic", ">partitions", ">lag", ">oldest", ">members"], &rows)
}

fn by_partition(reports: &[LagReport]) -> String {
    let row = |report: &LagReport| {
        vec![
            report.group.clone(),
            format!("{}/{}", report.topic, report.partition),
            report.committed.map_or_else(|| "-".to_owned(), |offset| offset.to_string()),
            report.end.to_string(),
            report.lag.to_string(),
            age(report.age_seconds),
            report.member.clone().unwrap_or_else(|| "nobody".to_owned()),
        ]
    };
    let rows: Vec<_> = reports.iter().map(row).collect();
    table(&["group", "partition", ">committed", ">end", ">lag", ">oldest", "member"], &rows)
}
