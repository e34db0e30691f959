//! `url-manager jobs show`.

use crate::{
    UrlState,
    cli::output,
    frontier::Frontier,
    inspect::{JobStatus, UrlStateName},
};
use serde::Serialize;
use std::{collections::BTreeMap, io::Write};
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// A job in full.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    status: &'a JobStatus,
    /// URLs that are excluded now, by the code of the rule.
    excluded_by: BTreeMap<String, u64>,
    /// What was asked for, without secrets.
    settings: crate::JobSpec,
}

pub(super) async fn show(
    frontier: &Frontier,
    name: &str,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<(), CliError> {
    let id = frontier.job_named(name).await?;
    let status = frontier.status(id).await?;
    let excluded_by = frontier.excluded_by(id).await?;
    let settings = status.spec.redacted();
    let text = if json {
        let shown = Shown { status: &status, excluded_by, settings };
        serde_json::to_string(&shown).or_exit(Exit::Failed)? + "\n"
    } else {
        lines(&status, &excluded_by, &settings).or_exit(Exit::Failed)?
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(output)
}

fn lines(
    status: &JobStatus,
    excluded_by: &BTreeMap<String, u64>,
    settings: &crate::JobSpec,
) -> Result<String, serde_json::Error> {
    let mut text = format!("job {} ({}): {}\n", status.job, status.id, status.state);
    text += &format!("  made         {}\n", status.created_at);
    if let Some(at) = status.finished_at {
        text += &format!("  done         {at}\n");
    }
    text += &format!("  hosts        {}\n", status.hosts);
    for state in UrlState::ALL {
        let urls = status.counts.get(&UrlStateName(state)).copied().unwrap_or(0);
        text += &format!("  {:<12} {urls}\n", state.as_str());
        if state == UrlState::Excluded {
            for (code, urls) in excluded_by {
                text += &format!("    {code:<24} {urls}\n");
            }
        }
    }
    text += "settings\n";
    for (name, value) in flat("", &serde_json::to_value(settings)?) {
        text += &format!("  {name} = {value}\n");
    }
    Ok(text)
}

/// The leaves of a JSON value with their paths.
fn flat(path: &str, value: &serde_json::Value) -> Vec<(String, String)> {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flat(&path, value)
            })
            .collect(),
        serde_json::Value::Null => Vec::new(),
        value => vec![(path.to_owned(), value.to_string())],
    }
}
