//! `trawl`: all five services in one process; and each of them alone, where a link is named after it. What it does is in the
//! library.

use std::{env, process::ExitCode};
use trawl::binaries::Binary;

/// Pages are many small allocations that cross threads, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Binary::called(env::args_os().next()).run()
}
