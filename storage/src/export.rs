//! Stored pages as a file or a stream of rows.

use crate::{
    sink::{Format, RowError},
    store::PageStore,
};
use futures_util::TryStreamExt as _;
use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use trawl_shared::{model::JobId, sql::SqlError};

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] SqlError),
    /// The rows can't be written.
    #[error("{target} can't be written after {rows} rows: {source}")]
    Output {
        /// Where to.
        target: String,
        /// Rows written.
        rows: u64,
        /// Why.
        source: io::Error,
    },
    /// A page has no row.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// Writes the pages of one job or all, in the order they were stored in, and answers how many. `progress`
/// hears the number of rows so far. Memory stays flat: one row at a time.
///
/// # Errors
/// When the store fails or `out` does.
pub async fn export(
    store: &dyn PageStore,
    job: Option<JobId>,
    format: Format,
    target: &str,
    out: &mut (dyn Write + Send),
    mut progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let failed = |rows, source| ExportError::Output { target: target.to_owned(), rows, source };
    let mut text = Vec::from(format.head());
    let mut rows = 0;
    let mut pages = store.pages(job);
    while let Some(page) = pages.try_next().await? {
        format.write_row(&page, &mut text)?;
        out.write_all(&text).map_err(|source| failed(rows, source))?;
        text.clear();
        rows += 1;
        progress(rows);
    }
    // The head, where there was no row to carry it.
    out.write_all(&text).and_then(|()| out.flush()).map_err(|source| failed(rows, source))?;
    Ok(rows)
}

/// A file that has its name only once it is complete; until then its name ends in `.partial`. Dropped
/// before that, it is gone.
#[derive(Debug)]
pub struct WholeFile {
    file: Option<BufWriter<File>>,
    partial: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    /// Opens it.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut partial = OsString::from(path);
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = Some(BufWriter::new(File::create(&partial)?));
        Ok(Self { file, partial, path: path.to_owned() })
    }

    /// Gives the file its name, once its bytes are on the disk.
    ///
    /// # Errors
    /// When they are not.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        }
        std::fs::rename(&self.partial, &self.path)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // After `finish` there is nothing of that name; a leftover would do no harm but take room.
        let _ = std::fs::remove_file(&self.partial);
    }
}
