//! The programs to be measured, built in release mode by the cargo that built this one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The part of cargo's messages that says what was built.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Builds `package`, or finds that it is fresh, and gives its program `name`.
///
/// Asking cargo each time rather than taking whatever file lies there: a stale program would be measured in silence.
pub(super) fn build(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    eprintln!("building {name} (cargo build --release -p {package})");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate has no workspace")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--message-format", "json-render-diagnostics"])
        .args(["-p", package, "--bin", name])
        .current_dir(workspace)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo cannot build {package}: see above");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable)
        .next_back()
        .with_context(|| format!("cargo built no program {name} from {package}"))
}
