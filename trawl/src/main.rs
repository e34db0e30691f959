//! `trawl`: all five services in one process. What it does is in the library.

use std::process::ExitCode;

/// Pages are many small allocations that cross threads, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trawl_shared::cli::run_main(trawl::cli::run())
}
