//! `trawl trace`: under which ids a URL is known to the collector of traces, to Kafka and to the stores.

use crate::database::database;
use std::{io::Write, path::PathBuf};
use trawl_shared::{
    cli::{CliError, Exit, OrExit},
    model::CanonicalUrl,
    sql::Missing,
};
use trawl_url_manager::{Frontier, Settings};

const EXAMPLES: &str = "\
Examples:
  trawl trace https://example.org/a --database-url postgres://trawl@localhost/trawl
  trawl trace https://example.org/a --json | jq -r .trace

The trace is there where it was sampled: telemetry.traces in trawl.example.toml says which are.";

/// Print the ids of a URL's fetch: its trace, its task, its messages.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TraceArgs {
    /// The URL
    #[arg(value_name = "URL")]
    url: String,
    /// Only in this job, by name or id
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Data folder of an embedded crawl
    #[arg(long, value_name = "DIR", default_value = "trawl-data", conflicts_with = "database_url")]
    data: PathBuf,
    /// Database of a fleet: postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", env = "TRAWL_DATABASE_URL")]
    database_url: Option<String>,
    /// One JSON object a line for each job
    #[arg(long)]
    json: bool,
}

/// Prints the ids in each job that knows the URL.
///
/// # Errors
/// When the text is no URL, no job knows it, or the database can't be asked.
pub async fn run(args: TraceArgs) -> Result<(), CliError> {
    let url = CanonicalUrl::parse(&args.url).or_exit(Exit::BadInput)?;
    let database = database(args.database_url.as_deref(), &args.data)?;
    let frontier = Frontier::open(&database, Missing::Fail, Settings::default()).await?;
    let found = async {
        let job = match &args.job {
            Some(name) => Some(frontier.job_named(name).await?),
            None => None,
        };
        frontier.explain(&url, job).await
    };
    let found = found.await;
    frontier.close().await;
    let found = found?;
    if found.is_empty() {
        return Err(CliError::new(Exit::NotFound, anyhow::anyhow!("no job has found {url}")));
    }
    let mut text = String::new();
    for known in &found {
        if args.json {
            let ids = serde_json::json!({
                "job": known.job, "url": known.url, "trace": known.trace, "task": known.task, "messages": known.messages,
            });
            text += &format!("{ids}\n");
            continue;
        }
        text += &format!(
            "{} in job {}\n  trace    {}\n  task     {}\n",
            known.url, known.job, known.trace, known.task
        );
        for (kind, id) in &known.messages {
            text += &format!("  message  {id} {kind}\n");
        }
    }
    std::io::stdout().write_all(text.as_bytes()).or_exit(Exit::Output)
}
