//! What telemetry costs: the five services unwatched and watched, in turn, over one web.
//!
//! Unwatched, no service serves metrics and none is traced. Watched, all are asked for their metrics again and again, and
//! a share of the pages is traced, from the first message to the last. Instruments count in both, since they can't be
//! switched off: what that costs is bounded by a loop, and by how often the watched fleet counted.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use trawl_shared::telemetry::{Counters, Histograms, catalog};

use super::fleet::{Fleet, Telemetry};
use super::origin::Origin;
use super::pages::Expected;
use super::report::{Spread, milliseconds};
use super::stage::Stage;
use super::watcher::{Collector, Seen, Watcher, free_addresses};
use crate::web::{Preset, Web, WebChoice};

/// Measures the fleet with and without telemetry, and prints a table.
#[derive(Clone, Debug, clap::Args)]
pub struct TelemetryCost {
    /// The web to crawl; always of the clean preset.
    #[command(flatten)]
    pub web: WebChoice,
    /// Rounds; each crawls once unwatched and once watched.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub runs: u16,
    /// The share of pages that are traced.
    #[arg(long, default_value_t = 0.01)]
    pub ratio: f64,
    /// How often every service is asked for its metrics.
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    pub every: humantime::Duration,
    /// How long one crawl may take.
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub limit: humantime::Duration,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    /// CPU milliseconds a page.
    unwatched: f64,
    watched: f64,
    seen: Seen,
}

/// Runs the measurement; an error if a crawl did not store the pages it should have.
pub fn run(cost: &TelemetryCost) -> anyhow::Result<()> {
    ensure!((0.0..=1.0).contains(&cost.ratio), "--ratio {} is no share; it goes from 0 to 1", cost.ratio);
    let fleet = Fleet::build()?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let origin = Origin::start(&cost.web)?;
    let web = Web::new(cost.web.settings(Preset::Docs), origin.port());
    let expected = Expected::of(&web);
    let stage = Stage { seeds: web.seeds(), port: origin.port(), folder: folder.path(), limit: *cost.limit };
    drop(web);
    let collector = Collector::start()?;

    println!("{}", load("before"));
    let mut rounds = Vec::new();
    for number in 0..cost.runs {
        let mut round = Round::default();
        for turn in 0..2 {
            if (number + turn) % 2 == 0 {
                round.unwatched = crawl(&fleet, &stage, &expected, &Telemetry::Off)?;
                continue;
            }
            let listen = free_addresses(Fleet::SIZE)?;
            let watcher = Watcher::start(listen.clone(), *cost.every, &collector);
            let collector = collector.url.clone();
            let telemetry = Telemetry::Watched { listen, collector, ratio: cost.ratio };
            round.watched = crawl(&fleet, &stage, &expected, &telemetry)?;
            round.seen = watcher.stop()?;
        }
        eprintln!("round {} of {}: {round:?}", number + 1, cost.runs);
        rounds.push(round);
    }
    println!("{}", load("after"));
    print(cost, expected.len() as f64, &rounds)
}

/// One crawl: CPU milliseconds a page, over all services.
fn crawl(
    fleet: &Fleet,
    stage: &Stage<'_>,
    expected: &Expected,
    telemetry: &Telemetry,
) -> anyhow::Result<f64> {
    let rows = stage.folder.join("rows.jsonl");
    let usage = fleet.run(stage, &rows, telemetry)?;
    let found = expected.compare(&rows)?;
    std::fs::remove_file(&rows)?;
    if let Some(void) = found.void {
        bail!("a crawl did not store the pages it should have, so no figure counts: {void}");
    }
    let cpu: Duration = usage.services.iter().map(|(_, usage)| usage.user + usage.system).sum();
    Ok(milliseconds(cpu) / found.pages.max(1) as f64)
}

fn print(cost: &TelemetryCost, pages: f64, rounds: &[Round]) -> anyhow::Result<()> {
    let of = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
    let (Some(unwatched), Some(watched), Some(ratio), Some(updates)) = (
        of(|round| round.unwatched),
        of(|round| round.watched),
        of(|round| round.watched / round.unwatched),
        of(|round| round.seen.updates),
    ) else {
        bail!("no round was run");
    };
    let scrapes: u64 = rounds.iter().map(|round| round.seen.scrapes).sum();
    let bytes: u64 = rounds.iter().map(|round| round.seen.bytes).sum();
    let posts: u64 = rounds.iter().map(|round| round.seen.posts).sum();
    ensure!(scrapes > 0, "nobody answered with metrics, so nothing was measured");
    ensure!(posts > 0 || cost.ratio == 0.0, "no span came, so nothing was measured; crawl more --pages");
    let shown = |spread: Spread| format!("{:.3} ({:.3}..{:.3})", spread.median, spread.min, spread.max);
    println!("{pages} pages, {} rounds; median (min..max)\n", rounds.len());
    println!("five services  CPU ms/page           x unwatched");
    println!("unwatched      {:<20}", shown(unwatched));
    println!("watched        {:<20}  {}", shown(watched), shown(ratio));
    if let Some((mean, low, high)) = mean_ratio(rounds) {
        println!("mean ratio     {mean:.3}, true mean with 95 % confidence in {low:.3}..{high:.3}");
    }
    println!(
        "\nwatched: {scrapes} answers with metrics, {:.0} KiB each; {:.1} % of the pages traced, {posts} requests with spans",
        bytes as f64 / 1024.0 / scrapes as f64,
        cost.ratio * 100.0
    );
    let (each, per_page) = (counting(), updates.median / pages);
    println!(
        "counting: {per_page:.0} times a page, at most {each:.0} ns each: {:.2} % of the unwatched, in both",
        each * per_page / 1e6 / unwatched.median * 100.0
    );
    if cfg!(debug_assertions) {
        println!("VOID: a debug build was measured; run it with `cargo run --release -p bench`");
    }
    Ok(())
}

/// The geometric mean of the rounds' ratios, and twice its standard error to both sides: whether a difference of a
/// few percent can be seen at all beside the noise of the machine.
fn mean_ratio(rounds: &[Round]) -> Option<(f64, f64, f64)> {
    let logs: Vec<f64> = rounds.iter().map(|round| (round.watched / round.unwatched).ln()).collect();
    let count = logs.len() as f64;
    if logs.len() < 2 {
        return None;
    }
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let twice = 2.0 * (variance / count).sqrt();
    Some((mean.exp(), (mean - twice).exp(), (mean + twice).exp()))
}

/// Nanoseconds of the dearest ways to count, of which most instruments need less: a series is looked up by its labels, and
/// a time goes into its bucket.
fn counting() -> f64 {
    const TIMES: u32 = 200_000;
    let counters = Counters::new(&catalog::FETCHES);
    let histograms = Histograms::new(&catalog::FETCH_DURATION);
    let began = Instant::now();
    for time in 0..TIMES {
        black_box(&counters).of(&[black_box("page"), "ok"]).inc();
        black_box(&histograms).of(&[black_box("2xx")]).observe(Duration::from_micros(time.into()), None);
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES) / 2.0
}

/// How busy the machine is with other things.
fn load(when: &str) -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    format!("load {when}: {}", load.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_the_rounds_widens_what_is_claimed() {
        let round = |watched| Round { unwatched: 1.0, watched, seen: Seen::default() };
        let of = |rounds: &[f64]| mean_ratio(&rounds.iter().copied().map(round).collect::<Vec<_>>());
        assert!(of(&[1.1]).is_none(), "one round says nothing of its noise");
        let (mean, low, high) = of(&[1.02, 1.02, 1.02]).expect("three rounds");
        assert!((mean - 1.02).abs() < 1e-9 && high - low < 1e-6);
        let (mean, low, high) = of(&[0.8, 1.25]).expect("two rounds");
        assert!((mean - 1.0).abs() < 1e-9 && low < 0.85 && high > 1.2, "{low} {high}");
    }
}
