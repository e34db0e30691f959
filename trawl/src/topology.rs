//! `trawl topology`: which handler reads and writes which topic, read off the handlers' types.

use crate::embedded;
use std::{collections::BTreeSet, fmt::Write as _};
use trawl_shared::{
    cli::{CliError, Exit, OrExit},
    runtime::Flow,
};

/// Print which handler reads and writes which topic.
#[derive(Debug, clap::Args)]
pub struct TopologyArgs {
    /// The graph in Graphviz's language
    #[arg(long)]
    pub dot: bool,
}

/// Prints the topology.
///
/// # Errors
/// When the services can't be put together.
pub async fn run(args: &TopologyArgs) -> Result<(), CliError> {
    let folder = tempfile::tempdir().or_exit(Exit::Failed)?;
    let flows = embedded::flows(folder.path()).await?;
    print!("{}", if args.dot { dot(&flows) } else { text(&flows) });
    Ok(())
}

/// One line a flow: `topic (type) -> service/handler -> topic (type)`.
#[must_use]
pub fn text(flows: &[Flow]) -> String {
    let mut text = String::new();
    for flow in flows {
        let input =
            flow.input.map_or_else(|| "(nothing)".to_owned(), |(topic, kind)| format!("{topic} ({kind})"));
        let outputs: Vec<_> = flow.outputs.iter().map(|(topic, kind)| format!("{topic} ({kind})")).collect();
        let outputs = if outputs.is_empty() { "(nothing)".to_owned() } else { outputs.join(", ") };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{input} -> {}/{} -> {outputs}", flow.service, flow.handler);
    }
    text.push_str(
        "retry (any waiting record) -> every service, what is addressed to it -> its handler again\n",
    );
    text.push_str("a handler's failure -> retry, or dead-letter when no further attempt can help\n");
    text
}

fn dot(flows: &[Flow]) -> String {
    let mut text = String::from("digraph trawl {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    let topics: BTreeSet<_> = flows
        .iter()
        .flat_map(|flow| flow.input.iter().chain(&flow.outputs))
        .map(|(topic, _)| *topic)
        .collect();
    for topic in topics {
        let _ = writeln!(text, "  \"{topic}\" [shape=cylinder];");
    }
    for flow in flows {
        let node = format!("{}/{}", flow.service, flow.handler);
        let _ = writeln!(text, "  \"{node}\" [shape=box];");
        if let Some((topic, _)) = flow.input {
            let _ = writeln!(text, "  \"{topic}\" -> \"{node}\";");
        }
        for (topic, _) in &flow.outputs {
            let _ = writeln!(text, "  \"{node}\" -> \"{topic}\";");
        }
    }
    text.push_str("}\n");
    text
}
