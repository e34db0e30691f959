//! Installing what a bare Debian or Ubuntu lacks. Only ever as root, and only what is named.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use super::Service;

/// Two services start at once, and apt works for one at a time. `true` once the lists are fresh.
static TURN: Mutex<bool> = Mutex::new(false);

/// Whether packages may be installed here; if not, why not.
pub(crate) fn may_install() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("only root may install packages");
    }
    let found = quiet(Command::new("apt-get").arg("--version")).is_ok_and(|status| status.success());
    if !found {
        bail!("this system has no apt-get");
    }
    Ok(())
}

/// Installs the first of these packages that the distribution has.
pub(crate) fn install(service: Service, candidates: &[&str]) -> Result<()> {
    let mut lists_are_fresh = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if !*lists_are_fresh {
        service.say("apt-get update");
        run(apt().arg("update"))?;
        *lists_are_fresh = true;
    }
    let package = candidates
        .iter()
        .find(|name| has_candidate(name))
        .with_context(|| format!("apt knows none of {}", candidates.join(", ")))?;
    service.say(format_args!("apt-get install {package}"));
    run(apt().args(["install", "--yes", "--no-install-recommends", package]))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-qq", "-o", "DPkg::Lock::Timeout=300"]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // Packages of servers start one on their own port; in runlevel 1 they do not, and we want only ours.
    command.env("RUNLEVEL", "1");
    command
}

fn has_candidate(package: &str) -> bool {
    // `show` fails for a name that no list has, and for a purely virtual one.
    quiet(Command::new("apt-cache").args(["show", package])).is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().context("cannot run apt-get")?;
    if !output.status.success() {
        bail!("apt-get failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn quiet(command: &mut Command) -> std::io::Result<std::process::ExitStatus> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
}
