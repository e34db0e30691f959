//! Crawlers that are one process: the two floors and the embedded `trawl crawl`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::binaries;
use super::process::{Running, Usage};
use super::stage::Stage;

/// A crawler to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Contestant {
    /// The floor that reads HTML in a streaming pass.
    Streaming,
    /// The floor that builds a DOM.
    Dom,
    /// `trawl crawl`: all five services in one process, with SQLite and robots.txt.
    Trawl,
    /// The five services as processes, on Kafka and PostgreSQL.
    Fleet,
}

impl Contestant {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming floor",
            Self::Dom => "DOM floor",
            Self::Trawl => "trawl crawl",
            Self::Fleet => "five services",
        }
    }
}

/// Runs a floor over the stage's web; its rows go to `out`.
pub(super) fn run_floor(stage: &Stage<'_>, parser: &str, out: &Path) -> anyhow::Result<Usage> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor", "--parser", parser, "--resolve", &stage.resolve()]).arg("--out").arg(out);
    for seed in &stage.seeds {
        command.args(["--seed-url", seed]);
    }
    Running::start(&format!("floor-{parser}"), command, stage.folder)?.finish(stage.limit)
}

/// The embedded crawl.
#[derive(Debug)]
pub(super) struct Trawl(PathBuf);

impl Trawl {
    pub(super) fn build() -> anyhow::Result<Self> {
        binaries::build("trawl", "trawl").map(Self)
    }

    /// Crawls the stage's web into a data folder of its own; its rows go to `out`.
    pub(super) fn run(&self, stage: &Stage<'_>, out: &Path) -> anyhow::Result<Usage> {
        let data = tempfile::tempdir_in(stage.folder)?;
        let mut command = Command::new(&self.0);
        command.arg("crawl").args(&stage.seeds).args([
            "--resolve",
            &stage.resolve(),
            "--allow-private-addresses",
        ]);
        command.args([
            "--scope",
            "host",
            "--delay",
            "0s",
            "--per-host",
            "8",
            "--concurrency",
            "32",
            "--quiet",
        ]);
        command.arg("--out").arg(out).arg("--data").arg(data.path());
        Running::start("trawl", command, stage.folder)?.finish(stage.limit)
    }
}
