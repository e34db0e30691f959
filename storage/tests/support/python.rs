//! Readers by other hands, in Python: `.ci/run` puts them into `target/python-readers`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A Python that has these modules; none, and a line that says so, where there is none.
pub(crate) fn with(modules: &[&str]) -> Option<PathBuf> {
    let named = std::env::var_os("TRAWL_TEST_PYTHON").map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python-readers/bin/python3");
    let imports = format!("import {}", modules.join(", "));
    let has = |python: &PathBuf| {
        Command::new(python).args(["-c", &imports]).output().is_ok_and(|output| output.status.success())
    };
    let found = named.into_iter().chain([installed, "python3".into()]).find(has);
    if found.is_none() {
        eprintln!("skipped: there is no Python with {} (.ci/run installs one)", modules.join(" and "));
    }
    found
}

/// What a script prints. Its arguments are paths.
#[track_caller]
pub(crate) fn run(python: &Path, script: &str, arguments: &[&Path]) -> String {
    let output = Command::new(python).args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
