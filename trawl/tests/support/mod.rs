//! What the end-to-end tests share: a synthetic web with a known answer, and the real binaries.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

pub mod fleet;
pub mod flip;
pub mod prometheus;
pub mod watch;
pub mod web;

use bench::web::{End, Excluded, Preset, Profile, RequestLog, Settings, TruthRow, Web, serve, truth};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A synthetic web that is served while it lives.
pub struct Site {
    pub port: u16,
    pub seeds: Vec<String>,
    pub truth: Vec<TruthRow>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Site {
    /// Draws and serves a web.
    pub fn serve(hosts: u32, pages: u32, profile: Profile) -> Self {
        Self::logged(hosts, pages, profile, None)
    }

    /// Draws and serves a web, and notes each request in a file.
    pub fn logged(hosts: u32, pages: u32, profile: Profile, log: Option<&Path>) -> Self {
        let log = log.map(|path| RequestLog::create(path).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = Web::new(Settings { seed: 7, hosts, pages, profile }, port);
        let (seeds, truth) = (web.seeds(), truth(&web));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                serve(listener, web, log, async { drop(stopped.await) }).await.unwrap();
            });
        });
        Self { port, seeds, truth, stop: Some(stop), thread: Some(thread) }
    }

    /// A clean web: every page is well.
    pub fn docs(hosts: u32, pages: u32) -> Self {
        Self::serve(hosts, pages, Profile::preset(Preset::Docs))
    }

    /// Errors, redirects, robots rules and files, with short waits.
    pub fn wild(hosts: u32, pages: u32) -> Self {
        let profile = Profile {
            crawl_delay_ms: 10,
            latency_ms: 2,
            delayed: 500,
            broken: 30,
            ..Profile::preset(Preset::Wild)
        };
        Self::serve(hosts, pages, profile)
    }

    /// How every name of the web is resolved.
    pub fn resolve(&self) -> String {
        format!("*:{}:127.0.0.1", self.port)
    }

    /// What each URL should end in, by the words of a result row: outcome and status.
    pub fn expected(&self) -> BTreeMap<String, (String, Option<u16>)> {
        let row = |row: &TruthRow| {
            let (outcome, status) = match &row.end {
                End::Stored | End::Excluded { why: Excluded::Type } => ("stored", Some(200)),
                End::Redirected { .. } => ("redirected", None),
                End::Gone { status } => ("gone", Some(*status)),
                End::Excluded { why: Excluded::Robots } | End::Dead { .. } => return None,
            };
            Some((row.url.clone(), (outcome.to_owned(), status)))
        };
        self.truth.iter().filter_map(row).collect()
    }

    /// URLs that never answer well.
    pub fn dead(&self) -> BTreeSet<String> {
        let dead = self.truth.iter().filter(|row| matches!(row.end, End::Dead { .. }));
        dead.map(|row| row.url.clone()).collect()
    }

    /// Compares result rows with the truth: each page once, nothing else, the right end.
    #[track_caller]
    pub fn check(&self, rows: &[Value]) {
        let mut found: BTreeMap<String, (String, Option<u16>)> = BTreeMap::new();
        for row in rows {
            let url = row["url"].as_str().unwrap().to_owned();
            let outcome = row["outcome"].as_str().unwrap().to_owned();
            let status = row["status"]
                .as_u64()
                .map(|status| u16::try_from(status).unwrap())
                .filter(|_| outcome != "redirected");
            assert!(found.insert(url.clone(), (outcome, status)).is_none(), "{url} is there twice");
        }
        let expected = self.expected();
        let missing: Vec<_> = expected.iter().filter(|row| found.get(row.0) != Some(row.1)).take(5).collect();
        let surplus: Vec<_> = found.iter().filter(|row| expected.get(row.0) != Some(row.1)).take(5).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{} rows; expected but not found: {missing:?}; found but not expected: {surplus:?}",
            rows.len()
        );
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

/// `trawl crawl` over a site, without delays.
pub fn crawl(site: &Site, data: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.arg("crawl").args(&site.seeds).arg("--data").arg(data).arg("--out").arg(out);
    command.args([
        "--resolve",
        &site.resolve(),
        "--allow-private-addresses",
        "--delay",
        "0s",
        "--per-host",
        "4",
        "--quiet",
    ]);
    command.stdin(Stdio::null());
    command
}

/// The rows of a JSONL file.
#[track_caller]
pub fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(text.is_empty() || text.ends_with('\n'), "the last line of {} is whole", path.display());
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// `trawl audit --json` of the only job in a data folder or database.
#[track_caller]
pub fn audit(arguments: &[&str]) -> Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_trawl")).args(["audit", "--json"]).args(arguments).output().unwrap();
    assert_success(&output);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
pub fn assert_success(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", output.status);
}

/// Waits until `check` answers, at most `seconds`.
#[track_caller]
pub fn wait_for<T>(what: &str, seconds: u64, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {seconds} s for {what}");
        pause();
    }
}

/// A breath between two looks at another process.
fn pause() {
    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
    let _ = receiver.recv_timeout(Duration::from_millis(20));
}

/// A child that does not outlive its test.
pub struct Process(pub Child);

impl Process {
    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A binary of the workspace, beside the one under test.
#[track_caller]
pub fn binary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_trawl")).with_file_name(name);
    assert!(path.exists(), "{} is not built: run the tests of the whole workspace", path.display());
    path
}
