//! One crawl at a time in a data folder.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};
use trawl_shared::cli::{CliError, Exit, OrExit};

/// Makes the folder and locks it for this process; a kill frees it.
pub(crate) fn lock(folder: &Path) -> Result<File, CliError> {
    let shown = folder.display();
    fs::create_dir_all(folder)
        .map_err(|error| {
            anyhow::anyhow!("can't make the data folder {shown}: {error}; name another with --data")
        })
        .or_exit(Exit::Database)?;
    let file = File::create(folder.join("lock"))
        .map_err(|error| anyhow::anyhow!("can't write to the data folder {shown}: {error}"))
        .or_exit(Exit::Database)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CliError::new(
            Exit::Database,
            anyhow::anyhow!("another crawl runs in {shown}: wait for it, or name another folder with --data"),
        )),
        Err(TryLockError::Error(error)) => {
            Err(CliError::new(Exit::Database, anyhow::anyhow!("can't lock {shown}: {error}")))
        }
    }
}
