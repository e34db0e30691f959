//! Where things are: the workspace's root, and the folder under `target/` in which the services live.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that the commands work in. All are absolute, because a server outlives our working directory.
pub(crate) struct Layout {
    root: PathBuf,
    services: PathBuf,
    cache: PathBuf,
}

impl Layout {
    /// Finds the workspace from what `cargo run` tells us, or from where this was compiled.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(compiled_in, PathBuf::from);
        let root = manifest.parent().context("the folder of xtask has no parent; run it as `cargo xtask`")?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self::new(root.to_path_buf(), target.join("services")))
    }

    pub(crate) fn new(root: PathBuf, services: PathBuf) -> Self {
        Self { root, cache: services.clone(), services }
    }

    /// The same, for servers that live in another folder; their programs are not fetched again.
    pub(crate) fn with_services(&self, services: PathBuf) -> Self {
        Self { root: self.root.clone(), services, cache: self.cache.clone() }
    }

    /// The workspace's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder beside that of the services.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.services.with_file_name(name)
    }

    /// The folder of one service, or of a file that all share.
    pub(crate) fn services(&self, name: &str) -> PathBuf {
        self.services.join(name)
    }

    /// Where the servers' programs are kept: `TRAWL_CACHE` lets several checkouts share one download.
    pub(crate) fn cache(&self, name: &str) -> PathBuf {
        match env::var_os("TRAWL_CACHE").filter(|dir| !dir.is_empty()) {
            Some(dir) => self.root.join(dir).join(name),
            None => self.cache.join(name),
        }
    }

    /// Waits for its turn: two `up` at once must not start two brokers. Let go when the file is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.services)
            .with_context(|| format!("cannot create {}", self.services.display()))?;
        let path = self.services("lock");
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        if file.try_lock().is_err() {
            eprintln!("services: another `cargo xtask services` is at work; waiting for it");
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }
}

fn compiled_in() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
