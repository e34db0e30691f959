//! `services status`: what runs, where, and whether it answers.

use anyhow::{Result, bail};
use serde::Serialize;

use super::Service;
use super::choose::{named_by_environment, variable, without_password};
use super::state::{Instance, Source, State};
use crate::layout::Layout;

/// One service, as `status --json` tells it.
#[derive(Serialize)]
struct Line {
    service: Service,
    address: Option<String>,
    /// `environment`, `docker` or `local`.
    source: Option<&'static str>,
    pid: Option<u32>,
    log: Option<String>,
    answers: bool,
    /// Why it does not answer.
    reason: Option<String>,
}

pub(crate) fn show(layout: &Layout, json: bool) -> Result<()> {
    let state = State::load(layout)?;
    let lines = Service::ALL.map(|service| line(service, state.get(service)));
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        for line in &lines {
            println!("{}", text(line));
        }
    }
    match lines.iter().filter(|line| !line.answers).count() {
        0 => Ok(()),
        silent => bail!("{silent} of {} do not answer; `cargo xtask services up` starts them", lines.len()),
    }
}

fn line(service: Service, known: Option<&Instance>) -> Line {
    // As `up` decides: what the environment names leads, unless it is our own.
    let named = named_by_environment(service, known, variable);
    let (address, source, local) = match (named, known) {
        (Some(address), _) => (Some(address), Some("environment"), None),
        (_, Some(Instance { address, source: Source::Docker })) => {
            (Some(address.clone()), Some("docker"), None)
        }
        (_, Some(Instance { address, source: Source::Local(local) })) => {
            (Some(address.clone()), Some("local"), Some(local))
        }
        (_, None) => (None, None, None),
    };
    let answer = address.as_deref().map(|address| service.answers(address));
    Line {
        service,
        source,
        pid: local.and_then(|local| local.pid.filter(|_| local.is_alive())),
        log: local.map(|local| local.log.display().to_string()),
        answers: matches!(answer, Some(Ok(()))),
        reason: match answer {
            None => Some("none was started".to_owned()),
            Some(Err(error)) => Some(format!("{error:#}")),
            Some(Ok(())) => None,
        },
        address,
    }
}

fn text(line: &Line) -> String {
    let mut text = line.service.name().to_owned();
    if let (Some(address), Some(source)) = (&line.address, line.source) {
        text += &format!(" at {} ({source}", without_password(address));
        if let Some(pid) = line.pid {
            text += &format!(", process {pid}");
        }
        text += ")";
    }
    match &line.reason {
        None => text += " answers",
        Some(reason) => text += &format!(" does not answer: {reason}"),
    }
    text
}
