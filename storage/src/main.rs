//! The `storage` binary.

use clap::Parser;
use std::process::ExitCode;
use trawl_shared::cli::run_main;
use trawl_storage::cli::Cli;

/// As in `trawl`: pages are many small allocations that cross threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run_main(Cli::parse().run())
}
