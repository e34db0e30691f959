//! What operators ask Kafka: topics, groups, lag, the records, and a group moved back. It needs no Java, takes the
//! configuration of the services, and speaks JSON where it is asked to.

mod filter;
mod groups;
mod lag;
mod place;
mod replay;
mod shown;
mod tail;
mod topics;

pub use groups::GroupsArgs;
pub use lag::LagArgs;
pub use replay::ReplayArgs;
pub use tail::TailArgs;
pub use topics::TopicsArgs;

use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use trawl_shared::{
    broker::kafka::inspect::Inspector,
    cli::{CliError, Exit, OrExit},
    config::{self, Config, ConfigArgs, Section},
};

/// The verbs have no settings of their own.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operator {}

impl Section for Operator {
    const NAME: &'static str = "trawl";
}

/// Opens the cluster that the configuration names; none when only the settings were to be shown.
fn open(args: &ConfigArgs) -> Result<Option<Inspector>, CliError> {
    // A variable that is not text is not ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let config: Config<Operator> = config::load(args, environment)?;
    if args.print_config {
        write(&config.print())?;
        return Ok(None);
    }
    Ok(Some(Inspector::open(config.common.kafka)?))
}

/// Writes to standard output at once.
fn write(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_exit(Exit::Output)
}

/// Writes one JSON object a line.
fn write_json<T: Serialize>(rows: &[T]) -> Result<(), CliError> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row).or_exit(Exit::Failed)?);
        text.push('\n');
    }
    write(&text)
}
