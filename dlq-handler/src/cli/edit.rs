//! `replay --edit`: a payload in the operator's editor.

use crate::{letter::LetterId, store::Ledger};
use bytes::Bytes;
use std::{ffi::OsString, io::Write as _, process::Stdio};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    message::{Message as _, Record, Topic},
    model::{FetchTask, TaskEnded},
};

/// What the operator makes of a letter's payload; none where it stays as it is.
pub(super) async fn payload(ledger: &dyn Ledger, id: LetterId) -> Result<Option<Bytes>, CliError> {
    let gone = || CliError::new(Exit::NotFound, anyhow::anyhow!("there is no letter {id}"));
    let record = ledger.record(id).await?.ok_or_else(gone)?;
    let Ok(before) = std::str::from_utf8(&record.payload) else {
        let error = anyhow::anyhow!("the payload of {id} is not text, so no editor can change it");
        return Err(CliError::new(Exit::Usage, error));
    };
    // JSON is easier to change when it has lines.
    let pretty = serde_json::from_str::<serde_json::Value>(before)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let shown = pretty.as_deref().unwrap_or(before);
    let mut file =
        tempfile::Builder::new().prefix("letter-").suffix(".json").tempfile().or_exit(Exit::Output)?;
    file.write_all(shown.as_bytes()).and_then(|()| file.flush()).or_exit(Exit::Output)?;
    let editor = ["VISUAL", "EDITOR"].into_iter().filter_map(std::env::var_os).find(|name| !name.is_empty());
    let editor = editor.unwrap_or_else(|| OsString::from("vi"));
    let ended = tokio::process::Command::new(&editor)
        .arg(file.path())
        .stdin(Stdio::inherit())
        .status()
        .await
        .map_err(|error| anyhow::anyhow!("{} can't be started: {error}; set EDITOR", editor.display()))
        .or_exit(Exit::Failed)?;
    if !ended.success() {
        let error = anyhow::anyhow!("{} ended with {ended}, so nothing was sent", editor.display());
        return Err(CliError::new(Exit::Failed, error));
    }
    let after = std::fs::read_to_string(file.path()).or_exit(Exit::Failed)?;
    if after == shown {
        return Ok(None);
    }
    check(&record, &after)?;
    // Short again, as it came.
    let after = match serde_json::from_str::<serde_json::Value>(&after) {
        Ok(value) => value.to_string(),
        Err(_) => after,
    };
    Ok(Some(after.into()))
}

/// Refuses what the service could not read either.
fn check(record: &Record, payload: &str) -> Result<(), CliError> {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    let read = match record.topic {
        Topic::ScrapingTasks => FetchTask::decode(payload).map(drop),
        Topic::ParsedData => TaskEnded::decode(payload).map(drop),
        _ => Ok(()),
    };
    read.map_err(|error| {
        let error = anyhow::anyhow!(
            "{} could not be read by its service, so nothing was sent: {error}",
            record.topic
        );
        CliError::new(Exit::BadInput, error)
    })
}
