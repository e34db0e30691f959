//! `trawl`: all five services in one process. What it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    trawl_shared::cli::run_main(trawl::cli::run())
}
