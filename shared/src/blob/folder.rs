//! Blobs as files of a folder.

use bytes::Bytes;
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// A folder. It is made when the first blob comes.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Whether files can be made.
    pub(super) async fn check(&self) -> io::Result<()> {
        let folder = self.0.clone();
        blocking(move || {
            fs::create_dir_all(&folder)?;
            let path = working_name(&folder.join("check"));
            File::create_new(&path)?;
            fs::remove_file(path)
        })
        .await
    }

    pub(super) async fn put(&self, key: &str, bytes: Bytes) -> io::Result<()> {
        let path = self.0.join(key);
        blocking(move || write(&path, |file| file.write_all(&bytes))).await
    }

    pub(super) async fn put_file(&self, key: &str, from: &Path) -> io::Result<()> {
        let (path, from) = (self.0.join(key), from.to_owned());
        blocking(move || write(&path, |file| io::copy(&mut File::open(&from)?, file).map(drop))).await
    }

    /// The bytes of a file, up to one more than `most`.
    pub(super) async fn get(&self, key: &str, most: u64) -> io::Result<Option<Bytes>> {
        let path = self.0.join(key);
        blocking(move || {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut bytes = Vec::new();
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(Some(bytes.into()))
        })
        .await
    }
}

/// Writes a file that has its name only when its bytes are on the disk.
fn write(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let working = working_name(path);
    let written = File::create_new(&working).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&working, path)
    });
    if written.is_err() {
        // The error says what is wrong; a leftover would only take room.
        let _ = fs::remove_file(&working);
    }
    written
}

/// A name that nobody else writes to.
fn working_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.partial", fastrand::u64(..)));
    name.into()
}

async fn blocking<T: Send + 'static>(call: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(call).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
