//! `trawl topics`: what the cluster has of our topics.

use super::{open, write, write_json};
use crate::table::table;
use trawl_shared::{cli::CliError, config::ConfigArgs};

/// Show the topics: partitions, records, copies.
#[derive(Debug, clap::Args)]
pub struct TopicsArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// A line for each partition
    #[arg(long)]
    partitions: bool,
    /// One JSON object a line for each topic
    #[arg(long)]
    json: bool,
}

impl TopicsArgs {
    /// Writes the topics.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn run(&self) -> Result<(), CliError> {
        let Some(cluster) = open(&self.config)? else { return Ok(()) };
        let topics = cluster.topics()?;
        if self.json {
            return write_json(&topics);
        }
        if self.partitions {
            let rows: Vec<_> = topics
                .iter()
                .flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)))
                .map(|(topic, partition)| {
                    vec![
                        topic.name.clone(),
                        partition.partition.to_string(),
                        partition.first.to_string(),
                        partition.end.to_string(),
                        if partition.leader < 0 { "none".to_owned() } else { partition.leader.to_string() },
                        list(&partition.replicas),
                        list(&partition.in_sync),
                    ]
                })
                .collect();
            let headings = ["topic", ">partition", ">first", ">end", ">leader", "copies on", "in sync"];
            return write(&table(&headings, &rows));
        }
        let rows: Vec<_> = topics
            .iter()
            .map(|topic| {
                let copies =
                    topic.partitions.iter().map(|partition| partition.replicas.len()).min().unwrap_or(0);
                let state = match (topic.partitions.len(), topic.under_replicated()) {
                    (0, _) => "missing".to_owned(),
                    (_, 0) => "well".to_owned(),
                    (_, short) => format!("{short} partitions lack a copy"),
                };
                let numbers =
                    [topic.partitions.len().to_string(), copies.to_string(), topic.records().to_string()];
                [vec![topic.name.clone()], numbers.to_vec(), vec![state]].concat()
            })
            .collect();
        write(&table(&["topic", ">partitions", ">copies", ">records", "state"], &rows))
    }
}

fn list(numbers: &[i32]) -> String {
    numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}
