//! `promtool` takes the alert rules. Left out where there is no Prometheus.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    fs,
    process::{Command, Stdio},
};
use support::watch::root;

#[test]
fn promtool_takes_the_rules() {
    let found =
        Command::new("promtool").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no promtool (on Debian it is in the package prometheus)");
        return;
    }
    let rules = fs::read_dir(root().join("deploy/prometheus/rules")).unwrap();
    for path in rules.map(|entry| entry.unwrap().path()) {
        let checked = Command::new("promtool").args(["check", "rules"]).arg(&path).output().unwrap();
        let talk = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {talk}", path.display());
    }
}
