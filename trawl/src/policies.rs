//! `trawl policies`: how failed messages are tried again, as the configuration and a job have it.

use crate::audit::find_job;
use humantime::format_duration;
use serde::Serialize;
use std::{fmt::Write as _, io::Write as _, path::PathBuf, time::Duration};
use trawl_shared::{
    cli::{CliError, Exit, OrExit},
    config::{self, ConfigArgs},
    model::{FailureClass, RetryChanges},
    runtime::{RetryPolicies, RetryPolicy},
    sql::{DatabaseUrl, Missing},
};
use trawl_url_manager::Frontier;

const EXAMPLES: &str = "\
Examples:
  trawl policies --config trawl.toml
  trawl policies --set retry.network.attempts=6
  trawl policies --job docs --database-url postgres://trawl@db/trawl --json

A fleet's services read the same [retry.CLASS] tables; `trawl crawl` takes the defaults and its own --retry flags.";

/// Print how failures of each class are retried.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PoliciesArgs {
    /// Configuration file (TOML); see trawl.example.toml
    #[arg(long, env = "TRAWL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one setting, such as --set retry.dns.attempts=5 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// With what this job changes of them, by name or id
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Data folder of the job's embedded crawl
    #[arg(long, value_name = "DIR", default_value = "trawl-data", conflicts_with = "database_url")]
    data: PathBuf,
    /// Database of the job's fleet: postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", env = "TRAWL_DATABASE_URL")]
    database_url: Option<String>,
    /// A JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// The policy of one class.
#[derive(Debug, Serialize)]
struct Line {
    class: FailureClass,
    #[serde(flatten)]
    policy: RetryPolicy,
    /// The longest wait before each further attempt, in milliseconds.
    waits_ms: Vec<u64>,
    /// Whether it is the job's own.
    changed_by_job: bool,
}

/// Prints the policies.
///
/// # Errors
/// When the configuration can't be read, or there is no such job.
pub async fn run(args: PoliciesArgs) -> Result<(), CliError> {
    // A variable that is not text is not ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let from = ConfigArgs { config: args.config.clone(), set: args.set.clone(), ..ConfigArgs::default() };
    let policies = config::load_common(&from, environment)?.retry;
    let changes = match &args.job {
        Some(name) => changes_of(&args, name).await?,
        None => RetryChanges::default(),
    };
    let lines = lines(&policies, &changes);
    let text =
        if args.json { serde_json::to_string(&lines).or_exit(Exit::Failed)? + "\n" } else { table(&lines) };
    std::io::stdout().write_all(text.as_bytes()).or_exit(Exit::Output)
}

async fn changes_of(args: &PoliciesArgs, name: &str) -> Result<RetryChanges, CliError> {
    let url = match &args.database_url {
        Some(url) => url.parse::<DatabaseUrl>()?,
        None => DatabaseUrl::sqlite(&args.data),
    };
    let frontier = Frontier::open(&url, Missing::Fail, trawl_url_manager::Settings::default()).await?;
    let job = find_job(&frontier, Some(name)).await;
    frontier.close().await;
    Ok(job?.spec.fetch.retry)
}

fn lines(policies: &RetryPolicies, changes: &RetryChanges) -> Vec<Line> {
    let of = |class| {
        let policy = policies.of(class, changes);
        let changed_by_job = policy != policies.of(class, &RetryChanges::default());
        let waits = (1..policy.attempts).map(|attempt| policy.longest_delay(attempt).as_millis());
        let waits_ms = waits.map(|wait| u64::try_from(wait).unwrap_or(u64::MAX)).collect();
        Line { class, policy, waits_ms, changed_by_job }
    };
    FailureClass::ALL.into_iter().map(of).collect()
}

fn table(lines: &[Line]) -> String {
    let short = |ms: u64| format_duration(Duration::from_millis(ms)).to_string().replace(' ', "");
    let mut text = String::from(
        "class       attempts  first  factor  longest  jitter  Retry-After up to  waits at most, then dead letter\n",
    );
    for Line { class, policy, waits_ms, changed_by_job } in lines {
        let RetryPolicy { attempts, base_ms, factor, cap_ms, jitter, retry_after_ms } = policy;
        let waits: Vec<_> = waits_ms.iter().map(|wait| short(*wait)).collect();
        let waits = if waits.is_empty() { "none".to_owned() } else { waits.join(" ") };
        let mark = if *changed_by_job { "  (the job's)" } else { "" };
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{class:<11} {attempts:>8}  {:>5}  {factor:>6}  {:>7}  {:>5}%  {:>17}  {waits}{mark}",
            short(*base_ms),
            short(*cap_ms),
            jitter * 100.0,
            short(*retry_after_ms),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::model::RetryRule;

    #[test]
    fn every_class_has_a_line_and_a_job_marks_its_own() {
        let rule: RetryRule = "network:attempts=3,base=2s,factor=3".parse().expect("a rule");
        let lines = lines(&RetryPolicies::default(), &[rule].into_iter().collect());
        let text = table(&lines);
        assert_eq!(text.lines().count(), 1 + FailureClass::ALL.len());
        let line =
            |class: &str| text.lines().find(|line| line.starts_with(class)).expect("a line").to_owned();
        assert!(line("network").ends_with("2s 6s  (the job's)"), "{text}");
        assert!(line("server").ends_with("1s 4s 16s"), "{text}");
        assert!(line("message").ends_with("none"), "{text}");
        let json = serde_json::to_value(&lines).expect("JSON");
        assert_eq!(json[0]["class"], "network");
        assert_eq!(json[0]["waits_ms"], serde_json::json!([2_000, 6_000]));
    }
}
