//! The `dlq-handler` binary.

use clap::Parser;
use std::process::ExitCode;
use trawl_dlq_handler::cli::Cli;
use trawl_shared::cli::run_main;

fn main() -> ExitCode {
    run_main(Cli::parse().run())
}
