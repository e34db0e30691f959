//! `url-manager status`: how jobs stand.

use super::output;
use crate::{FrontierError, UrlState, frontier::Frontier, inspect::JobStatus};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    io::Write,
    time::{Duration, Instant},
};
use trawl_shared::{
    cli::{CliError, Exit},
    model::JobId,
};

/// How often `--watch` looks.
const REFRESH: Duration = Duration::from_secs(1);

/// Show how jobs stand.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// Only this job, by name or id
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,
    /// Show it again every second until all jobs are done
    #[arg(long)]
    pub watch: bool,
    /// One JSON object a line for each job
    #[arg(long)]
    pub json: bool,
}

impl StatusArgs {
    /// Writes the jobs once, or until all are done.
    ///
    /// # Errors
    /// [`Exit::NotFound`] when there is no such job; when the database can't be asked.
    pub async fn run(&self, frontier: &Frontier, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        let mut rates = Rates::default();
        loop {
            let mut statuses = frontier.statuses().await?;
            if let Some(name) = &self.job {
                statuses.retain(|status| status.job == *name || status.id.to_string() == *name);
                if statuses.is_empty() {
                    return Err(FrontierError::NoSuchJob(name.clone()).into());
                }
            }
            let rates = rates.next(&statuses);
            self.write(&statuses, &rates, out)?;
            if !self.watch || statuses.iter().all(|status| status.done) {
                return Ok(());
            }
            tokio::time::sleep(REFRESH).await;
        }
    }

    fn write(&self, statuses: &[JobStatus], rates: &[f64], out: &mut dyn Write) -> Result<(), CliError> {
        if self.json {
            for (status, rate) in statuses.iter().zip(rates) {
                let mut json =
                    serde_json::to_value(status).map_err(|error| CliError::new(Exit::Failed, error))?;
                json["urls_per_second"] = serde_json::json!((rate * 100.0).round() / 100.0);
                writeln!(out, "{json}").map_err(output)?;
            }
        } else {
            out.write_all(table(statuses, rates).as_bytes()).map_err(output)?;
        }
        out.flush().map_err(output)
    }
}

/// URLs that ended in a second: since the last look, or over the job's time at the first.
#[derive(Default)]
struct Rates {
    last: HashMap<JobId, (Instant, u64)>,
}

impl Rates {
    fn next(&mut self, statuses: &[JobStatus]) -> Vec<f64> {
        let now = Instant::now();
        let rate = |status: &JobStatus| {
            let ended = status.ended();
            let (seconds, more) = match self.last.insert(status.id, (now, ended)) {
                Some((then, before)) => ((now - then).as_secs_f64(), ended.saturating_sub(before)),
                None => {
                    let end = status.finished_at.unwrap_or_else(Timestamp::now);
                    (end.duration_since(status.created_at).as_secs_f64(), ended)
                }
            };
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let more = more as f64;
            if seconds > 0.0 { more / seconds } else { 0.0 }
        };
        statuses.iter().map(rate).collect()
    }
}

fn table(statuses: &[JobStatus], rates: &[f64]) -> String {
    if statuses.is_empty() {
        return "no jobs yet; `url-manager seed URL` starts one\n".to_owned();
    }
    let mut rows = vec![vec!["job".to_owned(), "state".to_owned()]];
    rows[0].extend(UrlState::ALL.map(|state| state.as_str().replace('_', " ")));
    rows[0].extend(["hosts".to_owned(), "URLs/s".to_owned()]);
    for (status, rate) in statuses.iter().zip(rates) {
        let mut row = vec![status.job.clone(), status.state.to_string()];
        row.extend(UrlState::ALL.map(|state| status.count(state).to_string()));
        row.extend([status.hosts.to_string(), format!("{rate:.1}")]);
        rows.push(row);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Names to the left, numbers to the right.
            let cell = if column < 2 { format!("{cell:width$}") } else { format!("{cell:>width$}") };
            text.push_str(if column == 0 { "" } else { "  " });
            text.push_str(&cell);
        }
        text.push('\n');
    }
    text
}
