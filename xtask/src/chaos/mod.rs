//! `cargo xtask chaos`: the fault suite. It crawls a web whose answer is known with all five services as processes, on a
//! Kafka and a PostgreSQL of its own, breaks things by a schedule drawn from a seed, waits for rest, and closes the books:
//! each URL in one state, each page stored once with the right content, no letter without a cause, gaps kept.

mod books;
mod draw;
mod fleet;
mod line;
mod produce;
mod programs;
mod report;
mod run;
mod scenario;
mod vitals;
mod web;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    let names = if options.scenario.is_empty() { Name::value_variants() } else { &options.scenario };
    let folder = layout.target("chaos");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("cannot catch signals")?;
    }
    let programs = Programs::build(layout)?;
    let mut runs = Vec::new();
    fleets(layout, &programs, options, names, &folder, &interrupted, &mut runs)?;
    let report = folder.join("report.txt");
    report::write(&report, &runs)?;
    print!("{}", report::text(&runs));
    eprintln!("chaos: every fault is in {}, the logs of each run beside it", report.display());
    Ok(if runs.iter().all(Ended::is_well) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn fleets(
    layout: &Layout,
    programs: &Programs,
    options: &ChaosOptions,
    names: &[Name],
    folder: &Path,
    interrupted: &AtomicBool,
    runs: &mut Vec<Ended>,
) -> Result<()> {
    let (broker, database) = (Line::open()?, Line::open()?);
    let own = Own::launch(layout.with_services(folder.join("services")), broker.port())?;
    broker.lead_to(own.second_port()?);
    database.lead_to(own.port(Service::Postgres)?);
    let mut servers = Servers { own, broker, database };
    for name in names {
        let setting = Setting { name: name.word(), seed: options.seed, minutes: options.minutes };
        eprintln!("chaos: {} with seed {} for {} min", setting.name, setting.seed, setting.minutes);
        let folder = folder.join(format!("{}-{}", setting.name, setting.seed));
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot delete {}", folder.display()))?;
        }
        let mut scenario = name.scenario()?;
        let outcome = Run::new(programs, &mut servers, &setting, scenario.as_ref(), folder, interrupted)
            .and_then(|run| run.perform(setting.clone(), scenario.as_mut()));
        if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            anyhow::bail!("interrupted");
        }
        runs.push(match outcome {
            Ok(outcome) => Ended::Ran(Box::new(outcome)),
            Err(error) => Ended::Broke(setting, format!("{error:#}")),
        });
    }
    Ok(())
}
