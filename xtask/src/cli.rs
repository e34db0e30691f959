//! The words of the command line. What they do is in the modules they name.

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Build the image, run the compose file in a real Docker engine, crawl, break things, and see that nothing is lost
    FleetTest(FleetOptions),
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
    /// The programs as they ship, built with optimisation
    #[arg(long)]
    pub(crate) release: bool,
}

#[derive(Args)]
pub(crate) struct FleetOptions {
    /// Say so and succeed where there is no engine or no compose tool
    #[arg(long)]
    pub(crate) if_possible: bool,
    /// Say so and succeed where our image is not built within this many minutes
    #[arg(long, value_name = "MINUTES")]
    pub(crate) build_within: Option<u64>,
    /// Three brokers (docker-compose.cluster.yml), each killed once, instead of all other disturbances
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Leave the fleet running afterwards
    #[arg(long)]
    pub(crate) keep: bool,
    /// Where the images of others come from
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) images: Images,
}

/// See [`FleetOptions::images`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Images {
    /// From a registry, or made here where none can be reached
    Auto,
    /// From a registry
    Registry,
    /// Made here: a Debian by debootstrap (as root), Kafka's jars, this machine's Rust toolchain
    Local,
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
