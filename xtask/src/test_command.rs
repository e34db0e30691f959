//! `cargo xtask test`: the one test command. It runs `cargo test`, then the fault suite for a short while, and says what it
//! left out.

use std::env;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::chaos;
use crate::cli::TestOptions;
use crate::layout::Layout;
use crate::services::{self, Data, Durability, Endpoint, Service};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Real pages that some tests read in place: a folder, by default beside the checkout.
const CORPORA: (&str, &str) = ("TRAWL_CORPORA", "../shared/corpora");

pub(crate) fn run(layout: &Layout, options: &TestOptions) -> Result<ExitCode> {
    let interrupts = Interrupts::catch()?;
    let endpoints = if options.offline {
        Vec::new()
    } else {
        services::up(layout, Durability::None)
            .context("the services did not come up; `cargo xtask test --offline` runs what needs none")?
    };
    let began = Instant::now();
    let status = cargo_test(layout, options, &endpoints)
        .spawn()
        .context("cannot start cargo")
        .and_then(|mut child| interrupts.wait_for(&mut child));
    eprintln!("test: cargo test took {} s", began.elapsed().as_secs());
    let passed = status.as_ref().is_ok_and(ExitStatus::success);
    // Whoever names a part of the tests wants that part.
    let faults =
        if passed && options.args.is_empty() { chaos::short(layout, options.offline) } else { Ok(true) };

    if endpoints.iter().any(|endpoint| endpoint.started) && !options.keep {
        services::down(layout, Data::Keep)?;
    }
    for what in left_out(layout.root(), options.offline) {
        eprintln!("test: left out: {what}");
    }
    let code = status?.code().and_then(|code| u8::try_from(code).ok());
    if !faults? {
        return Ok(ExitCode::FAILURE);
    }
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn cargo_test(layout: &Layout, options: &TestOptions, endpoints: &[Endpoint]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(layout.root()).args(arguments(&options.args));
    // `cargo run` set these for us; they are not true of what runs now.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    for service in Service::ALL {
        command.env_remove(service.variable());
    }
    for endpoint in endpoints {
        command.env(endpoint.service.variable(), &endpoint.address);
    }
    command
}

/// What is off by default and tested all the same: the operators' verbs.
const FEATURES: [&str; 2] = ["--features", "trawl/kafka"];

/// The whole workspace, unless the arguments name packages (cargo would let `--workspace` win over them).
fn arguments(extra: &[String]) -> Vec<String> {
    let for_cargo = extra.iter().take_while(|arg| *arg != "--");
    let names_packages = for_cargo.map(String::as_str).any(|arg| {
        arg == "-p"
            || arg == "--package"
            || arg.starts_with("--package=")
            || (arg.starts_with("-p") && arg.len() > 2)
    });
    let mut arguments = vec!["test".to_owned()];
    if !names_packages {
        arguments.push("--workspace".to_owned());
        arguments.extend(FEATURES.map(str::to_owned));
    }
    arguments.extend_from_slice(extra);
    arguments
}

fn left_out(root: &Path, offline: bool) -> Vec<String> {
    let mut left_out = Vec::new();
    if offline {
        left_out.push(
            "the tests against a real Apache Kafka and a real PostgreSQL, and faults over them (--offline)"
                .to_owned(),
        );
    }
    let corpora = env::var_os(CORPORA.0).unwrap_or_else(|| CORPORA.1.into());
    if !root.join(&corpora).is_dir() {
        let place = corpora.display();
        left_out.push(format!("the tests over real pages ({} names no folder: {place})", CORPORA.0));
    }
    left_out
}

/// Ctrl-C reaches cargo through the terminal; we stay to take the services down. A SIGTERM is passed on.
struct Interrupts {
    terminated: Arc<AtomicBool>,
}

impl Interrupts {
    fn catch() -> Result<Self> {
        let (interrupted, terminated) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted)
            .context("cannot catch Ctrl-C")?;
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&terminated))
            .context("cannot catch SIGTERM")?;
        Ok(Self { terminated })
    }

    fn wait_for(&self, child: &mut Child) -> Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.terminated.swap(false, Ordering::Relaxed) {
                signal::kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
            }
            services::pause(LOOK_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_packages_replace_the_workspace() {
        let check = |extra: &[&str], expected: &str| {
            let extra: Vec<_> = extra.iter().map(|&arg| arg.to_owned()).collect();
            assert_eq!(arguments(&extra).join(" "), expected);
        };
        check(&[], "test --workspace --features trawl/kafka");
        check(&["kafka"], "test --workspace --features trawl/kafka kafka");
        check(&["-p", "xtask"], "test -p xtask");
        check(&["-pxtask"], "test -pxtask");
        check(&["--package=xtask", "--", "tidy"], "test --package=xtask -- tidy");
        check(&["--", "-p"], "test --workspace --features trawl/kafka -- -p");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let nowhere = Path::new("/nowhere/at/all");
        assert!(left_out(nowhere, true)[0].contains("real Apache Kafka"));
        assert!(left_out(nowhere, false).iter().all(|line| !line.contains("Kafka")));
    }
}
