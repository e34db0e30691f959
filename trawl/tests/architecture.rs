//! `ARCHITECTURE.md` and `CONTRIBUTING.md` keep up with the repository: every crate and every library is in the map, and
//! every file they name is there.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use std::{collections::BTreeSet, fs, path::Path};
use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn workspace() -> Table {
    let manifest: Table = toml::from_str(&read("Cargo.toml")).unwrap();
    manifest["workspace"].as_table().unwrap().clone()
}

/// What stands between backticks on these lines.
fn quoted<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_crate_is_on_the_map() {
    let map = read("ARCHITECTURE.md");
    for member in workspace()["members"].as_array().unwrap() {
        let heading = format!("### `{}`", member.as_str().unwrap());
        assert!(map.lines().any(|line| line.starts_with(&heading)), "no paragraph begins with {heading}");
    }
}

#[test]
fn every_library_says_why_it_is_there() {
    let map = read("ARCHITECTURE.md");
    let (_, libraries) = map.split_once("\n## Libraries\n").unwrap();
    let rows = libraries.lines().filter(|line| line.starts_with("| `"));
    let named = quoted(rows.filter_map(|row| row.split('|').nth(1)));
    let workspace = workspace();
    // What has a path is a crate of ours.
    let libraries =
        workspace["dependencies"].as_table().unwrap().iter().filter(|(_, value)| value.get("path").is_none());
    let used: BTreeSet<&str> = libraries.map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, used, "left: the table; right: Cargo.toml");
}

#[test]
fn every_file_that_is_named_is_there() {
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = read(page);
        for name in quoted(text.lines()) {
            let is_path =
                name.contains('/') && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c));
            let first = name.split('/').next().unwrap_or_default();
            if is_path && !first.is_empty() && root().join(first).is_dir() {
                assert!(root().join(name).exists(), "{page} names {name}, which is not there");
            }
        }
    }
}
