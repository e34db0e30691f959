//! The five services as processes: started, signalled, watched, and started again by us when they end by themselves, as
//! a supervisor does.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;

use super::programs::Programs;
use super::scenario::Scenario;
use super::vitals::Vitals;
use crate::services::{pause, ports};

/// The services, in the order they are started in.
pub(crate) const SERVICES: [&str; 5] = ["storage", "parser", "scraper", "dlq-handler", "url-manager"];

/// A member that is silent for this long has lost its partitions.
pub(crate) const SESSION: Duration = Duration::from_secs(6);
/// How long a service may take to stop when asked to; its own drain has a shorter bound.
const STOPS_WITHIN: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a process that ends by itself is left alone for before it is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);
/// Stands for the name of a process in the values of its variables.
pub(crate) const MEMBER: &str = "{member}";
/// Broker or database could not be reached at the start: what a supervisor is for.
const UNREACHABLE: [i32; 2] = [5, 6];

/// Processes of the services, and how more of them are started.
pub(crate) struct Fleet<'a> {
    programs: &'a Programs,
    environment: Vec<(String, String)>,
    /// What only processes of services have.
    of_members: Vec<(String, String)>,
    /// Whether a process may end because a server can't be reached when it starts.
    forgiving: bool,
    logs: PathBuf,
    members: Vec<Member>,
    /// What processes did that no fault asked for, in words.
    pub(crate) surprises: Vec<String>,
    peak_mib: u64,
}

/// One process of a service.
struct Member {
    name: String,
    service: String,
    /// Settings that this process has besides those of all.
    more: Vec<String>,
    telemetry: u16,
    /// None between its end and its next start.
    child: Option<Child>,
    vitals: Vitals,
    ended: Instant,
}

impl<'a> Fleet<'a> {
    /// A fleet without processes. What they log goes to files in `logs`.
    pub(crate) fn new(
        programs: &'a Programs,
        environment: Vec<(String, String)>,
        scenario: &dyn Scenario,
        logs: PathBuf,
    ) -> Self {
        Self {
            programs,
            environment,
            of_members: scenario.environment(&logs),
            forgiving: scenario.forgives_unreachable_servers(),
            logs,
            members: Vec::new(),
            surprises: Vec::new(),
            peak_mib: 0,
        }
    }

    /// Starts the one process of each service.
    pub(crate) fn start_all(&mut self) -> Result<()> {
        SERVICES.into_iter().try_for_each(|service| self.start(service, service, &[]))
    }

    /// Starts a process of a service under a name of its own, with settings of its own (`KEY=VALUE`).
    pub(crate) fn start(&mut self, name: &str, service: &str, more: &[&str]) -> Result<()> {
        let [telemetry] = ports::free()?;
        let mut member = Member {
            name: name.to_owned(),
            service: service.to_owned(),
            more: more.iter().map(|&setting| setting.to_owned()).collect(),
            telemetry,
            child: None,
            vitals: Vitals::new(),
            ended: Instant::now(),
        };
        self.spawn(&mut member)?;
        self.members.push(member);
        Ok(())
    }

    fn spawn(&self, member: &mut Member) -> Result<()> {
        let log =
            File::options().create(true).append(true).open(self.logs.join(format!("{}.log", member.name)))?;
        let mut command = self.command(&member.service)?;
        command.arg("run").args(["--set", &format!("telemetry.listen=127.0.0.1:{}", member.telemetry)]);
        command.env("TRAWL_RUNTIME_INSTANCE", &member.name);
        command.envs(self.of_members.iter().map(|(name, value)| (name, value.replace(MEMBER, &member.name))));
        for setting in &member.more {
            command.args(["--set", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        member.child = Some(command.spawn().with_context(|| format!("cannot start {}", member.name))?);
        member.vitals = Vitals::new();
        Ok(())
    }

    /// A command of a program, with the fleet's settings.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let mut command = self.programs.command(program)?;
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Names of the processes that there should be.
    pub(crate) fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name.clone()).collect()
    }

    /// Ends a process without warning, and takes it out of the fleet.
    pub(crate) fn kill(&mut self, name: &str) -> Result<()> {
        let mut member = self.take(name)?;
        if let Some(child) = &mut member.child {
            // One that was stopped by SIGSTOP dies of this as well.
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks a process to stop, waits until it did, and takes it out of the fleet. How long it took.
    pub(crate) fn stop(&mut self, name: &str) -> Result<Duration> {
        let mut member = self.take(name)?;
        let began = Instant::now();
        let Some(child) = &mut member.child else { return Ok(Duration::ZERO) };
        send(child, Signal::SIGTERM)?;
        while began.elapsed() < STOPS_WITHIN {
            if let Some(status) = child.try_wait()? {
                if !status.success() {
                    self.surprises.push(format!("{name} ended with {status} when it was asked to stop"));
                }
                return Ok(began.elapsed());
            }
            pause(LOOK_EVERY);
        }
        child.kill()?;
        child.wait()?;
        self.surprises.push(format!("{name} did not stop within {} s", STOPS_WITHIN.as_secs()));
        Ok(began.elapsed())
    }

    /// Freezes a process (SIGSTOP) or lets it go on (SIGCONT).
    pub(crate) fn freeze(&mut self, name: &str, frozen: bool) -> Result<()> {
        let member = self.member(name)?;
        let Some(child) = &member.child else { return Ok(()) };
        send(child, if frozen { Signal::SIGSTOP } else { Signal::SIGCONT })
    }

    /// What `/readyz` of a process says: none when it is ready or does not answer.
    pub(crate) fn not_ready(&self, name: &str) -> Option<String> {
        let member = self.members.iter().find(|member| member.name == name)?;
        let answer = get(member.telemetry, "/readyz").ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 503 ").then(|| body.trim().to_owned())
    }

    /// Whether a process answers that it is ready.
    pub(crate) fn is_ready(&self, name: &str) -> bool {
        let member = self.members.iter().find(|member| member.name == name);
        member.is_some_and(|member| {
            get(member.telemetry, "/readyz").is_ok_and(|answer| answer.contains(" 200 "))
        })
    }

    /// Looks at all processes: takes their vitals, and starts those again that ended by themselves.
    pub(crate) fn watch(&mut self) -> Result<()> {
        let mut members = std::mem::take(&mut self.members);
        for member in &mut members {
            match &mut member.child {
                Some(child) => match child.try_wait()? {
                    None => member.vitals.look(child.id()),
                    Some(status) => {
                        (member.child, member.ended) = (None, Instant::now());
                        let unreachable = status.code().is_some_and(|code| UNREACHABLE.contains(&code));
                        if !(self.forgiving && unreachable) {
                            self.surprises.push(format!("{} ended by itself with {status}", member.name));
                        }
                        self.finish(member);
                    }
                },
                None if member.ended.elapsed() >= RESTART_AFTER => self.spawn(member)?,
                None => {}
            }
        }
        self.members = members;
        Ok(())
    }

    /// The most memory that any process took, in MiB; what leaked is among the surprises then.
    pub(crate) fn finish_all(&mut self) -> u64 {
        for member in std::mem::take(&mut self.members) {
            self.finish(&member);
            self.members.push(member);
        }
        self.peak_mib
    }

    fn finish(&mut self, member: &Member) {
        self.peak_mib = self.peak_mib.max(member.vitals.peak_mib());
        self.surprises.extend(member.vitals.leaks().iter().map(|leak| format!("{}: {leak}", member.name)));
    }

    fn member(&self, name: &str) -> Result<&Member> {
        self.members.iter().find(|member| member.name == name).with_context(|| format!("{name} does not run"))
    }

    fn take(&mut self, name: &str) -> Result<Member> {
        let place = self.members.iter().position(|member| member.name == name);
        let member = self.members.remove(place.with_context(|| format!("{name} does not run"))?);
        self.finish(&member);
        Ok(member)
    }

    /// Runs a command of a program to its end and gives what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self.command(program)?.args(arguments).stdin(Stdio::null()).output()?;
        if !output.status.success() && output.stdout.is_empty() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{program} {} ended with {}: {}", arguments[0], output.status, said.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The same, where what is printed is JSON, one value a line.
    pub(crate) fn json(&self, program: &str, arguments: &[&str]) -> Result<Vec<Value>> {
        let text = self.run(program, arguments)?;
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
            .collect()
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        for child in self.members.iter_mut().filter_map(|member| member.child.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn send(child: &Child, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    signal::kill(pid, signal).with_context(|| format!("cannot send {signal} to process {pid}"))
}

fn get(port: u16, path: &str) -> std::io::Result<String> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
