//! A server that outlives us: started in a process group of its own, found again by its id and its command line.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{self, Signal as Unix};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::wait::{Look, pause};

/// A server process of this machine, running or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Local {
    /// Its process, while it is meant to run.
    pub(crate) pid: Option<u32>,
    /// The ports it owns; the first is the one that clients use.
    pub(crate) ports: Vec<u16>,
    /// Its data folder. It stands on the server's command line, by which we know the process again.
    pub(crate) data: PathBuf,
    /// Where it writes what it says.
    pub(crate) log: PathBuf,
    /// Whether it waits for the disk.
    pub(crate) durable: bool,
}

/// How to end a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The way that lets it finish and flush.
    Polite,
    /// SIGKILL, as a crash would.
    Kill,
}

/// How long a server may take to end politely before it is killed.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Local {
    /// Starts the server; it keeps running when we end, and Ctrl-C in our terminal does not reach it.
    pub(crate) fn spawn(&mut self, mut command: Command) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        self.pid = Some(child.id());
        Ok(())
    }

    /// Whether the process lives and is still the one we started: ids are used again.
    pub(crate) fn is_alive(&self) -> bool {
        let Some(line) = self.pid.and_then(command_line) else { return false };
        // For a moment after it was started a process has no command line yet.
        line.is_empty() || line.contains(&*self.data.to_string_lossy())
    }

    /// Ends it and waits until it is gone. `false`: there was nothing to end.
    pub(crate) fn stop(&mut self, how: Signal, polite: Unix) -> Result<bool> {
        let running = self.is_alive();
        if let (true, Some(pid)) = (running, self.pid) {
            let pid = Pid::from_raw(i32::try_from(pid)?);
            let first = if how == Signal::Kill { Unix::SIGKILL } else { polite };
            signal::kill(pid, first).with_context(|| format!("cannot send {first} to process {pid}"))?;
            if !self.gone_within(PATIENCE) {
                eprintln!("process {pid} did not end in {} s; killing it", PATIENCE.as_secs());
                signal::kill(pid, Unix::SIGKILL)?;
                if !self.gone_within(PATIENCE) {
                    bail!("process {pid} does not end, not even by SIGKILL");
                }
            }
            // If it was a child of ours it is known to others until we ask how it ended: PostgreSQL would not start again.
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
        self.pid = None;
        Ok(running)
    }

    /// A look at a starting server: an error if it died, with the end of what it said.
    pub(crate) fn look(&self, ready: Result<()>) -> Result<Look> {
        match ready {
            Ok(()) => Ok(Look::Done),
            Err(_) if !self.is_alive() => {
                bail!("it ended while starting; the end of {}:\n{}", self.log.display(), tail(&self.log, 15))
            }
            Err(why) => Ok(Look::NotYet(format!("{why:#}; its log is {}", self.log.display()))),
        }
    }

    fn gone_within(&self, limit: Duration) -> bool {
        let began = std::time::Instant::now();
        while self.is_alive() {
            if began.elapsed() > limit {
                return false;
            }
            pause(LOOK_EVERY);
        }
        true
    }
}

/// The command line of a process that lives; one that only waits to be reaped does not.
fn command_line(pid: u32) -> Option<String> {
    if let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) {
        if status.lines().any(|line| line.starts_with("State:") && line.contains(['Z', 'X'])) {
            return None;
        }
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    if Path::new("/proc/self/status").exists() {
        return None;
    }
    let output = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success() && !text.contains("<defunct>")).then_some(text)
}

/// The last lines of a log.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(name: &str) -> Local {
        let log = std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id()));
        // The marker stands on the command line as `$0`, as a server's data folder does.
        let data = PathBuf::from(format!("/xtask-marker-{name}"));
        let mut local = Local { pid: None, ports: vec![], data, log, durable: false };
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; while :; do sleep 0.05; done"]).arg(&local.data);
        local.spawn(command).unwrap();
        local
    }

    #[test]
    fn a_server_is_stopped_once() {
        for how in [Signal::Polite, Signal::Kill] {
            let mut local = sleeper(&format!("stop-{how:?}"));
            assert!(local.is_alive());
            assert!(local.stop(how, Unix::SIGTERM).unwrap());
            assert!(!local.is_alive());
            assert!(!local.stop(how, Unix::SIGTERM).unwrap(), "it was stopped already");
            fs::remove_file(&local.log).unwrap();
        }
    }

    #[test]
    fn a_strangers_process_is_not_ours() {
        let mut local = sleeper("stranger");
        while tail(&local.log, 1).is_empty() {
            pause(LOOK_EVERY);
        }
        let stranger = Local { data: PathBuf::from("/another-marker"), ..local.clone() };
        assert!(!stranger.is_alive());
        local.stop(Signal::Kill, Unix::SIGTERM).unwrap();
        fs::remove_file(&local.log).unwrap();
    }

    #[test]
    fn what_died_is_told_with_its_log() {
        let mut local = sleeper("died");
        while tail(&local.log, 1).is_empty() {
            pause(LOOK_EVERY);
        }
        local.stop(Signal::Kill, Unix::SIGTERM).unwrap();
        let Err(error) = local.look(Err(anyhow::anyhow!("no answer"))) else { panic!("it died") };
        assert!(error.to_string().contains("begun"), "{error}");
        fs::remove_file(&local.log).unwrap();
    }
}
