//! The five services as processes, on a Kafka and a PostgreSQL that are there already.
//!
//! Everything this file knows of the services' command lines stands here and nowhere else: the settings' names, `run`,
//! `seed`, `status` and `export`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::binaries;
use super::process::{Running, Usage};
use super::stage::Stage;

/// Where the brokers are named for tests and measurements.
const BROKERS: &str = "TRAWL_TEST_KAFKA_BROKERS";
/// Where the database is named for tests and measurements.
const DATABASE: &str = "TRAWL_TEST_DATABASE_URL";

/// Package and program of each service.
const SERVICES: [(&str, &str); 5] = [
    ("trawl-url-manager", "url-manager"),
    ("trawl-scraper", "scraper"),
    ("trawl-parser", "parser"),
    ("trawl-storage", "storage"),
    ("trawl-dlq-handler", "dlq-handler"),
];

const URL_MANAGER: usize = 0;
const SCRAPER: usize = 1;
const STORAGE: usize = 3;

/// How often the job is asked whether it is complete.
const POLL: Duration = Duration::from_millis(500);

/// How a fleet is looked at while it works.
#[derive(Clone, Debug, Default)]
pub(super) enum Telemetry {
    /// As it comes: metrics are served, nobody asks for them, nothing is traced.
    #[default]
    AsItComes,
    /// Nothing is served, nothing is traced.
    Off,
    /// Each service serves its metrics at an address of its own, and a share of the pages is traced.
    Watched { listen: Vec<SocketAddr>, collector: String, ratio: f64 },
}

impl Telemetry {
    /// The settings of a service.
    fn settings(&self, number: usize) -> Vec<(&'static str, String)> {
        match self {
            Self::AsItComes => Vec::new(),
            Self::Off => vec![("TRAWL_TELEMETRY_LISTEN", String::new())],
            Self::Watched { listen, collector, ratio } => vec![
                ("TRAWL_TELEMETRY_LISTEN", listen[number].to_string()),
                ("TRAWL_TELEMETRY_TRACES_ENDPOINT", collector.clone()),
                ("TRAWL_TELEMETRY_TRACES_RATIO", ratio.to_string()),
            ],
        }
    }
}

/// The services' programs, and where brokers and database are.
#[derive(Debug)]
pub(super) struct Fleet {
    programs: Vec<PathBuf>,
    brokers: String,
    database: String,
}

/// What a fleet's crawl cost.
#[derive(Debug)]
pub(super) struct FleetUsage {
    /// From the first seed to the completion of the job.
    pub(super) wall: Duration,
    /// Each service from start to end.
    pub(super) services: Vec<(&'static str, Usage)>,
}

/// The part of `url-manager status --json` that tells when a job is over, and by which id its pages are exported.
#[derive(Debug, Deserialize)]
struct Status {
    id: String,
    state: String,
}

impl Fleet {
    /// How many services it has.
    pub(super) const SIZE: usize = SERVICES.len();

    pub(super) fn build() -> anyhow::Result<Self> {
        let setting = |name| std::env::var(name).with_context(|| format!("the fleet needs {name}"));
        let (brokers, database) = (setting(BROKERS)?, setting(DATABASE)?);
        let programs = SERVICES.iter().map(|(package, name)| binaries::build(package, name));
        Ok(Self { programs: programs.collect::<Result<_, _>>()?, brokers, database })
    }

    /// Crawls the stage's web as a job with topics of its own; its rows go to `out`.
    pub(super) fn run(
        &self,
        stage: &Stage<'_>,
        out: &Path,
        telemetry: &Telemetry,
    ) -> anyhow::Result<FleetUsage> {
        let job = format!("bench-{}", uuid::Uuid::now_v7().simple());
        let mut running = Vec::new();
        for (number, (_, name)) in SERVICES.iter().enumerate() {
            let mut command = self.command(number, &job);
            command.arg("run").envs(telemetry.settings(number));
            if number == SCRAPER {
                command.env("TRAWL_SCRAPER_RESOLVE", stage.resolve());
            }
            running.push((*name, Running::start(name, command, stage.folder)?));
        }
        let mut seed = self.command(URL_MANAGER, &job);
        seed.arg("seed").args(&stage.seeds).args(["--job", &job]);
        seed.args(["--scope", "host", "--delay", "0s", "--per-host", "8", "--allow-private-addresses"]);
        let seeded = Instant::now();
        Running::start("seed", seed, stage.folder)?.finish(stage.limit)?;
        let id = self.wait(&job, stage.limit)?;
        let wall = seeded.elapsed();
        let stopped = running.into_iter().map(|(name, service)| Ok((name, service.stop()?)));
        let services = stopped.collect::<anyhow::Result<_>>()?;
        let mut export = self.command(STORAGE, &job);
        export.args(["export", "--format", "jsonl", "--job", &id]).arg("--out").arg(out);
        Running::start("export", export, stage.folder)?.finish(stage.limit)?;
        Ok(FleetUsage { wall, services })
    }

    /// A service's program with the settings that all of them share.
    fn command(&self, number: usize, job: &str) -> Command {
        let mut command = Command::new(&self.programs[number]);
        command.env("TRAWL_KAFKA_BROKERS", &self.brokers).env("TRAWL_DATABASE_URL", &self.database);
        command.env("TRAWL_KAFKA_TOPIC_PREFIX", format!("{job}."));
        command
    }

    /// Waits until a job is done and gives its id.
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of its own process that has nothing to do but wait"
    )]
    fn wait(&self, job: &str, limit: Duration) -> anyhow::Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.status(job)?;
            if status.state == "done" {
                return Ok(status.id);
            }
            if Instant::now() > deadline {
                let limit = humantime::format_duration(limit);
                bail!("the job {job} was still {} after {limit}", status.state);
            }
            std::thread::sleep(POLL);
        }
    }

    fn status(&self, job: &str) -> anyhow::Result<Status> {
        let output = self.command(URL_MANAGER, job).args(["status", "--json", "--job", job]).output()?;
        if !output.status.success() {
            bail!("url-manager status failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).context("url-manager status --json has no `id` and `state`")
    }
}
