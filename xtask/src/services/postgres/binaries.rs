//! Finding PostgreSQL's server programs (distributions keep them off the path), or installing them.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};

use crate::services::{Service, apt};

/// A folder with `postgres` and `initdb`.
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) version: String,
}

/// Finds the newest server; as root on Debian or Ubuntu, installs one.
pub(super) fn find_or_install() -> Result<Binaries> {
    find().or_else(|missing| {
        apt::may_install().map_err(|why| anyhow!("{missing}; not installing it: {why}"))?;
        apt::install(Service::Postgres, &["postgresql"])?;
        find()
    })
}

fn find() -> Result<Binaries> {
    places().into_iter().filter_map(ask).next().context(
        "PostgreSQL's server programs (postgres, initdb) are not here; \
         install the package postgresql, or put their folder on the path",
    )
}

/// Where they may be: on the path, then where Debian, Red Hat and Homebrew keep them, newest first.
fn places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> =
        env::var_os("PATH").iter().flat_map(env::split_paths).filter(|dir| dir.is_absolute()).collect();
    for parent in ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"] {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?;
                let digits = name.trim_start_matches("pgsql-").trim_start_matches("postgresql@");
                Some((digits.parse().ok()?, path.join("bin")))
            })
            .collect();
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        places.extend(versions.into_iter().map(|(_, path)| path));
    }
    places
}

fn ask(folder: PathBuf) -> Option<Binaries> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
    let version = String::from_utf8_lossy(&output.stdout).split_whitespace().nth(2)?.to_owned();
    Some(Binaries { folder, version })
}
