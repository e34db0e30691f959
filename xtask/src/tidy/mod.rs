//! `cargo xtask tidy`: what must hold in this repository and no compiler checks. It is a test of this crate too.
//!
//! Each rule is one file in `rules/`: a function from the repository to its findings, with a sample that breaks it.

mod code;
mod manifest;
mod repository;
mod rules;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use self::repository::Repository;

/// One place where a rule is broken.
#[derive(Debug, PartialEq)]
struct Finding {
    /// The file, from the root, with `/`.
    file: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

/// A rule: its name, what to do about a finding, and how to find.
struct Rule {
    name: &'static str,
    remedy: &'static str,
    check: fn(&Repository) -> Vec<Finding>,
}

/// Prints one line for each finding; the exit code says whether there was any.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let repository = Repository::read(root)?;
    let lines = report(&repository);
    for line in &lines {
        println!("{line}");
    }
    if lines.is_empty() {
        eprintln!("tidy: {} rules hold in {} files", rules::ALL.len(), repository.files().len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("tidy: {} findings", lines.len());
    Ok(ExitCode::FAILURE)
}

fn report(repository: &Repository) -> Vec<String> {
    let mut lines = Vec::new();
    for Rule { name, remedy, check } in rules::ALL {
        let mut findings = check(repository);
        findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        lines.extend(
            findings
                .into_iter()
                .map(|Finding { file, line, what }| format!("{file}:{line}: [{name}] {what}; {remedy}")),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    #[test]
    fn the_repository_is_tidy() {
        let repository = Repository::read(Layout::find().unwrap().root()).unwrap();
        assert!(repository.files().len() > 20, "the repository was not found");
        let lines = report(&repository);
        assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
    }

    #[test]
    fn a_finding_names_place_rule_and_remedy() {
        let repository = Repository::of(&[("shared/src/lib.rs", "//! Docs.\n\nfn f() { todo!() }\n")]);
        let lines = report(&repository);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("shared/src/lib.rs:3: [unfinished] todo!; "), "{}", lines[0]);
    }
}
