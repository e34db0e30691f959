//! Finding a Java that is new enough, or installing one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};

use crate::services::{Service, apt};

/// Oldest first: the least that does, and what newer distributions have instead.
const PACKAGES: [&str; 3] = ["openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless"];

/// A Java that can run the broker.
pub(super) struct Java {
    program: PathBuf,
    /// Its major version: 17, 21, …
    pub(super) version: u32,
}

impl Java {
    /// A command that has all of Kafka on its class path; the main class and its arguments are still to come.
    pub(super) fn run(&self, libs: &Path, logging: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-cp").arg(libs.join("*"));
        command.arg(format!("-Dlog4j2.configurationFile={}", logging.display()));
        command.args(["-Djava.awt.headless=true", "-Dfile.encoding=UTF-8"]);
        command
    }
}

/// Finds a Java of at least `least`; as root on Debian or Ubuntu, installs one.
pub(super) fn find_or_install(least: u32) -> Result<Java> {
    find(least).or_else(|missing| {
        apt::may_install().map_err(|why| anyhow!("{missing}; not installing it: {why}"))?;
        apt::install(Service::Kafka, &PACKAGES)?;
        find(least)
    })
}

fn find(least: u32) -> Result<Java> {
    let found: Vec<Java> = places().into_iter().filter_map(ask).collect();
    let newest = found.iter().map(|java| java.version).max();
    found.into_iter().find(|java| java.version >= least).with_context(|| {
        let seen =
            newest.map_or("none is here".to_owned(), |version| format!("the newest here is {version}"));
        format!("Apache Kafka needs Java {least} or later, and {seen}; install one, or set JAVA_HOME")
    })
}

/// Where a Java may be: the one that is set, the one on the path, then those of the distribution.
fn places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(home) = env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        places.push(PathBuf::from(home).join("bin/java"));
    }
    places.push(PathBuf::from("java"));
    let mut installed: Vec<_> = fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/java")))
        .collect();
    installed.sort();
    places.extend(installed);
    places
}

fn ask(program: PathBuf) -> Option<Java> {
    let output = Command::new(&program).arg("-version").stdin(Stdio::null()).output().ok()?;
    let version = major(&String::from_utf8_lossy(&output.stderr))?;
    Some(Java { program, version })
}

/// Reads `openjdk version "17.0.15" 2025-04-15`, and the old way of counting: `java version "1.8.0_402"`.
fn major(text: &str) -> Option<u32> {
    let quoted = text.split('"').nth(1)?;
    let mut numbers = quoted.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    match numbers.next()? {
        1 => numbers.next(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read() {
        let cases = [
            ("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime", Some(17)),
            ("java version \"1.8.0_402\"", Some(8)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            ("sh: java: not found", None),
        ];
        for (text, expected) in cases {
            assert_eq!(major(text), expected, "{text}");
        }
    }
}
