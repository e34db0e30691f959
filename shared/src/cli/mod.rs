//! What every command line of the house has in common: exit codes, error reports, signals, the
//! verb `health`, the flags of a fetch.

mod exit;
mod fetch_args;
mod health;
mod lines;
mod process;

pub use exit::{CliError, Exit, OrExit};
pub use fetch_args::{FetchArgs, OversizeArg};
pub use health::health;
pub use lines::{Crew, LinesError, MAX_LINE_BYTES, Tally, answer_lines, error_line};
#[cfg(feature = "kafka")]
pub use process::run_on_kafka;
pub use process::{run_main, shutdown_on_signal};
