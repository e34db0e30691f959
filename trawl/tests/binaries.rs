//! One file under the names of all binaries: each name does what the binary of that name does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use std::{os::unix::fs::symlink, path::Path, process::Command};

const OURS: [&str; 5] = ["url-manager", "scraper", "parser", "storage", "dlq-handler"];

fn says(program: &Path, word: &str) -> String {
    let said = Command::new(program).arg(word).output().unwrap();
    assert!(said.status.success(), "{} {word}: {said:?}", program.display());
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn a_link_is_the_binary_that_it_is_named_after() {
    let folder = tempfile::tempdir().unwrap();
    let trawl = Path::new(env!("CARGO_BIN_EXE_trawl"));
    for name in OURS {
        let link = folder.path().join(name);
        symlink(trawl, &link).unwrap();
        assert_eq!(says(&link, "--version"), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
        let help = says(&link, "--help");
        assert!(help.contains(&format!("Usage: {name} ")), "{help}");
        assert!(help.contains("  health "), "the image's health check is a verb of {name}: {help}");
    }
    // Whatever else the file is called, it is `trawl`.
    let other = folder.path().join("trawl-0.1.0");
    symlink(trawl, &other).unwrap();
    assert_eq!(says(&other, "--version"), says(trawl, "--version"));
}
