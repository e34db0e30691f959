//! What every command line of the house has in common: exit codes, error reports, signals.

mod exit;
mod process;

pub use exit::{CliError, Exit, OrExit};
#[cfg(feature = "kafka")]
pub use process::run_on_kafka;
pub use process::{run_main, shutdown_on_signal};
