//! What a person (or a program) sees while a crawl runs.

use super::Snapshot;
use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// How progress is shown.
pub(super) enum Progress {
    Quiet,
    /// One line that is drawn again and again, on a terminal.
    Live {
        bar: ProgressBar,
        rate: Rate,
    },
    /// A line now and then, where standard error is a file or a pipe.
    Lines {
        last: Instant,
        rate: Rate,
    },
    Json {
        rate: Rate,
    },
}

/// Pages a second, smoothed over the last seconds.
pub(super) struct Rate {
    at: Instant,
    pages: u64,
    per_second: f64,
}

/// How often a line is written where nothing can be drawn.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

impl Progress {
    pub(super) fn new(quiet: bool, json: bool) -> Self {
        let rate = Rate { at: Instant::now(), pages: 0, per_second: 0.0 };
        match (quiet, json) {
            (true, _) => Self::Quiet,
            (_, true) => Self::Json { rate },
            _ if std::io::stderr().is_terminal() => {
                let style = ProgressStyle::with_template("{spinner:.cyan} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))
                    .with_style(style);
                bar.enable_steady_tick(Duration::from_millis(120));
                Self::Live { bar, rate }
            }
            _ => Self::Lines { last: Instant::now(), rate },
        }
    }

    pub(super) fn show(&mut self, now: &Snapshot) {
        match self {
            Self::Quiet => {}
            Self::Live { bar, rate } => bar.set_message(line(now, rate.update(now.pages))),
            Self::Lines { last, rate } => {
                let per_second = rate.update(now.pages);
                if last.elapsed() >= LINE_INTERVAL {
                    *last = Instant::now();
                    eprintln!("{}", line(now, per_second));
                }
            }
            Self::Json { rate } => {
                let mut value = serde_json::to_value(now).unwrap_or_default();
                value["event"] = "progress".into();
                value["pages_per_second"] = (rate.update(now.pages) * 10.0).round().into();
                value["pages_per_second"] = (value["pages_per_second"].as_f64().unwrap_or(0.0) / 10.0).into();
                eprintln!("{value}");
            }
        }
    }

    pub(super) fn finish(&mut self) {
        if let Self::Live { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

impl Rate {
    fn update(&mut self, pages: u64) -> f64 {
        let seconds = self.at.elapsed().as_secs_f64();
        if seconds >= 0.5 {
            let now = (pages.saturating_sub(self.pages)) as f64 / seconds;
            self.per_second = if self.per_second == 0.0 { now } else { 0.7 * self.per_second + 0.3 * now };
            (self.at, self.pages) = (Instant::now(), pages);
        }
        self.per_second
    }
}

fn line(now: &Snapshot, per_second: f64) -> String {
    let mut text = format!(
        "{} pages  {per_second:.0}/s  {} queued  {} in flight  {} hosts  {}",
        now.pages,
        now.queued,
        now.in_flight,
        now.hosts,
        ByteSize(now.bytes).display().iec(),
    );
    if now.errors > 0 {
        text.push_str(&format!("  {} dead", now.errors));
    }
    if let Some(left) = now.budget.map(|budget| budget.saturating_sub(now.pages)).filter(|_| per_second > 0.0)
    {
        let seconds = (left as f64 / per_second).round();
        text.push_str(&format!("  ETA {}", humantime::format_duration(Duration::from_secs(seconds as u64))));
    }
    text
}
