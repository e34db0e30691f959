//! `[groups.<name>]`: whether somebody has a group of that name.

use super::{ConfigError, layers::nearest};
use crate::runtime::GroupChanges;
use std::collections::BTreeMap;

/// The handlers of all services. One file may hold the groups of all, so each process knows the names of all.
pub const HANDLERS: [&str; 8] = [
    "url-manager",
    "url-manager.waiting",
    "url-manager.dead",
    "scraper",
    "parser",
    "storage",
    "storage.archive",
    "dlq-handler",
];

/// A group is a handler's own, or says which handlers it runs.
pub(super) fn check(groups: &BTreeMap<String, GroupChanges>) -> Result<(), ConfigError> {
    let known = || HANDLERS.map(str::to_owned);
    for (name, changes) in groups {
        let handlers = changes.handlers.as_deref().unwrap_or_default();
        if let Some(handler) = handlers.iter().find(|handler| !HANDLERS.contains(&handler.as_str())) {
            let hint = nearest(handler, known());
            return Err(refusal(name, &format!("no handler is called {handler:?}"), hint));
        }
        if handlers.is_empty() && !HANDLERS.contains(&name.as_str()) {
            let hint = nearest(name, known());
            return Err(refusal(name, "no service has a group of that name", hint));
        }
    }
    Ok(())
}

fn refusal(group: &str, why: &str, nearest: Option<String>) -> ConfigError {
    let hint = match nearest {
        Some(name) => format!("did you mean {name}?"),
        None => {
            let known = HANDLERS.join(", ");
            format!("there are {known}; a new group says which of them it runs: handlers = [\"...\"]")
        }
    };
    ConfigError::Value { place: format!("[groups.{group}]"), reason: format!("{why}; {hint}") }
}
