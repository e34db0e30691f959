//! A rules file named on the command line.

use crate::rules::Rules;
use anyhow::Context as _;
use std::path::Path;
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::RulesText,
};

/// Reads and checks a rules file.
///
/// # Errors
/// When it can't be read, or has errors: all of them, each with line, field and remedy.
pub(super) fn read(path: &Path) -> Result<RulesText, CliError> {
    let text = RulesText::read(path).or_exit(Exit::Config)?;
    Rules::compile(text.as_str())
        .with_context(|| format!("{} has errors", path.display()))
        .or_exit(Exit::Config)?;
    Ok(text)
}
