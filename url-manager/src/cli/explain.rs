//! `url-manager explain`: all that is recorded of a URL.

use super::output;
use crate::{frontier::Frontier, inspect::Explanation, state::UrlState};
use clap::Args;
use jiff::Timestamp;
use std::io::Write;
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::CanonicalUrl,
};

const EXAMPLES: &str = "\
Examples:
  url-manager explain https://example.org/a/page.html
  url-manager explain https://example.org/cart --job shop
  url-manager explain https://example.org/ --json | jq .attempts

Exit codes: 0 done, 4 no URL, 6 database, 8 no job has found it.";

/// Show all that is recorded of a URL.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
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

/// The lines of an explanation.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0 += &format!("  {name:<12} {value}\n");
    }
}

fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |time| time.to_string())
}

fn sentences(explanation: &Explanation) -> String {
    let Explanation { job, url, task, state, recorded, .. } = explanation;
    let mut lines = Lines(format!("{url} in job {job}: {}\n", state.0));
    let why = [recorded.code.as_deref(), recorded.detail.as_deref()].into_iter().flatten();
    let why = why.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    if !why.is_empty() {
        lines.add(if state.0.outcome().is_some() { "because" } else { "last failure" }, why);
    }
    if let Some(rule) = &explanation.rule {
        lines.add("rule", rule);
    }
    match &recorded.found_on {
        Some(page) => lines.add(
            "found",
            format_args!("on {page} at depth {} ({})", recorded.depth, time(recorded.found_at)),
        ),
        None => lines.add("found", format_args!("as a seed ({})", time(recorded.found_at))),
    }
    if recorded.redirects > 0 {
        lines.add("led to by", format_args!("{} redirects in a row", recorded.redirects));
    }
    match (&explanation.alias_of, &recorded.redirect_to) {
        (Some(target), _) => lines.add("alias of", target),
        (None, Some(target)) => lines.add("leads to", target),
        (None, None) => {}
    }
    if let Some(status) = recorded.status {
        lines.add("HTTP status", status);
    }
    fetches(explanation, &mut lines);
    if recorded.crawl_delay_ms > 0 {
        lines.add("crawl-delay", format_args!("{} ms", recorded.crawl_delay_ms));
    }
    lines.add("task", format_args!("{task} (round {})", recorded.round));
    lines.add("trace", &explanation.trace);
    if let Some(page) = &explanation.stored_as {
        lines.add("stored as", format_args!("page {page}"));
    }
    for (kind, id) in &explanation.messages {
        lines.add("message", format_args!("{id} {kind}"));
    }
    lines.0
}

/// How often it was fetched, what came of it, and when its next turn is.
fn fetches(explanation: &Explanation, lines: &mut Lines) {
    let recorded = &explanation.recorded;
    lines.add(
        "attempts",
        format_args!("given out {} times, {} failed", recorded.dispatches, recorded.failures),
    );
    for attempt in recorded.attempts.iter().flatten() {
        lines.add(
            "",
            format_args!("{} {} after {} ms: {}", attempt.at, attempt.code, attempt.took_ms, attempt.error),
        );
    }
    match (explanation.state.0, recorded.lease_until) {
        (UrlState::InFlight, Some(until)) => {
            lines.add("in flight", format_args!("until {} at most", time(until)));
        }
        (UrlState::Queued, _) => {
            let (queued, leased) = (recorded.queued_on_host, recorded.leased_on_host);
            lines.add("its host", format_args!("{queued} URLs queued, {leased} in flight"));
        }
        _ => lines.add("since", time(recorded.changed_at)),
    }
    if let Some(next) = explanation.next_fetch_at {
        lines.add("next fetch", format_args!("not before {}", time(next)));
    }
}
