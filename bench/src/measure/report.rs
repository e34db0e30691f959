//! What a contest came to: the rounds as they were, and median and range over them. As JSON this is the report for
//! machines; `table` is the one for people.

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

    pub(super) fn cpu_ms(&self) -> f64 {
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
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
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
    pub(super) contestant: &'static str,
    pub(super) cpu_ms_per_page: Option<Spread>,
    pub(super) pages_per_second: Option<Spread>,
    pub(super) peak_mib: Option<Spread>,
    /// CPU per page over that of the streaming floor in the same round.
    pub(super) to_streaming_floor: Option<Spread>,
    /// CPU per page over that of the embedded crawl in the same round.
    pub(super) to_trawl: Option<Spread>,
    pub(super) rounds: Vec<Sample>,
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
        let of = |wanted| {
            let samples = rounds.iter().find(|(contestant, _)| *contestant == wanted);
            samples.map(|(_, samples)| samples.clone()).unwrap_or_default()
        };
        let (floor, trawl) = (of(Contestant::Streaming), of(Contestant::Trawl));
        rounds
            .into_iter()
            .map(|(contestant, samples)| Line::new(contestant, samples, &floor, &trawl))
            .collect()
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
}

impl Line {
    fn new(contestant: Contestant, rounds: Vec<Sample>, floor: &[Sample], trawl: &[Sample]) -> Self {
        let good = || rounds.iter().filter(|sample| sample.void.is_none());
        Self {
            contestant: contestant.name(),
            cpu_ms_per_page: Spread::of(good().map(Sample::cpu_per_page)),
            pages_per_second: Spread::of(good().map(Sample::pages_per_second)),
            peak_mib: Spread::of(good().map(|sample| mib(sample.cost.peak_bytes))),
            to_streaming_floor: ratio(&rounds, floor),
            to_trawl: ratio(&rounds, trawl),
            rounds,
        }
    }

    /// The rounds that count.
    pub(super) fn good(&self) -> Vec<&Sample> {
        self.rounds.iter().filter(|sample| sample.void.is_none()).collect()
    }
}

/// CPU per page of one contestant over another's, by round; void rounds are left out.
fn ratio(rounds: &[Sample], base: &[Sample]) -> Option<Spread> {
    let pairs = rounds.iter().zip(base).filter(|(own, base)| own.void.is_none() && base.void.is_none());
    Spread::of(pairs.map(|(own, base)| own.cpu_per_page() / base.cpu_per_page()))
}

/// Bytes as tables count them.
pub(super) fn mib(bytes: u64) -> f64 {
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
        assert_eq!(report.voids().collect::<Vec<_>>(), ["round 3 of DOM floor: 2 missing"]);
    }

    #[test]
    fn a_contest_without_the_floor_has_no_ratio() {
        let lines = Report::lines(vec![(Contestant::Trawl, vec![sample(10.0, None)])]);
        assert_eq!(lines[0].to_streaming_floor, None);
    }
}
