//! The `scraper` binary.

use clap::Parser;
use std::{io, process::ExitCode};
use trawl_scraper::cli::FetchArgs;
use trawl_shared::cli::run_main;

/// The fetcher: turns tasks into pages.
#[derive(Debug, Parser)]
#[command(name = "scraper", version)]
enum Cli {
    Fetch(FetchArgs),
}

fn main() -> ExitCode {
    let Cli::Fetch(args) = Cli::parse();
    run_main(async move { args.run(&trawl_scraper::Settings::default(), &mut io::stdout()).await })
}
