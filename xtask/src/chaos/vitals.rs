//! Memory and file descriptors of a process, read from `/proc` while it lives: what leaks, grows.

use std::fs;
use std::time::{Duration, Instant};

/// One look at a process.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    rss_mib: u64,
    descriptors: u64,
}

/// What was seen of one process from its start on.
#[derive(Debug)]
pub(crate) struct Vitals {
    born: Instant,
    looks: Vec<Look>,
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// By then a process has its connections and its caches.
const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// Less can be said of shorter lives.
const SHORTEST_LIFE: Duration = Duration::from_secs(25);
/// Connections to brokers and to the database that come and go.
const SPARE_DESCRIPTORS: u64 = 40;
/// What the second half of a life may add to the most that its first half took. A leak goes on; what allocators keep of
/// large records (librdkafka's buffers, of poison) comes once.
const SPARE_MIB: u64 = 64;
/// No service of such a crawl needs more.
const MOST_MIB: u64 = 384;

impl Vitals {
    /// A process that was born now.
    pub(crate) fn new() -> Self {
        Self { born: Instant::now(), looks: Vec::new() }
    }

    /// Looks at the process, if the last look is long enough ago.
    pub(crate) fn look(&mut self, pid: u32) {
        let at = Instant::now();
        if self.looks.last().is_some_and(|last| at - last.at < LOOK_EVERY) {
            return;
        }
        if let (Some(rss_mib), Some(descriptors)) = (rss_mib(pid), descriptors(pid)) {
            self.looks.push(Look { at, rss_mib, descriptors });
        }
    }

    /// The most memory that was seen, in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        self.looks.iter().map(|look| look.rss_mib).max().unwrap_or(0)
    }

    /// What grew although the process was at rest in the end, in words.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        if self.peak_mib() > MOST_MIB {
            leaks.push(format!("it took {} MiB, more than {MOST_MIB}", self.peak_mib()));
        }
        let settled = self.looks.iter().find(|look| look.at - self.born >= SETTLED_AFTER);
        let (Some(settled), Some(last)) = (settled, self.looks.last()) else { return leaks };
        if last.at - self.born < SHORTEST_LIFE {
            return leaks;
        }
        if last.descriptors > settled.descriptors + SPARE_DESCRIPTORS {
            leaks.push(format!(
                "its file descriptors grew from {} to {}",
                settled.descriptors, last.descriptors
            ));
        }
        let half = self.born + (last.at - self.born) / 2;
        let before = self.looks.iter().filter(|look| look.at <= half).map(|look| look.rss_mib).max();
        if let Some(before) = before.filter(|before| last.rss_mib > before + SPARE_MIB) {
            leaks.push(format!("its memory grew from {before} to {} MiB", last.rss_mib));
        }
        leaks
    }
}

fn rss_mib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024)
}

fn descriptors(pid: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(looks: &[(u64, u64, u64)]) -> Vitals {
        let mut vitals = Vitals::new();
        vitals.looks = looks
            .iter()
            .map(|&(second, rss_mib, descriptors)| Look {
                at: vitals.born + Duration::from_secs(second),
                rss_mib,
                descriptors,
            })
            .collect();
        vitals
    }

    #[test]
    fn what_grows_is_said_and_what_is_steady_is_not() {
        assert!(life(&[(1, 20, 10), (10, 60, 40), (60, 90, 44)]).leaks().is_empty());
        assert!(life(&[(1, 20, 10), (10, 60, 40), (12, 300, 400)]).leaks().is_empty(), "too short a life");
        let leaks = life(&[(1, 20, 10), (10, 60, 40), (60, 250, 140)]).leaks();
        assert_eq!(leaks, ["its file descriptors grew from 40 to 140", "its memory grew from 60 to 250 MiB"]);
        assert_eq!(life(&[(1, 500, 10)]).leaks(), ["it took 500 MiB, more than 384"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_can_be_looked_at() {
        let mut vitals = Vitals::new();
        vitals.look(std::process::id());
        assert!(vitals.peak_mib() > 0 && vitals.looks[0].descriptors > 2);
    }
}
