//! The synthetic web of a run: served by a process of `bench`, with its known answer and its own log of requests.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::programs::Programs;

/// Hosts of the web; their number and the gap bound how fast it can be crawled.
pub(crate) const HOSTS: u64 = 12;
/// The gap between two requests to a host that every job asks for.
pub(crate) const GAP_MS: u64 = 500;
/// Pages for each minute of faults: about as many as can be fetched in it, as answers take time and faults more.
const PAGES_A_MINUTE: f64 = 600.0;
const LEAST_PAGES: u64 = 150;
/// On a busy machine the web may note a request so much later than it came, and the next one at once.
const NOTED_LATE_US: u64 = 100_000;

/// A web that is served while this lives.
pub(crate) struct Web {
    server: Child,
    port: u16,
    log: PathBuf,
    expected: BTreeMap<String, Expected>,
}

/// What a URL should leave behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A row: its outcome, and the hash of its body where it has one.
    Row { outcome: &'static str, body: Option<String> },
    /// A dead letter.
    Letter,
    /// Nothing but its state.
    Excluded,
}

/// A row of the web's truth.
#[derive(Deserialize)]
struct Truth {
    url: String,
    end: String,
    why: Option<String>,
    body: Option<String>,
}

/// One request, as the web saw it.
#[derive(Deserialize)]
struct Request {
    at_us: u64,
    host: String,
    target: String,
    in_flight: u32,
}

impl Web {
    /// Serves the web of a seed, large enough for that many minutes.
    pub(crate) fn start(programs: &Programs, seed: u64, minutes: f64, folder: &Path) -> Result<Self> {
        let pages = ((PAGES_A_MINUTE * minutes) as u64).max(LEAST_PAGES);
        let log = folder.join("requests.jsonl");
        let mut server = drawn(programs, seed, pages)?
            .args(["--port", "0", "--until-stdin-closes", "--log"])
            .arg(&log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the synthetic web")?;
        let stdout = server.stdout.take().context("the synthetic web has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let mut web = Self { server, port: 0, log, expected: BTreeMap::new() };
        web.port = port.context("the synthetic web did not start: see above")?;
        web.expected = truth(drawn(programs, seed, pages)?.args(["--port", &web.port.to_string()]))?;
        Ok(web)
    }

    /// The roots, from which everything can be reached.
    pub(crate) fn seeds(&self) -> Vec<String> {
        (0..HOSTS).map(|host| format!("http://h{host}.synthetic.test:{}/", self.port)).collect()
    }

    /// How its names are resolved, as `--resolve` takes it.
    pub(crate) fn resolve(&self) -> String {
        format!("*:{}:127.0.0.1", self.port)
    }

    /// What each URL should leave behind.
    pub(crate) fn expected(&self) -> &BTreeMap<String, Expected> {
        &self.expected
    }

    /// Gaps that were too short and requests that ran beside another one, in words; and how many requests there were.
    pub(crate) fn rudeness(&self) -> Result<(Vec<String>, usize)> {
        let text = fs::read_to_string(&self.log).context("cannot read the log of requests")?;
        let mut hosts: BTreeMap<String, Vec<Request>> = BTreeMap::new();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        for request in whole.filter_map(|line| serde_json::from_str::<Request>(line).ok()) {
            hosts.entry(request.host.clone()).or_default().push(request);
        }
        let total = hosts.values().map(Vec::len).sum();
        let mut found = Vec::new();
        for (host, mut requests) in hosts {
            requests.sort_by_key(|request| request.at_us);
            let delay_us = self.crawl_delay_us(&host)?;
            found.extend(rudeness_to(&host, &requests, delay_us));
        }
        Ok((found, total))
    }

    /// The crawl-delay that a host's robots.txt asks for.
    fn crawl_delay_us(&self, host: &str) -> Result<u64> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        write!(stream, "GET /robots.txt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let delay =
            text.lines().find_map(|line| line.strip_prefix("Crawl-delay: ")?.trim().parse::<f64>().ok());
        Ok((delay.unwrap_or(0.0) * 1e6) as u64)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        // The end of its input is its sign to stop.
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn drawn(programs: &Programs, seed: u64, pages: u64) -> Result<Command> {
    let mut command = programs.command("bench")?;
    command.args(["web", "--profile", "rough", "--seed", &seed.to_string()]);
    command.args(["--hosts", &HOSTS.to_string(), "--pages", &pages.to_string()]);
    Ok(command)
}

fn truth(command: &mut Command) -> Result<BTreeMap<String, Expected>> {
    let output = command.arg("--truth").output().context("cannot ask the synthetic web for its truth")?;
    if !output.status.success() {
        bail!("the synthetic web has no truth: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let rows = String::from_utf8(output.stdout)?;
    rows.lines()
        .map(|line| {
            let row: Truth =
                serde_json::from_str(line).with_context(|| format!("no row of a truth: {line}"))?;
            let outcome = match (row.end.as_str(), row.why.as_deref()) {
                // A file is no page for a crawler of HTML, but this one keeps what it fetched.
                ("stored", _) | ("excluded", Some("type")) => "stored",
                ("redirected", _) => "redirected",
                ("gone", _) => "gone",
                ("dead", _) => return Ok((row.url, Expected::Letter)),
                ("excluded", _) => return Ok((row.url, Expected::Excluded)),
                (other, _) => bail!("the truth has an end that is not known here: {other}"),
            };
            Ok((row.url, Expected::Row { outcome, body: row.body }))
        })
        .collect()
}

/// Two requests must not start closer than the gap of the later one: the job's, or the site's own for its pages.
fn rudeness_to(host: &str, requests: &[Request], delay_us: u64) -> Vec<String> {
    let mut found = Vec::new();
    for pair in requests.windows(2) {
        let [before, after] = pair else { continue };
        let asked = if after.target == "/robots.txt" { 0 } else { delay_us };
        let least = asked.max(GAP_MS * 1000);
        let gap = after.at_us - before.at_us;
        if gap + NOTED_LATE_US < least {
            let (first, second, least) = (&before.target, &after.target, least / 1000);
            found.push(format!(
                "{host}: {second} came {} ms after {first} (at {} ms), not {least}",
                gap / 1000,
                before.at_us / 1000
            ));
        }
    }
    found.extend(requests.iter().filter(|request| request.in_flight > 1).map(|request| {
        format!("{host}: {} was asked beside {} others", request.target, request.in_flight - 1)
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(at_ms: u64, target: &str, in_flight: u32) -> Request {
        Request { at_us: at_ms * 1000, host: "h".to_owned(), target: target.to_owned(), in_flight }
    }

    #[test]
    fn a_gap_is_that_of_the_later_request() {
        let requests = [
            request(0, "/robots.txt", 1),
            request(500, "/robots.txt", 1),
            request(1200, "/", 1),
            request(1750, "/a", 1),
        ];
        assert!(rudeness_to("h", &requests, 0).is_empty());
        let found = rudeness_to("h", &requests, 700_000);
        assert_eq!(found, ["h: /a came 550 ms after / (at 1200 ms), not 700"]);
        let found = rudeness_to("h", &[request(0, "/", 1), request(399, "/a", 2)], 0);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
