//! The scenarios: what is broken, one file each.

mod all;
mod brokers;
mod clock;
mod duplicates;
mod hostile;
mod kill9;
mod network;
mod outage;
mod poison;
mod rebalance;
mod server;
mod sigterm;
mod slow;
mod zombie;

use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use super::books::Books;
use super::draw::Draw;
use super::run::Run;
use crate::services::Service;

/// What was done to the crawl.
pub(crate) struct Fault {
    /// In words.
    pub(crate) what: String,
    /// As how many faults it counts.
    pub(crate) count: u64,
}

impl Fault {
    /// One fault.
    pub(crate) fn one(what: impl Into<String>) -> Self {
        Self { what: what.into(), count: 1 }
    }
}

/// A way to break things. What it breaks it mends before it returns, or at its next turn.
pub(crate) trait Scenario {
    /// Breaks one thing, as drawn, and says what.
    ///
    /// # Errors
    /// When the harness can't do what it is there for; what the crawl suffers is no error.
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault>;

    /// Milliseconds between two faults.
    fn pace(&self) -> RangeInclusive<u64> {
        500..=4000
    }

    /// Variables that the processes of services have besides those of every run; [`MEMBER`](super::fleet::MEMBER) in a
    /// value becomes the name of the process.
    fn environment(&self, _folder: &Path) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Why it can't be had on this machine.
    fn cannot(&self) -> Option<String> {
        None
    }

    /// Makes what must be there before the services start.
    ///
    /// # Errors
    /// When it can't be made.
    fn prepare(&mut self, _folder: &Path) -> Result<()> {
        Ok(())
    }

    /// Whether the crawl meets the URLs of the synthetic web alone, so that each is accounted for.
    fn knows_all_urls(&self) -> bool {
        true
    }

    /// Whether a service may end because broker or database can't be reached when it starts.
    fn forgives_unreachable_servers(&self) -> bool {
        false
    }

    /// Whether all that it set going has come to its end.
    fn is_over(&self, _run: &Run<'_>) -> bool {
        true
    }

    /// Takes out of the books what it caused itself, and adds what it finds wrong.
    fn check(&mut self, _run: &Run<'_>, _books: &mut Books) {}
}

/// The scenarios by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// kill -9 of each service at random
    Kill9,
    /// SIGTERM to each service at random
    Sigterm,
    /// A service is frozen beyond its session and wakes up (SIGSTOP, SIGCONT)
    Zombie,
    /// The broker is stopped, or killed, and started again
    Broker,
    /// Each of three brokers with three copies is killed in turn
    Brokers,
    /// The database is stopped, or killed, and started again
    Database,
    /// The database is down for three minutes, whatever --minutes says
    DatabaseDown,
    /// The network to broker or database is cut, silent or slow
    Network,
    /// Members join and leave every few seconds
    Rebalance,
    /// Groups are set back: everything is delivered again
    Duplicates,
    /// Records that no service of ours would write, on every topic
    Poison,
    /// Wall clocks jump (needs libfaketime)
    Clock,
    /// A service gets a fraction of the time it needs
    Slow,
    /// Sites that answer as no server should
    Hostile,
    /// The disk of the data folder is full for a while (only with --embedded, as root)
    Disk,
    /// All of them at once, but for clock and database-down
    All,
}

impl Name {
    /// As it is called on the command line.
    pub(crate) fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// A fresh one over the fleet; none where it makes no sense there.
    pub(crate) fn scenario(self) -> Option<Box<dyn Scenario>> {
        Some(match self {
            Self::Disk => return None,
            Self::Kill9 => Box::new(kill9::Kill9),
            Self::Sigterm => Box::new(sigterm::Sigterm),
            Self::Zombie => Box::new(zombie::Zombie),
            Self::Broker => Box::new(server::Server(Service::Kafka)),
            Self::Brokers => Box::new(brokers::Brokers::default()),
            Self::Database => Box::new(server::Server(Service::Postgres)),
            Self::DatabaseDown => Box::new(outage::Outage::default()),
            Self::Network => Box::new(network::Network),
            Self::Rebalance => Box::new(rebalance::Rebalance::default()),
            Self::Duplicates => Box::new(duplicates::Duplicates),
            Self::Poison => Box::new(poison::Poison::default()),
            Self::Clock => Box::new(clock::Clock),
            Self::Slow => Box::new(slow::Slow),
            Self::Hostile => Box::new(hostile::Hostile::default()),
            Self::All => Box::new(all::All::new()),
        })
    }
}
