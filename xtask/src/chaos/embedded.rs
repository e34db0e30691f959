//! The suite over `trawl crawl`: one process, three SQLite files, and `--resume` after whatever ended it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;

use super::books::{Books, Letter, Row, Scope};
use super::draw::Draw;
use super::hostile::{HostileSite, Malice};
use super::programs::Programs;
use super::report::{Outcome, Setting};
use super::run::REST_WITHIN;
use super::scenario::Name;
use super::small_disk::SmallDisk;
use super::vitals::Vitals;
use super::web::{GAP_MS, Web};
use crate::services::pause;

const STOPS_WITHIN: Duration = Duration::from_secs(40);
/// A crawl on a full disk either stops within this, or waits for room.
const STOPS_WHEN_FULL: Duration = Duration::from_secs(10);
const BEGINS_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Interrupted; a database or an output that can't be written.
const INTERRUPTED: i32 = 130;
const NO_ROOM: [i32; 2] = [6, 7];

/// What can happen to the one process.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Kill,
    Terminate,
    FillDisk,
}

/// The blows of a scenario; none for one that has no embedded form.
fn blows(name: Name) -> Option<&'static [Blow]> {
    match name {
        Name::Kill9 => Some(&[Blow::Kill]),
        Name::Sigterm => Some(&[Blow::Terminate]),
        Name::Disk => Some(&[Blow::FillDisk]),
        Name::Hostile => Some(&[]),
        Name::All => Some(&[Blow::Kill, Blow::Terminate, Blow::FillDisk]),
        _ => None,
    }
}

/// Whether a scenario makes sense over one process without servers.
pub(crate) fn has(name: Name) -> bool {
    blows(name).is_some()
}

/// Why a scenario can't be had on this machine.
pub(crate) fn cannot(name: Name) -> Option<String> {
    blows(name)?.iter().any(|blow| matches!(blow, Blow::FillDisk)).then(SmallDisk::cannot)?
}

/// A crawl and what is broken around it.
struct Crawl<'a> {
    programs: &'a Programs,
    web: Web,
    hostile: Vec<HostileSite>,
    disk: Option<SmallDisk>,
    folder: PathBuf,
    child: Option<Child>,
    vitals: Vitals,
    peak_mib: u64,
    surprises: Vec<String>,
    interrupted: &'a AtomicBool,
}

/// Runs a scenario to its end.
pub(crate) fn perform(
    programs: &Programs,
    setting: Setting,
    name: Name,
    folder: PathBuf,
    interrupted: &AtomicBool,
) -> Result<Outcome> {
    let blows = blows(name).context("this scenario has no embedded form")?;
    let data = folder.join("data");
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let disk = blows.iter().any(|blow| matches!(blow, Blow::FillDisk)).then(|| SmallDisk::mount(&data));
    let mut draw = Draw::new(setting.seed, &setting.name);
    let mut hostile = Vec::new();
    if matches!(name, Name::Hostile | Name::All) {
        // There is no setting by which "come back in thirty years" would end within a run.
        for malice in Malice::ALL.into_iter().filter(|malice| *malice != Malice::Never) {
            hostile.push(HostileSite::open(malice, draw.coin())?);
        }
    }
    let mut crawl = Crawl {
        programs,
        web: Web::start(programs, setting.seed, setting.minutes, &folder)?,
        hostile,
        disk: disk.transpose()?,
        folder,
        child: None,
        vitals: Vitals::new(),
        peak_mib: 0,
        surprises: Vec::new(),
        interrupted,
    };
    let began = Instant::now();
    crawl.begin()?;
    let mut faults: Vec<_> = crawl
        .hostile
        .iter()
        .map(|site| (Duration::ZERO, format!("a hostile site at {}", site.url()), 1))
        .collect();
    let until = Instant::now() + Duration::from_secs_f64(setting.minutes * 60.0);
    while Instant::now() < until && !crawl.is_over_within(draw.millis(500..=6000))? {
        if !blows.is_empty() {
            let at = began.elapsed();
            let what = crawl.strike(*draw.pick(blows), &mut draw)?;
            eprintln!("chaos: {:6.1} s  {what}", at.as_secs_f64());
            faults.push((at, what, 1));
        }
    }
    let ended = Instant::now();
    let over = crawl.is_over_within(REST_WITHIN)?;
    let rest = ended.elapsed();
    let mut books = crawl.books()?;
    if !over {
        books.unbalanced.push(format!("it did not end within {} s", rest.as_secs()));
    }
    books.surprises.append(&mut crawl.surprises);
    let peak_mib = crawl.peak_mib;
    Ok(Outcome { setting, faults, books, took: began.elapsed(), rest, peak_mib })
}

impl Crawl<'_> {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn out(&self) -> PathBuf {
        self.data().join("pages.jsonl")
    }

    /// Starts the crawl and waits for its first rows.
    fn begin(&mut self) -> Result<()> {
        let mut seeds = self.web.seeds();
        seeds.extend(self.hostile.iter().map(HostileSite::url));
        self.spawn(&seeds)?;
        let began = Instant::now();
        let growing = self.data().join("pages.jsonl.growing");
        while fs::read(&growing).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count()) < 12 {
            if began.elapsed() > BEGINS_WITHIN || self.is_over_within(LOOK_EVERY)? {
                bail!("the crawl did not get going; its log is in {}", self.folder.display());
            }
        }
        Ok(())
    }

    /// Starts a process: the crawl of these seeds, or of what an earlier one left.
    fn spawn(&mut self, seeds: &[String]) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("trawl.log"))?;
        let delay = format!("{GAP_MS}ms");
        let mut command = self.programs.command("trawl")?;
        command.arg("crawl").args(seeds).arg("--data").arg(self.data()).arg("--out").arg(self.out());
        command.args(["--resolve", &self.web.resolve(), "--allow-private-addresses", "--quiet"]);
        command.args(["--delay", &delay, "--per-host", "1", "--timeout", "8s"]);
        if seeds.is_empty() {
            command.arg("--resume");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().context("cannot start trawl")?);
        self.vitals = Vitals::new();
        Ok(())
    }

    /// Watches the process for so long. `true`: the crawl is over.
    fn is_over_within(&mut self, time: Duration) -> Result<bool> {
        let until = Instant::now() + time;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                bail!("interrupted");
            }
            let Some(child) = &mut self.child else { return Ok(true) };
            self.vitals.look(child.id());
            if let Some(status) = child.try_wait()? {
                self.buried();
                if !status.success() {
                    self.surprises.push(format!("the crawl ended by itself with {status}"));
                }
                return Ok(true);
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else { return Ok(false) };
            pause(left.min(LOOK_EVERY));
        }
    }

    /// Waits until the process ended of what was done to it; its exit code, if it did.
    fn ends_within(&mut self, time: Duration) -> Result<Option<Option<i32>>> {
        let until = Instant::now() + time;
        let Some(child) = &mut self.child else { return Ok(None) };
        while Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                self.buried();
                return Ok(Some(status.code()));
            }
            pause(LOOK_EVERY);
        }
        Ok(None)
    }

    fn buried(&mut self) {
        self.child = None;
        self.peak_mib = self.peak_mib.max(self.vitals.peak_mib());
        self.surprises.extend(self.vitals.leaks());
    }

    fn strike(&mut self, blow: Blow, draw: &mut Draw) -> Result<String> {
        let Some(child) = &mut self.child else { return Ok("nothing: it was over".to_owned()) };
        let what = match blow {
            Blow::Kill => {
                child.kill()?;
                child.wait()?;
                self.buried();
                "kill -9".to_owned()
            }
            Blow::Terminate => {
                signal::kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
                let began = Instant::now();
                match self.ends_within(STOPS_WITHIN)? {
                    Some(Some(INTERRUPTED | 0)) => {}
                    Some(code) => self.surprises.push(format!("SIGTERM made it end with {code:?}, not 130")),
                    None => bail!("it did not end {} s after a SIGTERM", STOPS_WITHIN.as_secs()),
                }
                format!("SIGTERM, gone after {} ms", began.elapsed().as_millis())
            }
            Blow::FillDisk => self.fill(draw)?,
        };
        if self.child.is_none() && !self.out().exists() {
            self.spawn(&[])?;
        }
        Ok(what)
    }

    fn fill(&mut self, draw: &mut Draw) -> Result<String> {
        let disk = self.disk.as_ref().context("there is no small disk")?;
        disk.fill()?;
        let ended = self.ends_within(STOPS_WHEN_FULL)?;
        let how = match ended {
            Some(Some(code)) if NO_ROOM.contains(&code) => format!("it stopped with {code}"),
            Some(Some(0)) => "it was complete".to_owned(),
            Some(code) => {
                self.surprises.push(format!("a full disk made it end with {code:?}, not 6 or 7"));
                format!("it ended with {code:?}")
            }
            None => "it waited".to_owned(),
        };
        pause(draw.millis(0..=1500));
        self.disk.as_ref().context("there is no small disk")?.make_room()?;
        Ok(format!("disk full: {how}"))
    }

    /// A program's answer over the data folder, one JSON value a line.
    fn ask(&self, program: &str, arguments: &[&str]) -> Result<Vec<Value>> {
        let output = self.programs.command(program)?.args(arguments).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8(output.stdout)?;
        if text.is_empty() && !output.status.success() {
            bail!("{program} {} ended with {}: {}", arguments[0], output.status, said.trim());
        }
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
            .collect()
    }

    fn books(&self) -> Result<Books> {
        let database = format!("sqlite://{}", self.data().display());
        let at = ["--database-url", database.as_str()];
        let audit = self.ask("trawl", &["audit", "--json", "--data", &self.data().display().to_string()])?;
        let audit = audit.first().context("trawl audit said nothing")?;
        let job = audit["job"].as_str().context("the audit names no job")?;
        let columns = "url,outcome,body_hash";
        let export = ["export", "--format", "jsonl", "--columns", columns, "--job", job];
        let rows: Vec<_> = self.ask("storage", &[&export[..], &at].concat())?.iter().map(Row::read).collect();
        let letters =
            self.ask("dlq-handler", &[&["list", "--json", "--limit", "100000"][..], &at].concat())?;
        let shown = self.ask("url-manager", &[&["jobs", "show", job, "--json"][..], &at].concat())?;
        let excluded_by = &shown.first().context("url-manager jobs show said nothing")?["excluded_by"];
        let scope = if self.hostile.is_empty() { Scope::Whole } else { Scope::WebOnly };
        let letters = letters.iter().map(Letter::read).collect();
        let stored = rows.len();
        let rude = self.web.rudeness()?;
        let mut books = Books::close(scope, self.web.expected(), rows, letters, (audit, excluded_by), rude);
        self.compare_file(stored, &mut books)?;
        Ok(books)
    }

    /// The file has each stored row once, whatever ended the processes that wrote it.
    fn compare_file(&self, stored: usize, books: &mut Books) -> Result<()> {
        let text = fs::read_to_string(self.out()).context("cannot read the rows")?;
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).with_context(|| format!("no row: {line}"))?;
            if !seen.insert(row["url"].as_str().unwrap_or_default().to_owned()) {
                books.doubled.push(format!("{} in the file", row["url"]));
            }
        }
        if seen.len() != stored {
            books.lost.push(format!("the file has {} rows, the database {stored}", seen.len()));
        }
        Ok(())
    }
}

impl Drop for Crawl<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
