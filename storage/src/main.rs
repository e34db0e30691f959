//! The `storage` binary.

use clap::Parser;
use std::process::ExitCode;
use trawl_shared::cli::run_main;
use trawl_storage::cli::Cli;

fn main() -> ExitCode {
    run_main(Cli::parse().run())
}
