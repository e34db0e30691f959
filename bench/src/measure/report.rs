//! What a contest came to, for people and for machines.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::contestant::Contestant;
use super::process::Usage;

/// What one process, or all of a contestant's, cost in one round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Cost {
    pub(super) user_ms: f64,
    pub(super) system_ms: f64,
    pub(super) peak_bytes: u64,
}

impl Cost {
    pub(super) fn of(usage: &Usage) -> Self {
        Self {
            user_ms: milliseconds(usage.user),
            system_ms: milliseconds(usage.system),
            peak_bytes: usage.peak_bytes,
        }
    }

    fn cpu_ms(&self) -> f64 {
        self.user_ms + self.system_ms
    }
}

/// One crawl.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Sample {
    pub(super) pages: u64,
    /// Requests that the synthetic web answered.
    pub(super) requests: u64,
    pub(super) wall_ms: f64,
    pub(super) cost: Cost,
    /// The parts of `cost`, where the contestant is several processes.
    pub(super) services: Vec<(&'static str, Cost)>,
    /// Why the figures mean nothing, if so.
    pub(super) void: Option<String>,
}

impl Sample {
    fn cpu_per_page(&self) -> f64 {
        self.cost.cpu_ms() / self.pages.max(1) as f64
    }

    fn pages_per_second(&self) -> f64 {
        self.pages as f64 * 1000.0 / self.wall_ms
    }
}

/// Median and range over the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of at least one value.
    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }
}

/// A contestant's rounds, and what they come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Line {
    contestant: &'static str,
    cpu_ms_per_page: Option<Spread>,
    pages_per_second: Option<Spread>,
    peak_mib: Option<Spread>,
    /// CPU per page over that of the streaming floor in the same round.
    to_streaming_floor: Option<Spread>,
    rounds: Vec<Sample>,
}

/// A whole contest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) hosts: u32,
    pub(super) pages: usize,
    pub(super) cores: usize,
    /// Figures of a debug build mean nothing.
    pub(super) debug_build: bool,
    pub(super) lines: Vec<Line>,
}

impl Report {
    /// Sums up the rounds of each contestant; rounds are in the same order for all.
    pub(super) fn lines(rounds: Vec<(Contestant, Vec<Sample>)>) -> Vec<Line> {
        let floor = rounds.iter().find(|(contestant, _)| *contestant == Contestant::Streaming);
        let floor = floor.map(|(_, samples)| samples.clone()).unwrap_or_default();
        rounds.into_iter().map(|(contestant, samples)| Line::new(contestant, samples, &floor)).collect()
    }

    /// Every round whose figures mean nothing, and why.
    pub(super) fn voids(&self) -> impl Iterator<Item = String> + '_ {
        self.lines.iter().flat_map(|line| {
            line.rounds.iter().enumerate().filter_map(|(round, sample)| {
                let why = sample.void.as_deref()?;
                Some(format!("round {} of {}: {why}", round + 1, line.contestant))
            })
        })
    }

    /// The table that people read.
    pub(super) fn table(&self) -> String {
        let rounds = self.lines.first().map_or(0, |line| line.rounds.len());
        let mut text = format!(
            "{} pages on {} hosts, seed {}, {rounds} rounds, {} cores; median (min..max)\n\n",
            self.pages, self.hosts, self.seed, self.cores
        );
        let _ = writeln!(
            text,
            "{:<18} {:>7} {:>9} {:>24} {:>15} {:>10} {:>22}",
            "crawler", "pages", "pages/s", "CPU ms/page", "user + sys", "peak MiB", "x streaming floor"
        );
        for line in &self.lines {
            line.write(&mut text);
        }
        for void in self.voids() {
            let _ = writeln!(text, "VOID {void}");
        }
        if self.debug_build {
            text.push_str("VOID: a debug build was measured; run it with `cargo run --release -p bench`\n");
        }
        text
    }
}

impl Line {
    fn new(contestant: Contestant, rounds: Vec<Sample>, floor: &[Sample]) -> Self {
        let good = || rounds.iter().filter(|sample| sample.void.is_none());
        let pairs =
            rounds.iter().zip(floor).filter(|(own, floor)| own.void.is_none() && floor.void.is_none());
        Self {
            contestant: contestant.name(),
            cpu_ms_per_page: Spread::of(good().map(Sample::cpu_per_page)),
            pages_per_second: Spread::of(good().map(Sample::pages_per_second)),
            peak_mib: Spread::of(good().map(|sample| mib(sample.cost.peak_bytes))),
            to_streaming_floor: Spread::of(
                pairs.map(|(own, floor)| own.cpu_per_page() / floor.cpu_per_page()),
            ),
            rounds,
        }
    }

    fn write(&self, text: &mut String) {
        let median = |spread: Option<Spread>, digits: usize| {
            spread.map_or_else(|| "void".to_owned(), |spread| format!("{:.digits$}", spread.median))
        };
        let range = |spread: Option<Spread>, digits: usize| match spread {
            Some(Spread { median, min, max }) => {
                format!("{median:.digits$} ({min:.digits$}..{max:.digits$})")
            }
            None => "-".to_owned(),
        };
        let good: Vec<&Sample> = self.rounds.iter().filter(|sample| sample.void.is_none()).collect();
        let share = |part: fn(&Cost) -> f64| {
            median(Spread::of(good.iter().map(|sample| part(&sample.cost) / sample.pages.max(1) as f64)), 3)
        };
        let _ = writeln!(
            text,
            "{:<18} {:>7} {:>9} {:>24} {:>15} {:>10} {:>22}",
            self.contestant,
            median(Spread::of(good.iter().map(|sample| sample.pages as f64)), 0),
            median(self.pages_per_second, 0),
            range(self.cpu_ms_per_page, 3),
            format!("{} + {}", share(|cost| cost.user_ms), share(|cost| cost.system_ms)),
            median(self.peak_mib, 1),
            range(self.to_streaming_floor, 2),
        );
        let services = good.first().map(|sample| sample.services.iter().map(|(name, _)| *name));
        for (number, name) in services.into_iter().flatten().enumerate() {
            let costs =
                || good.iter().map(move |sample| (&sample.services[number].1, sample.pages.max(1) as f64));
            let cpu = Spread::of(costs().map(|(cost, pages)| cost.cpu_ms() / pages));
            let peak = Spread::of(costs().map(|(cost, _)| mib(cost.peak_bytes)));
            let _ = writeln!(
                text,
                "  {name:<16} {:>7} {:>9} {:>24} {:>15} {:>10}",
                "",
                "",
                range(cpu, 3),
                "",
                median(peak, 1)
            );
        }
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A duration as the report counts it.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::{Cost, Report, Sample, Spread};
    use crate::measure::Contestant;

    fn sample(cpu: f64, void: Option<&str>) -> Sample {
        Sample {
            pages: 100,
            requests: 100,
            wall_ms: 50.0,
            cost: Cost { user_ms: cpu, system_ms: 0.0, peak_bytes: 1 << 20 },
            services: Vec::new(),
            void: void.map(str::to_owned),
        }
    }

    #[test]
    fn ratios_compare_rounds_and_leave_out_void_ones() {
        let floor = vec![sample(100.0, None), sample(200.0, None), sample(1.0, None)];
        let dom = vec![sample(400.0, None), sample(400.0, None), sample(900.0, Some("2 missing"))];
        let lines = Report::lines(vec![(Contestant::Streaming, floor), (Contestant::Dom, dom)]);
        assert_eq!(lines[1].to_streaming_floor, Some(Spread { median: 3.0, min: 2.0, max: 4.0 }));
        assert_eq!(lines[0].pages_per_second.map(|spread| spread.median), Some(2000.0));
        let report = Report { seed: 1, hosts: 2, pages: 100, cores: 2, debug_build: false, lines };
        assert!(report.table().contains("VOID round 3 of DOM floor: 2 missing"), "{}", report.table());
    }

    #[test]
    fn a_contest_without_the_floor_has_no_ratio() {
        let lines = Report::lines(vec![(Contestant::Trawl, vec![sample(10.0, None)])]);
        assert_eq!(lines[0].to_streaming_floor, None);
    }
}
