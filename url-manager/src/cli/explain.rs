//! `url-manager explain`: all that is recorded of a URL.

use super::output;
use crate::{frontier::Frontier, inspect::Explanation, state::UrlState};
use jiff::Timestamp;
use std::io::Write;
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::CanonicalUrl,
};

/// Show all that is recorded of a URL.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// The URL
    #[arg(value_name = "URL")]
    pub url: String,
    /// Only in this job, by name or id
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,
    /// One JSON object a line for each job
    #[arg(long)]
    pub json: bool,
}

impl ExplainArgs {
    /// Writes what each job knows of the URL.
    ///
    /// # Errors
    /// [`Exit::NotFound`] when no job knows it; when the text is no URL, or the database can't be asked.
    pub async fn run(&self, frontier: &Frontier, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        let url = CanonicalUrl::parse(&self.url).or_exit(Exit::BadInput)?;
        let job = match &self.job {
            Some(name) => Some(frontier.job_named(name).await?),
            None => None,
        };
        let explanations = frontier.explain(&url, job).await?;
        if explanations.is_empty() {
            return Err(CliError::new(Exit::NotFound, anyhow::anyhow!("no job has found {url}")));
        }
        for explanation in &explanations {
            let text = if self.json {
                serde_json::to_string(explanation).or_exit(Exit::Failed)? + "\n"
            } else {
                sentences(explanation)
            };
            out.write_all(text.as_bytes()).map_err(output)?;
        }
        out.flush().map_err(output)
    }
}

fn sentences(explanation: &Explanation) -> String {
    let Explanation { job, url, task, state, recorded } = explanation;
    let time = |millis| {
        Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |time| time.to_string())
    };
    let mut lines = vec![format!("{url} in job {job}: {}", state.0)];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    let why = [recorded.code.as_deref(), recorded.detail.as_deref()].into_iter().flatten();
    let why = why.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    if !why.is_empty() {
        line(if state.0.outcome().is_some() { "because" } else { "last failure" }, why);
    }
    line(
        "found",
        match &recorded.found_on {
            Some(page) => format!("on {page} at depth {} ({})", recorded.depth, time(recorded.found_at)),
            None => format!("as a seed ({})", time(recorded.found_at)),
        },
    );
    if recorded.redirects > 0 {
        line("led to by", format!("{} redirects in a row", recorded.redirects));
    }
    if let Some(target) = &recorded.redirect_to {
        line("leads to", target.clone());
    }
    if let Some(status) = recorded.status {
        line("HTTP status", status.to_string());
    }
    line("attempts", format!("given out {} times, {} failed", recorded.dispatches, recorded.failures));
    match (state.0, recorded.lease_until) {
        (UrlState::InFlight, Some(until)) => line("in flight", format!("until {} at most", time(until))),
        (UrlState::Queued, _) => {
            let next = time(recorded.host_next_at.max(recorded.changed_at));
            let (queued, leased) = (recorded.queued_on_host, recorded.leased_on_host);
            line("its host", format!("next slot {next}; {queued} queued, {leased} in flight"));
        }
        _ => line("since", time(recorded.changed_at)),
    }
    if recorded.crawl_delay_ms > 0 {
        line("crawl-delay", format!("{} ms", recorded.crawl_delay_ms));
    }
    line("task", format!("{task} (round {})", recorded.round));
    lines.join("\n") + "\n"
}
