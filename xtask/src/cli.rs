//! The words of the command line. What they do is in the modules they name.

use clap::{Args, Parser, Subcommand};

use crate::chaos::Name;
use crate::services::Service;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of this repository", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// A real Apache Kafka and a real PostgreSQL for tests and development, on loopback only
    Services {
        #[command(subcommand)]
        verb: ServicesVerb,
    },
    /// Bring the services up, run `cargo test --workspace` against them, take them down again; then break things for a
    /// while, as `chaos` does
    Test(TestOptions),
    /// Crawl a web with a known answer, break things, and close the books: nothing lost, nothing doubled
    Chaos(ChaosOptions),
    /// Check the invariants that a compiler cannot: crate arrows, rooms, module docs and the like
    Tidy,
}

#[derive(Subcommand)]
pub(crate) enum ServicesVerb {
    /// Start what does not run yet and print `export` lines: eval "$(cargo xtask services up)"
    Up {
        /// Let PostgreSQL wait for the disk (fsync); without it a power cut may lose the test data
        #[arg(long)]
        durable: bool,
    },
    /// Stop what `up` started; the data stays for the next `up`
    Down {
        /// Delete the data as well
        #[arg(long)]
        purge: bool,
    },
    /// Show what runs, where, and whether it answers; exits with 1 if something does not
    Status {
        /// One JSON object on stdout instead of text
        #[arg(long)]
        json: bool,
    },
    /// Stop one service, keeping its port and data
    Stop {
        service: Service,
        /// Kill it without warning (SIGKILL), as a crash would
        #[arg(long)]
        kill: bool,
    },
    /// Start one stopped service on the port and data it had
    Start { service: Service },
    /// Stop one service and start it on the same port and data
    Restart {
        service: Service,
        /// Kill it without warning (SIGKILL), as a crash would
        #[arg(long)]
        kill: bool,
    },
}

#[derive(Args)]
pub(crate) struct TestOptions {
    /// Start no server; the tests that need one are left out
    #[arg(long)]
    pub(crate) offline: bool,
    /// Leave the services running for the next time
    #[arg(long)]
    pub(crate) keep: bool,
    /// Handed to `cargo test` as they are
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

#[derive(Args)]
pub(crate) struct ChaosOptions {
    /// Draws the web and the schedule of faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long each scenario breaks things
    #[arg(long, value_name = "M", default_value_t = 1.0)]
    pub(crate) minutes: f64,
    /// Only this scenario; repeatable [default: all, in turn]
    #[arg(long, value_enum, value_name = "S")]
    pub(crate) scenario: Vec<Name>,
    /// Over `trawl crawl`, one process without servers, instead of the five services
    #[arg(long)]
    pub(crate) embedded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_dashes_goes_to_cargo() {
        let cli =
            Cli::try_parse_from(["xtask", "test", "--offline", "--", "-p", "xtask", "--", "--nocapture"]);
        let Ok(Cli { command: Command::Test(options) }) = cli else { panic!("not a test command") };
        assert!(options.offline);
        assert_eq!(options.args, ["-p", "xtask", "--", "--nocapture"]);
    }
}
