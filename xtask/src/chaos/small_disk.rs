//! A small disk for the data of a crawl: a file system in memory, which takes root to mount.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Enough for the data of a crawl of some minutes.
const SIZE: &str = "size=512m";
const CHUNK: usize = 1 << 20;

/// A disk that is mounted while this lives.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Why there can be none here.
    pub(crate) fn cannot() -> Option<String> {
        (!nix::unistd::geteuid().is_root()).then(|| "a small disk can only be mounted by root".to_owned())
    }

    /// Mounts one on a folder.
    pub(crate) fn mount(folder: &Path) -> Result<Self> {
        let mut command = Command::new("mount");
        let output = command.args(["-t", "tmpfs", "-o", SIZE, "chaos"]).arg(folder).output();
        let output = output.context("cannot run mount")?;
        if !output.status.success() {
            bail!("cannot mount a small disk: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(Self(folder.to_path_buf()))
    }

    /// Writes until no byte fits any more.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.ballast())?;
        for size in [CHUNK, 4096, 1] {
            let chunk = vec![0; size];
            loop {
                match file.write_all(&chunk) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("cannot fill the small disk"),
                }
            }
        }
        Ok(())
    }

    /// Takes away what filled it.
    pub(crate) fn make_room(&self) -> Result<()> {
        fs::remove_file(self.ballast()).context("cannot make room on the small disk")
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there must not keep the next run from beginning.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("chaos: {} is still mounted", self.0.display());
        }
    }
}
