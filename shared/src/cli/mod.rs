//! What every command line of the house has in common: exit codes, error reports, signals, the
//! verb `health`, the flags of a fetch.

mod exit;
mod fetch_args;
mod health;
mod process;

pub use exit::{CliError, Exit, OrExit};
pub use fetch_args::{FetchArgs, OversizeArg};
pub use health::health;
#[cfg(feature = "kafka")]
pub use process::run_on_kafka;
pub use process::{run_main, shutdown_on_signal};
