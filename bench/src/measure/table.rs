//! The report that people read: a line a crawler, and a line for each of its services.

use super::report::{Cost, Line, Report, Sample, Spread, mib};

const HEAD: [&str; 8] = [
    "crawler",
    "pages",
    "pages/s",
    "CPU ms/page",
    "user + sys",
    "peak MiB",
    "x streaming floor",
    "x trawl crawl",
];

type Row = [String; HEAD.len()];

/// The whole table, with a line for every figure that is void.
pub(super) fn table(report: &Report) -> String {
    let rounds = report.lines.first().map_or(0, |line| line.rounds.len());
    let mut text = format!(
        "{} pages on {} hosts, seed {}, {} cores, rounds: {rounds}; median (min..max)\n\n",
        report.pages, report.hosts, report.seed, report.cores
    );
    let rows = report.lines.iter().flat_map(rows);
    text.push_str(&aligned(std::iter::once(HEAD.map(str::to_owned)).chain(rows).collect()));
    for void in report.voids() {
        text.push_str(&format!("VOID {void}\n"));
    }
    if report.debug_build {
        text.push_str("VOID: a debug build was measured; run it with `cargo run --release -p bench`\n");
    }
    text
}

/// A crawler's row, and one for each of its services.
fn rows(line: &Line) -> Vec<Row> {
    let good = line.good();
    let pages = Spread::of(good.iter().map(|sample| sample.pages as f64));
    let share = |part: fn(&Cost) -> f64| {
        median(Spread::of(good.iter().map(|sample| part(&sample.cost) / sample.pages.max(1) as f64)), 3)
    };
    let mut rows = vec![[
        line.contestant.to_owned(),
        median(pages, 0),
        median(line.pages_per_second, 0),
        range(line.cpu_ms_per_page, 3),
        format!("{} + {}", share(|cost| cost.user_ms), share(|cost| cost.system_ms)),
        median(line.peak_mib, 1),
        range(line.to_streaming_floor, 2),
        range(line.to_trawl, 2),
    ]];
    let services = good.first().map_or(0, |sample| sample.services.len());
    rows.extend((0..services).map(|number| service_row(&good, number)));
    rows
}

fn service_row(good: &[&Sample], number: usize) -> Row {
    let costs = || good.iter().map(|sample| (&sample.services[number].1, sample.pages.max(1) as f64));
    let mut row = Row::default();
    row[0] = format!("  {}", good[0].services[number].0);
    row[3] = range(Spread::of(costs().map(|(cost, pages)| cost.cpu_ms() / pages)), 3);
    row[5] = median(Spread::of(costs().map(|(cost, _)| mib(cost.peak_bytes))), 1);
    row
}

fn median(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.digits$}", spread.median))
}

fn range(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |Spread { median, min, max }| format!("{median:.digits$} ({min:.digits$}..{max:.digits$})"),
    )
}

/// Rows as lines: the first column to the left, the others to the right.
fn aligned(rows: Vec<Row>) -> String {
    let widths: Vec<usize> =
        (0..HEAD.len()).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            line.push_str(&format!("  {cell:>width$}"));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::measure::Contestant;
    use crate::measure::report::{Cost, Report, Sample};

    fn sample(cpu: f64, services: Vec<(&'static str, Cost)>, void: Option<&str>) -> Sample {
        let cost = Cost { user_ms: cpu, system_ms: cpu / 10.0, peak_bytes: 30 << 20 };
        Sample { pages: 100, requests: 101, wall_ms: 50.0, cost, services, void: void.map(str::to_owned) }
    }

    #[test]
    fn a_table_has_crawlers_services_and_void_rounds() {
        let part = Cost { user_ms: 20.0, system_ms: 2.0, peak_bytes: 10 << 20 };
        let lines = Report::lines(vec![
            (Contestant::Streaming, vec![sample(30.0, Vec::new(), None)]),
            (Contestant::Dom, vec![sample(90.0, Vec::new(), Some("2 missing"))]),
            (Contestant::Trawl, vec![sample(45.0, Vec::new(), None)]),
            (Contestant::Fleet, vec![sample(90.0, vec![("parser", part)], None)]),
        ]);
        let report = Report { seed: 1, hosts: 2, pages: 100, cores: 2, debug_build: false, lines };
        let expected = "\
100 pages on 2 hosts, seed 1, 2 cores, rounds: 1; median (min..max)

crawler          pages  pages/s           CPU ms/page     user + sys  peak MiB  x streaming floor      x trawl crawl
streaming floor    100     2000  0.330 (0.330..0.330)  0.300 + 0.030      30.0  1.00 (1.00..1.00)  0.67 (0.67..0.67)
DOM floor            -        -                     -          - + -         -                  -                  -
trawl crawl        100     2000  0.495 (0.495..0.495)  0.450 + 0.045      30.0  1.50 (1.50..1.50)  1.00 (1.00..1.00)
five services      100     2000  0.990 (0.990..0.990)  0.900 + 0.090      30.0  3.00 (3.00..3.00)  2.00 (2.00..2.00)
  parser                         0.220 (0.220..0.220)                     10.0
VOID round 1 of DOM floor: 2 missing
";
        assert_eq!(table(&report), expected);
    }
}
