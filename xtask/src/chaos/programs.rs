//! The programs under test, built by the cargo that built this one.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::layout::Layout;

/// Where each program of the workspace is.
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Builds them, or finds that they are fresh. Asking cargo rather than taking whatever file lies there: a stale
    /// program would pass in silence.
    pub(crate) fn build(layout: &Layout, release: bool) -> Result<Self> {
        let profile = if release { " --release" } else { "" };
        eprintln!("chaos: building the programs (cargo build --workspace --bins{profile})");
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--quiet", "--workspace", "--exclude", "xtask", "--bins"]);
        if release {
            command.arg("--release");
        }
        command.args(["--message-format", "json-render-diagnostics"]).current_dir(layout.root());
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
                command.env_remove(name);
            }
        }
        let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
        if !output.status.success() {
            bail!("the programs do not build: see above");
        }
        let programs = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| {
                let message: serde_json::Value = serde_json::from_str(line).ok()?;
                let path = PathBuf::from(message["executable"].as_str()?);
                Some((path.file_name()?.to_str()?.to_owned(), path))
            })
            .collect();
        Ok(Self(programs))
    }

    /// A command of the program with that name.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        let path = self.0.get(name).with_context(|| format!("cargo built no program {name}"))?;
        Ok(Command::new(path))
    }
}
