//! The Docker engine and the compose tool. Distributions ship neither always: Debian 12 has compose 1.29 only, so the tool
//! is built from its Go module where Go is there.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::layout::Layout;
use crate::services::answer;

/// The oldest compose tool that understands our files (`!override`).
const LEAST_COMPOSE: (u32, u32) = (2, 24);
/// What is built where none is installed.
const MODULE: (&str, &str) = ("github.com/docker/compose/v2", "v2.40.3");

/// An engine that answers, and the words that run its compose tool.
pub(super) struct Engine {
    version: String,
    compose: Vec<OsString>,
    compose_version: String,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Docker Engine {}, Docker Compose {}", self.version, self.compose_version)
    }
}

impl Engine {
    /// Finds both. `make` builds the compose tool where it is missing, which takes minutes.
    pub(super) fn find(layout: &Layout, make: bool) -> Result<Self> {
        let version = answer(Command::new("docker").args(["info", "--format", "{{.ServerVersion}}"]))
            .context("no Docker engine answers")?;
        let made = layout.services("fleet").join("bin/docker-compose");
        let places: [Vec<OsString>; 3] = [
            vec!["docker".into(), "compose".into()],
            vec!["docker-compose".into()],
            vec![made.clone().into()],
        ];
        for compose in places {
            if let Some(compose_version) = new_enough(&compose) {
                return Ok(Self { version, compose, compose_version });
            }
        }
        if !make {
            bail!("Docker Compose {}.{} or newer is not installed", LEAST_COMPOSE.0, LEAST_COMPOSE.1);
        }
        build_compose(&made)
            .context("Docker Compose is not installed, and cannot be built from its Go module")?;
        let compose = vec![made.into_os_string()];
        let compose_version = new_enough(&compose).context("the compose tool that was built does not run")?;
        Ok(Self { version, compose, compose_version })
    }

    /// A command of the compose tool, its words still to come.
    pub(super) fn compose(&self) -> Command {
        let mut command = Command::new(&self.compose[0]);
        command.args(&self.compose[1..]).env("DOCKER_BUILDKIT", "1").stdin(Stdio::null());
        command
    }

    /// Runs `docker` and gives what it prints.
    pub(super) fn docker(&self, words: &[&str]) -> Result<String> {
        output(Command::new("docker").args(words).stdin(Stdio::null()))
    }

    /// Whether the engine has an image of this name.
    pub(super) fn has_image(&self, name: &str) -> bool {
        self.docker(&["image", "inspect", "--format", "{{.Id}}", name]).is_ok()
    }
}

/// Runs a command and gives what it prints; its complaints are the error.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let said = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !said.status.success() {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        let tail: Vec<_> =
            String::from_utf8_lossy(&said.stderr).lines().rev().take(20).map(str::to_owned).collect();
        let tail: Vec<_> = tail.into_iter().rev().collect();
        bail!("`{}` ended with {}: {}", words.join(" "), said.status, tail.join("\n"));
    }
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

fn new_enough(compose: &[OsString]) -> Option<String> {
    let version = answer(Command::new(&compose[0]).args(&compose[1..]).args(["version", "--short"])).ok()?;
    (parse(&version)? >= LEAST_COMPOSE).then_some(version)
}

/// Major and minor of `2.40.3` or `v2.40.3-desktop.1`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn build_compose(target: &Path) -> Result<()> {
    let (module, version) = MODULE;
    eprintln!(
        "fleet-test: building Docker Compose {version} from its Go module; that takes some minutes, once"
    );
    let named = format!("{module}@{version}");
    let described = output(Command::new("go").args(["mod", "download", "-json", &named]))?;
    let described: serde_json::Value = serde_json::from_str(&described)?;
    let source = PathBuf::from(described["Dir"].as_str().context("go does not say where the module is")?);
    // Built where it lies, as the main module: its go.mod has directives that `go install` refuses.
    let folder = target.parent().context("the tool has a folder")?;
    fs::create_dir_all(folder)?;
    let stamp = format!("-s -w -X {module}/internal.Version={version}");
    let mut go = Command::new("go");
    go.current_dir(source).env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false");
    go.args(["build", "-trimpath", "-ldflags", &stamp, "-o"]).arg(target).arg("./cmd");
    output(&mut go).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(parse("v2.40.3-desktop.1"), Some((2, 40)));
        assert_eq!(parse("2.9.0").map(|version| version >= LEAST_COMPOSE), Some(false));
        assert_eq!(parse("5.1.0").map(|version| version >= LEAST_COMPOSE), Some(true));
        assert_eq!(parse("dev"), None);
    }
}
