//! Who runs PostgreSQL. It refuses to be root, so root hands it and its data folder to the account of its package.

use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::services::Service;

const ACCOUNT: &str = "postgres";

/// The account that the server runs under.
pub(super) enum Owner {
    /// Whoever called us.
    Caller,
    /// The package's own account, because we are root.
    Account { uid: u32, gid: u32 },
}

impl Owner {
    pub(super) fn find() -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self::Caller);
        }
        let (uid, gid) = (id("-u")?, id("-g")?);
        Ok(Self::Account { uid, gid })
    }

    /// Makes a command run as this account.
    pub(super) fn run<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Self::Account { uid, gid } = self {
            command.uid(*uid).gid(*gid).env("HOME", "/");
        }
        command
    }

    /// Creates the data folder: where wished, or in the system's folder for temporary files if this account cannot
    /// reach the wished one (a checkout under root's home, say).
    pub(super) fn folder(&self, wished: &Path) -> Result<PathBuf> {
        self.create(wished)?;
        if self.reaches(wished) {
            return Ok(wished.to_path_buf());
        }
        fs::remove_dir_all(wished)?;
        // A name that nobody can guess, and a folder that must be new: others write there as well.
        let other =
            std::env::temp_dir().join(format!("trawl-postgres-{:016x}", RandomState::new().hash_one(wished)));
        fs::create_dir(&other).with_context(|| format!("cannot create {}", other.display()))?;
        Service::Postgres.say(format_args!(
            "{self} cannot reach {}; the data goes to {} instead",
            wished.display(),
            other.display()
        ));
        self.create(&other)?;
        if !self.reaches(&other) {
            bail!("{self} cannot reach {} either", other.display());
        }
        Ok(other)
    }

    fn create(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        if let Self::Account { uid, gid } = self {
            chown(folder, Some(*uid), Some(*gid))
                .with_context(|| format!("cannot hand {} to {self}", folder.display()))?;
        }
        Ok(())
    }

    fn reaches(&self, folder: &Path) -> bool {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cd \"$0\" && test -w ."]).arg(folder).current_dir("/");
        command.stdin(Stdio::null()).stderr(Stdio::null());
        self.run(&mut command).status().is_ok_and(|status| status.success())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("you"),
            Self::Account { .. } => write!(f, "the account {ACCOUNT}"),
        }
    }
}

fn id(which: &str) -> Result<u32> {
    let output = Command::new("id").args([which, ACCOUNT]).output().context("cannot run id")?;
    let Ok(number) = String::from_utf8_lossy(&output.stdout).trim().parse() else {
        bail!(
            "PostgreSQL refuses to run as root, and there is no account {ACCOUNT}; create it, or do not be root"
        );
    };
    Ok(number)
}
