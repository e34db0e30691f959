//! The `dlq-handler` binary.

use clap::Parser;
use std::process::ExitCode;
use trawl_dlq_handler::cli::Cli;
use trawl_shared::cli::run_main;

/// As in `trawl`: pages are many small allocations that cross threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run_main(Cli::parse().run())
}
