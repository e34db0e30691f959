//! Child processes and what they cost: CPU time and peak memory as the kernel accounts for them when it reaps the
//! child, not as sampled from outside.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wait4::{ResUse, Wait4 as _};

/// How much of a failed child's own words an error repeats.
const LAST_WORDS: usize = 2_000;
/// How long a child that was asked to stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a process cost from start to end. A child's peak memory cannot read lower than that of the process that
/// started it, because it begins as a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) user: Duration,
    pub(super) system: Duration,
    pub(super) wall: Duration,
    pub(super) peak_bytes: u64,
}

/// A child under way. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    pid: Pid,
    log: PathBuf,
    started: Instant,
    exit: Receiver<(Instant, std::io::Result<ResUse>)>,
    over: bool,
}

impl Running {
    /// Starts `command`; what it prints goes to a file in `logs`.
    pub(super) fn start(name: &str, mut command: Command, logs: &Path) -> anyhow::Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().to_string_lossy()))?;
        let pid = Pid::from_raw(i32::try_from(child.id()).context("a process id out of range")?);
        let (report, exit) = channel();
        std::thread::spawn(move || {
            let used = child.wait4();
            // Nobody listens any more only if the contest is over.
            let _ = report.send((Instant::now(), used));
        });
        Ok(Self { name: name.to_owned(), pid, log, started, exit, over: false })
    }

    /// Waits until the child ends of itself, for at most `limit`.
    pub(super) fn finish(mut self, limit: Duration) -> anyhow::Result<Usage> {
        let Some((usage, status)) = self.reaped(limit)? else {
            bail!("{} was still running after {}", self.name, humantime::format_duration(limit));
        };
        if !status.success() {
            bail!("{} failed ({status}); it said:\n{}", self.name, self.last_words());
        }
        Ok(usage)
    }

    /// Asks the child to stop, as a supervisor would, and waits for that.
    pub(super) fn stop(mut self) -> anyhow::Result<Usage> {
        if self.reaped(Duration::ZERO)?.is_some() {
            bail!("{} ended before its time; it said:\n{}", self.name, self.last_words());
        }
        kill(self.pid, Signal::SIGTERM).with_context(|| format!("cannot stop {}", self.name))?;
        let Some((usage, _)) = self.reaped(PATIENCE)? else {
            bail!("{} did not stop within {}", self.name, humantime::format_duration(PATIENCE));
        };
        Ok(usage)
    }

    fn reaped(&mut self, limit: Duration) -> anyhow::Result<Option<(Usage, ExitStatus)>> {
        let (ended, used) = match self.exit.recv_timeout(limit) {
            Ok(exit) => exit,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody waited for {}", self.name),
        };
        self.over = true;
        let used = used.with_context(|| format!("cannot wait for {}", self.name))?;
        let usage = Usage {
            user: used.rusage.utime,
            system: used.rusage.stime,
            wall: ended.duration_since(self.started),
            peak_bytes: used.rusage.maxrss,
        };
        Ok(Some((usage, used.status)))
    }

    fn last_words(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let from = said.len().saturating_sub(LAST_WORDS);
        String::from_utf8_lossy(&said[from..]).trim().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            // It may have ended meanwhile: then there is nobody to kill, and that is as good.
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::Running;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_childs_own_cpu_time_is_counted() {
        let logs = tempfile::tempdir().expect("a folder");
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let busy = Running::start("busy", shell(busy), logs.path()).expect("it starts");
        let idle = Running::start("idle", shell("exit 0"), logs.path()).expect("it starts");
        let [busy, idle] = [busy, idle].map(|child| child.finish(Duration::from_secs(60)).expect("it ends"));
        assert!(busy.user > idle.user + Duration::from_millis(20), "{busy:?} {idle:?}");
        assert!(busy.peak_bytes > 100_000 && busy.wall >= busy.user);
    }

    #[test]
    fn failures_repeat_what_the_child_said() {
        let logs = tempfile::tempdir().expect("a folder");
        let child =
            Running::start("sorry", shell("echo no luck >&2; exit 3"), logs.path()).expect("it starts");
        let error = child.finish(Duration::from_secs(60)).expect_err("it failed").to_string();
        assert!(error.contains("no luck") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_service_is_stopped_and_counted() {
        let logs = tempfile::tempdir().expect("a folder");
        let child = Running::start("service", shell("exec sleep 600"), logs.path()).expect("it starts");
        assert!(child.stop().expect("it stops").wall < Duration::from_secs(30));
    }
}
