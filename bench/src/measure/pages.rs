//! Whether a crawl found the pages it should have: a figure for other pages is void.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use crate::web::{End, Web, truth};

/// The pages that each crawl should store.
#[derive(Debug)]
pub(super) struct Expected(HashSet<String>);

/// What every crawler's rows have in common; a floor writes no status because it writes pages only.
#[derive(Deserialize)]
struct Row {
    url: String,
    status: Option<u16>,
}

/// What a crawl's rows came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Different pages.
    pub(super) pages: u64,
    /// Why the figures of this crawl mean nothing, if so.
    pub(super) void: Option<String>,
}

impl Expected {
    pub(super) fn of(web: &Web) -> Self {
        let stored = truth(web).into_iter().filter(|row| row.end == End::Stored);
        Self(stored.map(|row| row.url).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Compares the rows of a JSON-lines file with what should be there.
    pub(super) fn compare(&self, file: &Path) -> anyhow::Result<Found> {
        let reader = File::open(file).with_context(|| format!("no rows in {}", file.display()))?;
        let mut found = HashSet::new();
        let mut repeated = Vec::new();
        for (number, line) in BufReader::new(reader).lines().enumerate() {
            let row: Row = serde_json::from_str(&line?)
                .with_context(|| format!("line {} of {} is no row", number + 1, file.display()))?;
            if row.status.is_none_or(|status| (200..300).contains(&status)) && !found.insert(row.url.clone())
            {
                repeated.push(row.url);
            }
        }
        let missing: Vec<_> = self.0.difference(&found).collect();
        let extra: Vec<_> = found.difference(&self.0).collect();
        let faults = [
            describe("missing", missing.len(), missing.first().map(|url| url.as_str())),
            describe("not expected", extra.len(), extra.first().map(|url| url.as_str())),
            describe("repeated", repeated.len(), repeated.first().map(String::as_str)),
        ];
        let faults: Vec<String> = faults.into_iter().flatten().collect();
        Ok(Found { pages: found.len() as u64, void: (!faults.is_empty()).then(|| faults.join(", ")) })
    }
}

fn describe(what: &str, count: usize, example: Option<&str>) -> Option<String> {
    example.map(|example| format!("{count} {what} (such as {example})"))
}

#[cfg(test)]
mod tests {
    use super::{Expected, Found};

    fn compare(rows: &str) -> Found {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rows.jsonl");
        std::fs::write(&file, rows).expect("it can be written");
        Expected(["http://a/", "http://b/"].map(str::to_owned).into()).compare(&file).expect("rows")
    }

    #[test]
    fn the_same_pages_once_each_are_fine() {
        let rows = "{\"url\":\"http://b/\",\"status\":200}\n{\"url\":\"http://a/\"}\n{\"url\":\"http://c/\",\"status\":404}\n";
        assert_eq!(compare(rows), Found { pages: 2, void: None });
    }

    #[test]
    fn anything_else_voids_the_figure() {
        assert_eq!(compare("").void.as_deref().map(|void| void.starts_with("2 missing")), Some(true));
        let row = "{\"url\":\"http://a/\"}\n{\"url\":\"http://b/\"}\n";
        assert_eq!(compare(&row.repeat(2)).void.as_deref(), Some("2 repeated (such as http://a/)"));
        let more = format!("{row}{{\"url\":\"http://c/\"}}\n");
        assert_eq!(compare(&more).void.as_deref(), Some("1 not expected (such as http://c/)"));
    }
}
