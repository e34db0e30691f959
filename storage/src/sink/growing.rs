//! A file that grows: under a working name, up to a mark that the store knows, in segments where it
//! would become too large or too old.

use super::{finish::Finish, upload::Upload};
use crate::store::OutputMark;
use jiff::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// When a file ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// It is as large as this, in bytes.
    pub bytes: u64,
    /// It was begun as long ago as this.
    pub age: Duration,
}

/// The names of an output's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The file; with rotation a number is put before what tells its format.
    pub path: PathBuf,
    /// When to begin another.
    pub rotation: Option<Rotation>,
}

impl Names {
    /// The name of a complete file.
    #[must_use]
    pub fn whole(&self, segment: u64) -> PathBuf {
        if self.rotation.is_none() {
            return self.path.clone();
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let known = super::Format::NAMES.iter().map(|(end, _)| end).find(|end| name.ends_with(**end));
        let (stem, end) = name.split_at(name.len() - known.map_or(0, |end| end.len()));
        self.path.with_file_name(format!("{stem}-{segment:05}{end}"))
    }

    /// The name under which it grows.
    #[must_use]
    pub fn growing(&self, segment: u64) -> PathBuf {
        with_suffix(&self.whole(segment), ".growing")
    }

    /// The name of a file that is where it belongs, and may yet have to grow on.
    pub(super) fn sent(&self, segment: u64) -> PathBuf {
        with_suffix(&self.whole(segment), ".sent")
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// See the module.
pub(crate) struct Growing {
    names: Names,
    finish: Finish,
    /// Where whole files go, if not only here.
    upload: Option<Upload>,
    file: Arc<Mutex<File>>,
    /// What the file holds; ahead of the store while a transaction runs.
    pub(crate) mark: OutputMark,
}

impl Growing {
    /// Begins anew: nothing is left of an earlier run's working file.
    pub(crate) async fn fresh(names: Names, finish: Finish, upload: Option<Upload>) -> io::Result<Self> {
        let mark = OutputMark::begun(Timestamp::now());
        Self::open(names, finish, upload, mark).await
    }

    /// Goes on where the store's mark is; none where the file does not reach that far.
    pub(crate) async fn resumed(
        names: Names,
        finish: Finish,
        upload: Option<Upload>,
        mark: OutputMark,
    ) -> io::Result<Option<Self>> {
        let (growing, whole) = (names.growing(mark.segment), names.whole(mark.segment));
        let reaches = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.len() >= mark.bytes);
        let was_completed =
            names.rotation.is_some() && !growing.exists() && (mark.bytes > 0 || whole.exists());
        if let Some(upload) = upload.as_ref().filter(|_| names.rotation.is_some()) {
            upload.send_left(&names, mark.segment).await?;
        }
        if was_completed {
            // It was completed just before the process ended, or somebody took it away.
            let mark = OutputMark { segment: mark.segment + 1, ..OutputMark::begun(Timestamp::now()) };
            return Self::open(names, finish, upload, mark).await.map(Some);
        }
        if !growing.exists() && finish.keeps_bytes() && mark.bytes > 0 {
            let sent = upload.is_some().then(|| names.sent(mark.segment));
            if let Some(complete) = [Some(whole), sent].into_iter().flatten().find(|path| reaches(path)) {
                fs::rename(&complete, &growing)?;
            }
        }
        if !reaches(&growing) {
            return Ok(None);
        }
        Self::open(names, finish, upload, mark).await.map(Some)
    }

    async fn open(
        names: Names,
        finish: Finish,
        upload: Option<Upload>,
        mark: OutputMark,
    ) -> io::Result<Self> {
        let path = names.growing(mark.segment);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().write(true).create(true).truncate(false).open(path)?;
        let growing = Self { names, finish, upload, file: Arc::new(Mutex::new(file)), mark };
        growing.cut().await?;
        Ok(growing)
    }

    /// Hands bytes to the system; they outlive the process from here on.
    pub(crate) async fn append(&mut self, bytes: Vec<u8>, rows: u64) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (file, length) = (Arc::clone(&self.file), bytes.len() as u64);
        if let Err(error) = blocking(move || lock(&file).write_all(&bytes)).await {
            // Whole rows only, if it can be had: the next start cuts the file in any case.
            let _ = self.cut().await;
            return Err(error);
        }
        self.mark.bytes += length;
        self.mark.rows += rows;
        Ok(())
    }

    /// Cuts the file to the mark and goes on there.
    pub(crate) async fn cut(&self) -> io::Result<()> {
        let (file, length) = (Arc::clone(&self.file), self.mark.bytes);
        blocking(move || {
            let mut file = lock(&file);
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length)).map(drop)
        })
        .await
    }

    /// Whether the file should end here.
    pub(crate) fn is_due(&self) -> bool {
        let Some(rotation) = self.names.rotation else { return false };
        let age = Timestamp::now().as_millisecond() - self.mark.began_at;
        self.mark.rows > 0 && (self.mark.bytes >= rotation.bytes || age >= millis(rotation.age))
    }

    /// Completes the file: it gets its name, and goes where it belongs. All of it must be committed.
    pub(crate) async fn complete(&mut self) -> io::Result<PathBuf> {
        let whole = self.names.whole(self.mark.segment);
        let growing = self.names.growing(self.mark.segment);
        let (file, finish, name) = (Arc::clone(&self.file), self.finish.clone(), whole.clone());
        blocking(move || {
            lock(&file).sync_all()?;
            finish.run(&growing, &name)
        })
        .await?;
        if let Some(upload) = &self.upload {
            upload.send(&self.names, self.mark.segment).await?;
        }
        Ok(whole)
    }

    /// Removes what was kept of a file that is where it belongs. No crawl may go on with it any more.
    pub(crate) fn forget_sent(&self) -> io::Result<()> {
        match fs::remove_file(self.names.sent(self.mark.segment)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Completes the file and begins the next.
    pub(crate) async fn rotate(&mut self) -> io::Result<PathBuf> {
        let whole = self.complete().await?;
        let mark = OutputMark { segment: self.mark.segment + 1, ..OutputMark::begun(Timestamp::now()) };
        *self = Self::open(self.names.clone(), self.finish.clone(), self.upload.clone(), mark).await?;
        Ok(whole)
    }

    /// The name that the growing file will have.
    pub(crate) fn whole(&self) -> PathBuf {
        self.names.whole(self.mark.segment)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Blocking calls happen in a thread of their own.
pub(crate) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(call).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

fn lock(file: &Mutex<File>) -> std::sync::MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_numbered_before_what_tells_their_format() {
        let rotation = Some(Rotation { bytes: 1, age: Duration::from_secs(1) });
        let names = |path: &str, rotation| Names { path: path.into(), rotation };
        assert_eq!(names("a/x.warc.gz", rotation).whole(7), Path::new("a/x-00007.warc.gz"));
        assert_eq!(names("x.jsonl", rotation).growing(123_456), Path::new("x-123456.jsonl.growing"));
        assert_eq!(names("x.jsonl", None).growing(0), Path::new("x.jsonl.growing"));
        assert_eq!(names("x", rotation).whole(1), Path::new("x-00001"));
    }
}
