//! The flags of `trawl crawl`.

use bytesize::ByteSize;
use clap::Args;
use std::path::PathBuf;
use trawl_scraper::resolve::ResolveOverride;
use trawl_shared::model::{DEFAULT_USER_AGENT, FetchSettings};
use trawl_storage::{row::Rows, sink::Target};

/// Crawl sites in this one process: no server, no configuration.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CrawlArgs {
    /// Where to begin (http or https)
    #[arg(required_unless_present = "resume", value_name = "URL")]
    pub seeds: Vec<String>,

    /// Write rows to a .jsonl, .csv or .parquet file, or what was fetched to a .warc.gz; - is JSONL on standard output; repeatable
    #[arg(long, short, value_name = "FILE")]
    pub out: Vec<Target>,

    /// What a row of --out stands for [default: pages]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub rows: Option<Rows>,

    /// Folder that holds the crawl: frontier, pages, dead letters
    #[arg(long, value_name = "DIR", default_value = "trawl-data")]
    pub data: PathBuf,

    /// Links to follow from a seed at most
    #[arg(long, value_name = "N")]
    pub depth: Option<u32>,

    /// Pages to store at most
    #[arg(long, value_name = "N")]
    pub max_pages: Option<u64>,

    /// Which links are followed: to the seeds' hosts, their registrable domains, below their paths, or any
    #[arg(long, value_enum, default_value_t = ScopeArg::Host)]
    pub scope: ScopeArg,

    /// Requests at once over all hosts
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,

    /// Requests at once to one host
    #[arg(long, value_name = "N", default_value_t = FetchSettings::default().per_host, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub per_host: u16,

    /// Least gap between two requests to one host; a larger crawl-delay wins [default: 1s, none for this machine's own hosts]
    #[arg(long, value_name = "DURATION")]
    pub delay: Option<humantime::Duration>,

    /// User-Agent header; robots.txt knows the crawler by its first product
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_USER_AGENT)]
    pub user_agent: String,

    /// Bound on one fetch from connect to last byte
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub timeout: humantime::Duration,

    /// Longest body kept; the rest is cut
    #[arg(long, value_name = "SIZE", default_value = "10MiB")]
    pub max_body: ByteSize,

    /// Keep each page's visible text as well
    #[arg(long)]
    pub text: bool,

    /// Dial loopback, private and other special addresses too
    #[arg(long)]
    pub allow_private_addresses: bool,

    /// Do not obey robots.txt, robots meta tags and nofollow: only for sites of your own
    #[arg(long)]
    pub ignore_robots: bool,

    /// Use ADDRESS instead of DNS for HOST (`*` is every host) on PORT; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<ResolveOverride>,

    /// Go on with the last unfinished crawl in --data; its own settings hold, other flags of the job are ignored
    #[arg(long)]
    pub resume: bool,

    /// Say nothing but errors
    #[arg(long, short, conflicts_with = "json_progress")]
    pub quiet: bool,

    /// Progress and the final report as JSON lines on standard error
    #[arg(long)]
    pub json_progress: bool,
}

/// See [`CrawlArgs::scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ScopeArg {
    /// The seeds' hosts
    Host,
    /// The seeds' registrable domains, with all their subdomains
    Domain,
    /// Below the seeds' paths
    Prefix,
    /// Everywhere
    Any,
}

const EXAMPLES: &str = "\
Examples:
  trawl crawl https://example.org/ --out pages.jsonl
  trawl crawl https://example.org/docs/ --scope prefix --depth 3 --out docs.csv
  trawl crawl https://example.org/ --out pages.parquet --out site.warc.gz
  trawl crawl https://example.org/ --max-pages 100 --out - --quiet | jq -r .title
  trawl crawl http://localhost:8000/ --allow-private-addresses --out site.jsonl
  trawl crawl --resume --out pages.jsonl        # after Ctrl-C, a crash or kill -9

Exit codes: 0 done, 1 nothing could be fetched, 2 usage, 3 configuration, 4 some seeds were bad (the good ones
were crawled), 6 database, 7 output could not be written, 8 nothing to resume, 130 interrupted (--resume goes on).";
