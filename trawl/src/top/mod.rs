//! `trawl top`: a running fleet at one look, over the `/metrics` and `/status` of its services; no server besides them.

mod sample;
mod scrape;
mod view;

use clap::Args;
use futures_util::future::join_all;
use sample::{Snapshot, snapshot};
use scrape::{Process, processes, scrape};
use std::{io, io::IsTerminal as _, io::Write as _, time::Duration};
use trawl_shared::cli::{CliError, Exit, OrExit};

const EXAMPLES: &str = "\
Examples:
  docker compose run --rm --entrypoint trawl url-manager top
  trawl top 127.0.0.1:9400 127.0.0.1:9401
  trawl top --once --json scraper:9400 | jq .errors

A name stands for all of its addresses, so a service that was scaled is named once.";

/// The services as the compose file names them.
const FLEET: [&str; 5] =
    ["url-manager:9400", "scraper:9400", "parser:9400", "storage:9400", "dlq-handler:9400"];

/// Show a running fleet: rates, lag, crawls, hosts, errors, dead letters.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TopArgs {
    /// Where services serve their telemetry, HOST:PORT (setting telemetry.listen)
    #[arg(value_name = "ADDRESS", default_values_t = FLEET.map(str::to_owned))]
    addresses: Vec<String>,
    /// How often it looks
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    every: Duration,
    /// Look twice, for the rates, show it and end
    #[arg(long)]
    once: bool,
    /// One JSON object for each look
    #[arg(long)]
    json: bool,
}

/// Shows the fleet until it is stopped.
///
/// # Errors
/// When nothing answers at any of the addresses, or the output can't be written.
pub async fn run(args: TopArgs) -> Result<(), CliError> {
    let every = args.every.max(Duration::from_millis(100));
    let screen = io::stdout().is_terminal() && !args.json && !args.once;
    let mut before = look(&args.addresses).await?;
    loop {
        tokio::time::sleep(every).await;
        let now = look(&args.addresses).await?;
        let snapshot = snapshot(&before, &now);
        write(&snapshot, args.json, screen)?;
        if args.once {
            return Ok(());
        }
        before = now;
    }
}

async fn look(addresses: &[String]) -> Result<Vec<Process>, CliError> {
    let found = processes(addresses).await;
    let seen: Vec<Process> = join_all(found.into_iter().map(scrape)).await;
    if seen.iter().any(|process| process.samples.is_ok()) {
        return Ok(seen);
    }
    let why = seen.first().map_or("no address was given", |process| match &process.samples {
        Ok(_) => "",
        Err(why) => why.as_str(),
    });
    let named = addresses.join(", ");
    Err(CliError::new(Exit::Failed, anyhow::anyhow!("no service answers at {named}: {why}")))
}

fn write(snapshot: &Snapshot, json: bool, screen: bool) -> Result<(), CliError> {
    let mut text = if json {
        serde_json::to_string(snapshot).or_exit(Exit::Failed)? + "\n"
    } else {
        view::text(snapshot)
    };
    if screen {
        // What does not fit would scroll the top away.
        let (lines, columns) = console::Term::stdout().size();
        let shown = text.lines().take(usize::from(lines).saturating_sub(1));
        let cut = shown.map(|line| line.chars().take(usize::from(columns)).collect::<String>() + "\x1b[K\n");
        text = format!("\x1b[H{}\x1b[J", cut.collect::<String>());
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).or_exit(Exit::Output)
}
