//! `trawl groups`: the consumer groups and who is in them.

use super::{open, write, write_json};
use crate::table::table;
use trawl_shared::{cli::CliError, config::ConfigArgs};

/// Show the consumer groups and their members.
#[derive(Debug, clap::Args)]
pub struct GroupsArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// One JSON object a line for each group
    #[arg(long)]
    json: bool,
}

impl GroupsArgs {
    /// Writes the groups.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn run(&self) -> Result<(), CliError> {
        let Some(cluster) = open(&self.config)? else { return Ok(()) };
        let groups = cluster.groups()?;
        if self.json {
            return write_json(&groups);
        }
        let mut rows = Vec::new();
        for group in &groups {
            let cells = |client: &str, host: &str, reads: String| {
                vec![group.group.clone(), group.state.clone(), client.to_owned(), host.to_owned(), reads]
            };
            if group.members.is_empty() {
                rows.push(cells("-", "-", "-".to_owned()));
            }
            for member in &group.members {
                let reads = member.partitions.iter().map(|(topic, all)| format!("{topic} {}", ranges(all)));
                let reads: Vec<String> = reads.collect();
                rows.push(cells(&member.client, &member.host, reads.join("; ")));
            }
        }
        if rows.is_empty() {
            return write("no group of this prefix has ever been here\n");
        }
        write(&table(&["group", "state", "member", "from", "reads"], &rows))
    }
}

/// Partition numbers, runs of them as `0-5`.
fn ranges(numbers: &[i32]) -> String {
    let runs = numbers.chunk_by(|a, b| *b == a + 1).map(|run| match run {
        [one] => one.to_string(),
        run => format!("{}-{}", run[0], run[run.len() - 1]),
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn runs_are_short() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(ranges(&[]), "");
    }
}
