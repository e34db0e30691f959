//! The last words of a crawl: figures that add up, what to do next, and the exit code.

use super::{CrawlArgs, Snapshot, plan::Plan, watch::Ended};
use crate::embedded::Stores;
use anyhow::anyhow;
use bytesize::ByteSize;
use serde_json::json;
use trawl_shared::cli::{CliError, Exit, OrExit};
use trawl_url_manager::{UrlState, inspect::JobStatus};

/// Reports, and answers with the exit code's error where the crawl is not simply done.
pub(super) async fn report(
    args: &CrawlArgs,
    stores: &Stores,
    plan: &Plan,
    last: &Snapshot,
    ended: &Ended,
) -> Result<(), CliError> {
    let job = stores.frontier.status(plan.job).await.or_exit(Exit::Database)?;
    let ended_as = match ended {
        Ended::Done => "done",
        Ended::Interrupted => "interrupted",
        Ended::Output(_) => "output could not be written",
        Ended::Failed => "failed",
    };
    if args.json_progress {
        let counts = &job.counts;
        eprintln!(
            "{}",
            json!({ "event": "report", "ended": ended_as, "job": plan.name, "counts": counts, "urls": job.urls(), "bytes": last.bytes })
        );
    } else if !args.quiet {
        eprint!("{}", text(args, plan, &job, last, ended_as));
    }
    let resume = format!("go on with: trawl crawl --resume{}", places(args));
    match ended {
        Ended::Done if plan.bad_seeds > 0 => Err(CliError::silent(Exit::BadInput)),
        Ended::Done if job.count(UrlState::Stored) + job.count(UrlState::Unchanged) == 0 => {
            nothing_stored(stores, plan, &job).await
        }
        Ended::Done => Ok(()),
        Ended::Interrupted => {
            if !args.quiet {
                eprintln!("{resume}");
            }
            Err(CliError::silent(Exit::Interrupted))
        }
        Ended::Output(error) => {
            Err(CliError::new(Exit::Output, anyhow!("{error}; nothing is lost: make room, then {resume}")))
        }
        Ended::Failed => Err(CliError::new(Exit::Failed, anyhow!("a service could not go on; {resume}"))),
    }
}

fn text(args: &CrawlArgs, plan: &Plan, job: &JobStatus, last: &Snapshot, ended_as: &str) -> String {
    let mut text =
        format!("{} {ended_as}: {} pages, {}\n", plan.name, last.pages, ByteSize(last.bytes).display().iec());
    let states: Vec<_> = job
        .counts
        .iter()
        .filter(|(_, urls)| **urls > 0)
        .map(|(state, urls)| format!("{urls} {}", state.0.as_str()))
        .collect();
    text.push_str(&format!("{} URLs = {}\n", job.urls(), states.join(" + ")));
    for out in &args.out {
        let so_far = if out.is_growing() { ".growing (complete when the crawl is)" } else { "" };
        text.push_str(&format!("written: {out}{so_far}\n"));
    }
    text.push_str(&format!("data: {}\n", args.data.display()));
    text
}

fn places(args: &CrawlArgs) -> String {
    let data = if args.data.as_os_str() == "trawl-data" {
        String::new()
    } else {
        format!(" --data {}", args.data.display())
    };
    args.out.iter().fold(data, |places, out| format!("{places} --out {out}"))
}

/// Seeds whose end is told when no page was stored.
const SEEDS_EXPLAINED: usize = 3;

/// A crawl without a single page is a failure, and the first seed tells why.
async fn nothing_stored(stores: &Stores, plan: &Plan, job: &JobStatus) -> Result<(), CliError> {
    let mut lines = vec![format!("no page could be stored ({} URLs)", job.urls())];
    for seed in plan.seeds.iter().take(SEEDS_EXPLAINED) {
        let ends = stores.frontier.explain(seed, Some(plan.job)).await.or_exit(Exit::Database)?;
        let Some(end) = ends.first() else { continue };
        let code = end.recorded.code.as_deref().unwrap_or("no reason recorded");
        let detail = end.recorded.detail.as_deref().map_or_else(String::new, |detail| format!(" ({detail})"));
        lines.push(format!("  {}: {} {code}{detail}", end.url, end.recorded.state.as_str()));
        if code == trawl_shared::model::code::SSRF_BLOCKED {
            lines.push(
                "  to crawl this machine or a private network, add --allow-private-addresses".to_owned(),
            );
        }
    }
    Err(CliError::new(Exit::Failed, anyhow!(lines.join("\n"))))
}
