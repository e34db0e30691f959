//! The flags of `trawl crawl`.

use clap::Args;
use std::path::PathBuf;
use trawl_scraper::resolve::ResolveOverride;
use trawl_storage::{row::Rows, sink::Target};
use trawl_url_manager::cli::JobArgs;

/// Crawl sites in this one process: no server, no configuration.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CrawlArgs {
    /// Where to begin (http or https)
    #[arg(required_unless_present = "resume", value_name = "URL")]
    pub seeds: Vec<String>,

    /// Write rows to a .jsonl, .csv or .parquet file, or what was fetched to a .warc.gz; a URL (s3://, gs://, az://, file://)
    /// gets them when they are complete; - is JSONL on standard output; repeatable
    #[arg(long, short, value_name = "FILE|URL")]
    pub out: Vec<Target>,

    /// What a row of --out stands for [default: pages; items where there are --rules]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub rows: Option<Rows>,

    /// Folder that holds the crawl: frontier, pages, dead letters
    #[arg(long, value_name = "DIR", default_value = "trawl-data")]
    pub data: PathBuf,

    /// Requests at once over all hosts
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,

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

    /// What the crawl is.
    #[command(flatten)]
    pub job: JobArgs,
}

const EXAMPLES: &str = "\
Examples:
  trawl crawl https://example.org/ --out pages.jsonl
  trawl crawl https://example.org/docs/ --scope prefix --depth 3 --out docs.csv
  trawl crawl https://example.org/ --out pages.parquet --out site.warc.gz
  trawl crawl https://example.org/ --deny '[?&]print=' --deny-extension zip,exe --max-time 1h --out site.jsonl
  trawl crawl https://example.org/ --rules shop.toml --out items.parquet
  trawl crawl https://example.org/ --max-pages 100 --out - --quiet | jq -r .title
  trawl crawl http://localhost:8000/ --allow-private-addresses --out site.jsonl
  trawl crawl --resume --out pages.jsonl        # after Ctrl-C, a crash or kill -9

Exit codes: 0 done, 1 nothing could be fetched, 2 usage, 3 configuration, 4 some seeds were bad (the good ones
were crawled), 6 database, 7 output could not be written, 8 nothing to resume, 130 interrupted (--resume goes on).";
