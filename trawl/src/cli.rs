//! The verbs of `trawl`.

#[cfg(feature = "kafka")]
use crate::operate;
use crate::{audit, crawl, letters, policies, reparse, top, topology, trace};
use clap::{CommandFactory, Parser, Subcommand};
use std::io;
use trawl_shared::cli::{CliError, Exit, OrExit};

/// A web crawler that loses no URL and can prove it.
#[derive(Debug, Parser)]
#[command(name = "trawl", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Crawl sites in this one process: no server, no configuration
    Crawl(Box<crawl::CrawlArgs>),
    /// Add up the states of a job's URLs against what is stored and what is dead
    Audit(audit::AuditArgs),
    /// Show the dead letters of a crawl, and send them again
    Letters(Box<letters::LettersArgs>),
    /// Apply new extraction rules to archived pages, without asking any site
    Reparse(reparse::ReparseArgs),
    /// Print how failures of each class are retried, as the configuration or a job has it
    Policies(policies::PoliciesArgs),
    /// Print which handler reads and writes which topic
    Topology(topology::TopologyArgs),
    /// Show the topics of a fleet: partitions, records, copies
    #[cfg(feature = "kafka")]
    Topics(operate::TopicsArgs),
    /// Show the consumer groups of a fleet and their members
    #[cfg(feature = "kafka")]
    Groups(operate::GroupsArgs),
    /// Show how far behind each consumer group is
    #[cfg(feature = "kafka")]
    Lag(operate::LagArgs),
    /// Show the records of a topic, readable
    #[cfg(feature = "kafka")]
    Tail(operate::TailArgs),
    /// Move a consumer group to a place in a topic
    #[cfg(feature = "kafka")]
    Replay(operate::ReplayArgs),
    /// Show a running fleet at one look, again and again
    Top(top::TopArgs),
    /// Print the ids of a URL's fetch: its trace, its task, its messages
    Trace(trace::TraceArgs),
    /// Print what every metric of the services says, as docs/metrics.md has it
    Metrics,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const EXAMPLES: &str = "\
Examples:
  trawl crawl https://example.org/ --out pages.jsonl
  trawl crawl --resume --out pages.jsonl
  trawl audit
  trawl reparse --rules shop.toml --out items.parquet
  trawl top
  trawl completions bash > /etc/bash_completion.d/trawl

The same crawl as a fleet on Kafka and PostgreSQL: url-manager, scraper, parser, storage, dlq-handler.";

/// Reads the command line and does what it says.
///
/// # Errors
/// What went wrong, with its exit code.
pub async fn run() -> Result<(), CliError> {
    match Cli::parse().command {
        Command::Crawl(args) => crawl::run(*args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Letters(args) => letters::run(*args).await,
        Command::Reparse(args) => reparse::run(args).await,
        Command::Policies(args) => policies::run(args).await,
        Command::Topology(args) => topology::run(&args).await,
        #[cfg(feature = "kafka")]
        Command::Topics(args) => args.run(),
        #[cfg(feature = "kafka")]
        Command::Groups(args) => args.run(),
        #[cfg(feature = "kafka")]
        Command::Lag(args) => args.run().await,
        #[cfg(feature = "kafka")]
        Command::Tail(args) => args.run(),
        #[cfg(feature = "kafka")]
        Command::Replay(args) => args.run(),
        Command::Top(args) => top::run(args).await,
        Command::Trace(args) => trace::run(args).await,
        Command::Metrics => {
            let text = trawl_shared::telemetry::catalog::markdown();
            io::Write::write_all(&mut io::stdout(), text.as_bytes()).or_exit(Exit::Output)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "trawl", &mut script);
            io::Write::write_all(&mut io::stdout(), &script).or_exit(Exit::Output)
        }
    }
}
