//! The contest: crawlers as child processes, in turn, over one synthetic web.
//!
//! Each round runs every contestant once, in an order that moves on by one from round to round, so that neither drift
//! of the machine nor the order falls on one of them. A figure counts only if the crawl stored exactly the pages that
//! the web's truth lists, each once.

mod binaries;
mod contestant;
mod fleet;
mod origin;
mod pages;
mod process;
mod report;
mod stage;
mod table;
mod telemetry;
mod watcher;

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use crate::web::{Preset, Web, WebChoice};
use contestant::{Trawl, run_floor};
use fleet::{Fleet, FleetUsage, Telemetry};
use origin::Origin;
use pages::Expected;
use process::Usage;
use report::{Cost, Report, Sample, milliseconds};
use stage::Stage;

pub use contestant::Contestant;
pub use telemetry::{TelemetryCost, run as run_telemetry};

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct Contest {
    /// The web to crawl; always of the clean preset.
    #[command(flatten)]
    pub web: WebChoice,
    /// How many times each crawler runs.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub runs: u16,
    /// Measure these only; without it, both floors and `trawl crawl`.
    #[arg(long, value_enum)]
    pub only: Vec<Contestant>,
    /// Measure the five services on Kafka and PostgreSQL as well (TRAWL_TEST_KAFKA_BROKERS, TRAWL_TEST_DATABASE_URL).
    #[arg(long)]
    pub kafka: bool,
    /// Print JSON in place of the table.
    #[arg(long)]
    pub json: bool,
    /// How long one crawl may take.
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub limit: humantime::Duration,
}

impl Contest {
    fn contestants(&self) -> Vec<Contestant> {
        let mut contestants = match self.only.as_slice() {
            [] => vec![Contestant::Streaming, Contestant::Dom, Contestant::Trawl],
            only => only.to_vec(),
        };
        if self.kafka && !contestants.contains(&Contestant::Fleet) {
            contestants.push(Contestant::Fleet);
        }
        contestants
    }
}

/// Runs a contest and prints what it came to; an error if any figure is void.
pub fn run(contest: &Contest) -> anyhow::Result<()> {
    let contestants = contest.contestants();
    let crews =
        contestants.iter().map(|contestant| Crew::of(*contestant)).collect::<anyhow::Result<Vec<_>>>()?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let origin = Origin::start(&contest.web)?;
    let web = Web::new(contest.web.settings(Preset::Docs), origin.port());
    let expected = Expected::of(&web);
    let stage =
        Stage { seeds: web.seeds(), port: origin.port(), folder: folder.path(), limit: *contest.limit };
    drop(web);

    let mut samples = vec![Vec::new(); contestants.len()];
    for round in 0..usize::from(contest.runs) {
        for turn in 0..contestants.len() {
            let number = (round + turn) % contestants.len();
            let name = contestants[number].name();
            eprint!("round {} of {}: {name} ... ", round + 1, contest.runs);
            let sample = crews[number].crawl(&stage, &origin, &expected)?;
            eprintln!("{} pages in {:.1} s", sample.pages, sample.wall_ms / 1000.0);
            samples[number].push(sample);
        }
    }

    let report = Report {
        seed: contest.web.seed,
        hosts: contest.web.hosts,
        pages: expected.len(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        debug_build: cfg!(debug_assertions),
        lines: Report::lines(contestants.into_iter().zip(samples).collect()),
    };
    if contest.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::table(&report));
    }
    match report.voids().count() {
        0 => Ok(()),
        void => {
            bail!("{void} of the crawls did not store the pages they should have: their figures are void")
        }
    }
}

/// A contestant that is ready to start.
enum Crew {
    Floor(&'static str),
    Trawl(Trawl),
    Fleet(Fleet),
}

impl Crew {
    fn of(contestant: Contestant) -> anyhow::Result<Self> {
        Ok(match contestant {
            Contestant::Streaming => Self::Floor("lol_html"),
            Contestant::Dom => Self::Floor("dom"),
            Contestant::Trawl => Self::Trawl(Trawl::build()?),
            Contestant::Fleet => Self::Fleet(Fleet::build()?),
        })
    }

    /// Crawls once and checks what came of it.
    fn crawl(&self, stage: &Stage<'_>, origin: &Origin, expected: &Expected) -> anyhow::Result<Sample> {
        let rows = stage.folder.join("rows.jsonl");
        origin.take_requests()?;
        let bill = self.run(stage, &rows)?;
        let requests = origin.take_requests()?;
        let found = expected.compare(&rows)?;
        std::fs::remove_file(&rows)?;
        Ok(Sample {
            pages: found.pages,
            requests,
            wall_ms: milliseconds(bill.wall),
            cost: bill.total,
            services: bill.services,
            void: found.void,
        })
    }

    fn run(&self, stage: &Stage<'_>, rows: &Path) -> anyhow::Result<Bill> {
        match self {
            Self::Floor(parser) => run_floor(stage, parser, rows).map(Bill::of_one),
            Self::Trawl(trawl) => trawl.run(stage, rows).map(Bill::of_one),
            Self::Fleet(fleet) => fleet.run(stage, rows, &Telemetry::default()).map(Bill::of_fleet),
        }
    }
}

/// What one crawl cost.
struct Bill {
    wall: Duration,
    total: Cost,
    services: Vec<(&'static str, Cost)>,
}

impl Bill {
    fn of_one(usage: Usage) -> Self {
        Self { wall: usage.wall, total: Cost::of(&usage), services: Vec::new() }
    }

    fn of_fleet(usage: FleetUsage) -> Self {
        let services: Vec<_> = usage.services.iter().map(|(name, usage)| (*name, Cost::of(usage))).collect();
        let total = Cost {
            user_ms: services.iter().map(|(_, cost)| cost.user_ms).sum(),
            system_ms: services.iter().map(|(_, cost)| cost.system_ms).sum(),
            peak_bytes: services.iter().map(|(_, cost)| cost.peak_bytes).sum(),
        };
        Self { wall: usage.wall, total, services }
    }
}
