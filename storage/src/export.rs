//! What is stored, written out: rows of pages, links or items, and archived records.

use crate::{
    row::{Cell, ItemRow, RowError, RowSet, Rows},
    sink::{Format, convert},
    store::{PageStore, Question},
};
use futures_util::TryStreamExt as _;
use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use trawl_shared::sql::SqlError;

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

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Export {
    /// Which rows, under which columns.
    pub set: RowSet,
    /// In which format; not WARC, which holds no rows.
    pub format: Format,
    /// Of which pages.
    pub question: Question,
    /// Items that these rules made; without, those that each job used last.
    pub rules: Option<String>,
}

/// Writes rows in the order they were stored in, and answers how many. `progress` hears the number of rows
/// so far. Memory stays flat: one row at a time, and of Parquet a row group.
///
/// # Errors
/// When the store fails or `out` does.
pub async fn export(
    store: &dyn PageStore,
    export: &Export,
    target: &str,
    out: &mut (dyn Write + Send),
    mut progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    if export.question.is_narrow()
        && let Err(error) = store.index().await
    {
        // It is answered without, only later.
        tracing::warn!("no index could be made: {error}");
    }
    match export.set.rows() {
        Rows::Items => items(store, export, target, out, &mut progress).await,
        Rows::Pages | Rows::Links => pages(store, export, target, out, &mut progress).await,
    }
}

async fn pages(
    store: &dyn PageStore,
    export: &Export,
    target: &str,
    out: &mut (dyn Write + Send),
    progress: &mut impl FnMut(u64),
) -> Result<u64, ExportError> {
    let mut rows = 0;
    let failed = |rows, source| ExportError::Output { target: target.to_owned(), rows, source };
    let sink = export.format.sink(export.set.columns(), out).map_err(|source| failed(0, source))?;
    let Some(mut sink) = sink else { return Ok(0) };
    let mut pages = store.pages(&export.question);
    while let Some(page) = pages.try_next().await? {
        let mut written = Ok(());
        export.set.visit(&page, |cells: &[Cell<'_>]| {
            if written.is_ok() {
                written = sink.write(cells);
                rows += 1;
            }
        })?;
        written.map_err(|source| failed(rows - 1, source))?;
        progress(rows);
    }
    sink.finish().map_err(|source| failed(rows, source))?;
    Ok(rows)
}

/// Items have the columns that all of them need: where a format wants those first, the items wait in a
/// temporary file.
async fn items(
    store: &dyn PageStore,
    export: &Export,
    target: &str,
    out: &mut (dyn Write + Send),
    progress: &mut impl FnMut(u64),
) -> Result<u64, ExportError> {
    let failed = |rows, source| ExportError::Output { target: target.to_owned(), rows, source };
    let is_converted = export.format.is_converted(Rows::Items);
    let mut waiting = match is_converted {
        true => Some(tempfile::NamedTempFile::new().map_err(|source| failed(0, source))?),
        false => None,
    };
    let mut rows = 0;
    {
        let mut lines: BufWriter<&mut (dyn Write + Send)> = match &mut waiting {
            Some(file) => BufWriter::new(file.as_file_mut()),
            None => BufWriter::new(&mut *out),
        };
        let mut items = store.items(&export.question, export.rules.as_deref());
        let mut text = Vec::new();
        while let Some(item) = items.try_next().await? {
            let row = ItemRow::new(&item).map_err(|source| RowError { url: item.url.clone(), source })?;
            text.clear();
            row.line(if is_converted { &[] } else { export.set.columns() }, &mut text);
            lines.write_all(&text).map_err(|source| failed(rows, source))?;
            rows += 1;
            progress(rows);
        }
        lines.flush().map_err(|source| failed(rows, source))?;
    }
    if let Some(waiting) = waiting {
        convert(waiting.path(), &export.set, export.format, out).map_err(|source| failed(rows, source))?;
    }
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
        let file = Some(BufWriter::with_capacity(256 * 1024, File::create(&partial)?));
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
