//! What came of the runs: a table for the terminal, and a file with every fault and every complaint.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::books::Books;

/// Which run.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The scenario's name, with what it ran over.
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) minutes: f64,
}

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) setting: Setting,
    /// When, from the start on, what was done, and as how many faults it counts.
    pub(crate) faults: Vec<(Duration, String, u64)>,
    pub(crate) books: Books,
    pub(crate) took: Duration,
    /// From the last fault to rest.
    pub(crate) rest: Duration,
    /// The most memory that one process took.
    pub(crate) peak_mib: u64,
}

/// How a run ended.
pub(crate) enum Ended {
    Ran(Box<Outcome>),
    /// It can't be had here, and why.
    Skipped(Setting, String),
    /// It broke before its books could be closed.
    Broke(Setting, String),
}

const HEAD: [&str; 14] = [
    "scenario", "seed", "min", "faults", "URLs", "rows", "requests", "letters", "lost", "doubled", "wrong",
    "gaps", "peak MiB", "verdict",
];

impl Ended {
    /// A run that was begun.
    pub(crate) fn of(setting: Setting, outcome: Result<Outcome>) -> Self {
        match outcome {
            Ok(outcome) => Self::Ran(Box::new(outcome)),
            Err(error) => Self::Broke(setting, format!("{error:#}")),
        }
    }

    /// Whether nothing is to be complained of.
    pub(crate) fn is_well(&self) -> bool {
        match self {
            Self::Ran(outcome) => outcome.books.complaints().is_empty(),
            Self::Skipped(..) => true,
            Self::Broke(..) => false,
        }
    }

    fn cells(&self) -> Vec<String> {
        let (setting, verdict) = match self {
            Self::Ran(outcome) => {
                let setting = &outcome.setting;
                let Books { urls, pages, requests, letters, lost, doubled, wrong, rude, .. } = &outcome.books;
                let faults: u64 = outcome.faults.iter().map(|(_, _, count)| count).sum();
                let mut cells =
                    vec![setting.name.clone(), setting.seed.to_string(), setting.minutes.to_string()];
                cells.extend([faults, *urls as u64, *pages as u64, *requests as u64].map(|n| n.to_string()));
                cells.extend(
                    [*letters, lost.len(), doubled.len(), wrong.len(), rude.len()].map(|n| n.to_string()),
                );
                cells.push(outcome.peak_mib.to_string());
                cells.push(if self.is_well() { "passed" } else { "FAILED" }.to_owned());
                return cells;
            }
            Self::Skipped(setting, _) => (setting, "skipped"),
            Self::Broke(setting, _) => (setting, "BROKE"),
        };
        let mut cells = vec![setting.name.clone(), setting.seed.to_string(), setting.minutes.to_string()];
        cells.resize(HEAD.len() - 1, "-".to_owned());
        cells.push(verdict.to_owned());
        cells
    }

    /// What is to be said besides the row.
    fn story(&self) -> String {
        const MOST: usize = 12;
        let mut text = String::new();
        match self {
            Self::Skipped(setting, why) => writeln!(text, "{} was skipped: {why}", setting.name),
            Self::Broke(setting, why) => {
                writeln!(text, "{} (seed {}) broke: {why}", setting.name, setting.seed)
            }
            Self::Ran(outcome) => {
                let Setting { name, seed, .. } = &outcome.setting;
                for (kind, found) in outcome.books.complaints() {
                    let _ = writeln!(text, "{name} (seed {seed}): {kind}: {}", found.len());
                    for one in found.iter().take(MOST) {
                        let _ = writeln!(text, "  {one}");
                    }
                }
                Ok(())
            }
        }
        .expect("a string takes all that is written");
        text
    }
}

/// The table, and below it what there is to complain of.
pub(crate) fn text(runs: &[Ended]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(runs.iter().map(Ended::cells));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            text += &if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        text.push('\n');
    }
    runs.iter().for_each(|run| text += &run.story());
    text
}

/// Writes the report, which has each fault as well.
pub(crate) fn write(path: &Path, runs: &[Ended]) -> Result<()> {
    let mut report = text(runs);
    for run in runs {
        let Ended::Ran(outcome) = run else { continue };
        let Outcome { setting, took, rest, .. } = outcome.as_ref();
        let (took, rest) = (took.as_secs(), rest.as_secs());
        let _ = writeln!(
            report,
            "\n{} (seed {}): {took} s, of which {rest} s after the last fault",
            setting.name, setting.seed
        );
        for (at, what, _) in &outcome.faults {
            let _ = writeln!(report, "{:8.1} s  {what}", at.as_secs_f64());
        }
    }
    fs::write(path, report).with_context(|| format!("cannot write {}", path.display()))
}
