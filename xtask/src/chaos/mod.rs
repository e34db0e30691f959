//! `cargo xtask chaos`: the fault suite. It crawls a web whose answer is known with all five services as processes, on a
//! Kafka and a PostgreSQL of its own, breaks things by a schedule drawn from a seed, waits for rest, and closes the books:
//! each URL in one state, each page stored once with the right content, no letter without a cause, gaps kept.

mod books;
mod draw;
mod embedded;
mod fleet;
mod hostile;
mod line;
mod produce;
mod programs;
mod report;
mod run;
mod scenario;
mod small_disk;
mod vitals;
mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::cli::ChaosOptions;
use crate::layout::Layout;
use crate::services::{Own, Service};
use line::Line;
use programs::Programs;
use report::{Ended, Setting};
use run::{Run, Servers};
pub(crate) use scenario::Name;

/// Runs the scenarios that are asked for, and prints what came of them.
pub(crate) fn run(layout: &Layout, options: &ChaosOptions) -> Result<ExitCode> {
    ensure!(options.minutes > 0.0 && options.minutes <= 600.0, "--minutes wants more than 0 and at most 600");
    let folder = layout.target("chaos");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("cannot catch signals")?;
    }
    let programs = Programs::build(layout, options.release)?;
    let suite = Suite { layout, programs, options, folder: &folder, interrupted: &interrupted };
    let runs = if options.embedded { suite.embedded()? } else { suite.fleets()? };
    let report = folder.join("report.txt");
    report::write(&report, &runs)?;
    print!("{}", report::text(&runs));
    eprintln!("chaos: every fault is in {}, the logs of each run beside it", report.display());
    Ok(if runs.iter().all(Ended::is_well) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The part of the suite that belongs to the tests: kills of the five services and of the one process, with one seed, for
/// half a minute in all. `offline` starts no server. Whether nothing is to be complained of.
pub(crate) fn short(layout: &Layout, offline: bool) -> Result<bool> {
    const SEED: u64 = 1;
    let of = |scenario, minutes, embedded| ChaosOptions {
        seed: SEED,
        minutes,
        scenario: vec![scenario],
        embedded,
        release: false,
    };
    let mut options = vec![of(Name::Kill9, 0.25, true)];
    if !offline {
        options.push(of(Name::Kill9, 0.3, false));
    }
    for options in options {
        if run(layout, &options)? != ExitCode::SUCCESS {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What all runs have in common.
struct Suite<'a> {
    layout: &'a Layout,
    programs: Programs,
    options: &'a ChaosOptions,
    folder: &'a Path,
    interrupted: &'a AtomicBool,
}

impl Suite<'_> {
    /// The scenarios that are asked for and make sense; an error where one is asked for by name that does not.
    fn names(&self, makes_sense: impl Fn(Name) -> bool, over: &str) -> Result<Vec<Name>> {
        if self.options.scenario.is_empty() {
            return Ok(Name::value_variants().iter().copied().filter(|name| makes_sense(*name)).collect());
        }
        for name in &self.options.scenario {
            ensure!(makes_sense(*name), "{} makes no sense over {over}", name.word());
        }
        Ok(self.options.scenario.clone())
    }

    /// Says what runs now, and makes an empty folder for its logs.
    fn begin(&self, name: Name, over: &str) -> Result<(Setting, PathBuf)> {
        let ChaosOptions { seed, minutes, .. } = *self.options;
        let setting = Setting { name: format!("{}{over}", name.word()), seed, minutes };
        eprintln!("chaos: {} with seed {seed} for {minutes} min", setting.name);
        let folder = self.folder.join(format!("{}-{seed}", setting.name));
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot delete {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok((setting, folder))
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn fleets(&self) -> Result<Vec<Ended>> {
        let names = self.names(|name| name.scenario().is_some(), "the five services")?;
        let (broker, database) = (Line::open()?, Line::open()?);
        let own = Own::launch(self.layout.with_services(self.folder.join("services")), broker.port())?;
        broker.lead_to(own.second_port()?);
        database.lead_to(own.port(Service::Postgres)?);
        let mut servers = Servers { own, broker, database };
        let mut runs = Vec::new();
        for name in names {
            let Some(mut scenario) = name.scenario() else { continue };
            let (setting, folder) = self.begin(name, "")?;
            if let Some(why) = scenario.cannot() {
                runs.push(Ended::Skipped(setting, why));
                continue;
            }
            let run =
                Run::new(&self.programs, &mut servers, &setting, scenario.as_mut(), folder, self.interrupted);
            let outcome = run.and_then(|run| run.perform(setting.clone(), scenario.as_mut()));
            runs.push(Ended::of(setting, outcome));
            if self.is_interrupted() {
                break;
            }
        }
        Ok(runs)
    }

    fn embedded(&self) -> Result<Vec<Ended>> {
        let mut runs = Vec::new();
        for name in self.names(embedded::has, "trawl crawl")? {
            let (setting, folder) = self.begin(name, "-embedded")?;
            if let Some(why) = embedded::cannot(name) {
                runs.push(Ended::Skipped(setting, why));
                continue;
            }
            let outcome = embedded::perform(&self.programs, setting.clone(), name, folder, self.interrupted);
            runs.push(Ended::of(setting, outcome));
            if self.is_interrupted() {
                break;
            }
        }
        Ok(runs)
    }
}
