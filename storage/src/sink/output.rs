//! Outputs that hold each row once, over failed transactions and killed processes.
//!
//! Rows are written before the transaction that stores them commits, and the output's new length is part
//! of that transaction. So whatever happens, the rows up to the recorded length are stored and all others
//! are not: cutting the file to that length makes both agree again. Standard output can't be cut; there a
//! page that may have been written is remembered instead, for as long as the process lives.

use super::{Finish, Format, Growing, Rotation, Target, blocking, target::is_device};
use crate::{
    page::Page,
    row::{Cell, ItemRow, RowError, RowSet, Rows},
    store::{OutputMark, PageStore, Question},
};
use futures_util::TryStreamExt as _;
use std::{
    collections::HashSet,
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use trawl_shared::{
    model::{JobId, TaskId},
    sql::SqlError,
};

/// Rows written at once where a file is written anew.
const ROWS_AT_ONCE: usize = 64;

/// An output as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// Where to.
    pub target: Target,
    /// In which format; not WARC, which [`crate::Archive`] writes.
    pub format: Format,
    /// Which rows.
    pub set: RowSet,
    /// When a file ends and the next begins; one file without it.
    pub rotation: Option<Rotation>,
    /// Only the pages of this job.
    pub job: Option<JobId>,
}

/// What to do with what an output holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// Begin anew; a file of that name stays until the new one is complete.
    Fresh,
    /// Go on behind the last row that is stored. A file that lacks such rows, or was never written, is
    /// written anew from the store.
    Resume,
}

/// An output can't be written.
#[derive(Debug, thiserror::Error)]
pub struct OutputError {
    /// Which.
    pub target: String,
    /// Rows that it holds.
    pub rows: u64,
    /// Why.
    pub source: io::Error,
}

impl std::fmt::Display for OutputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, rows, source } = self;
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                write!(
                    f,
                    "no space left on {target} after {rows} rows; free space and run again with --resume"
                )
            }
            io::ErrorKind::BrokenPipe => {
                write!(f, "the reader of {target} went away after {rows} rows; run again with --resume")
            }
            _ => write!(f, "{target} can't be written after {rows} rows: {source}; run again with --resume"),
        }
    }
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteFailure {
    /// An output can't be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] SqlError),
    /// One of the pages has no row.
    #[error("{error}")]
    Row {
        /// Which.
        task: TaskId,
        /// Why.
        error: RowError,
    },
}

/// The outputs of a process.
#[derive(Default)]
pub struct Outputs {
    outputs: Vec<Output>,
    /// Whether rows were written and it is not known that the transaction committed.
    unsettled: bool,
}

/// Outputs that a handler writes and whoever runs it completes.
#[derive(Clone, Default)]
pub struct SharedOutputs(pub(crate) Arc<tokio::sync::Mutex<Outputs>>);

impl From<Outputs> for SharedOutputs {
    fn from(outputs: Outputs) -> Self {
        Self(Arc::new(outputs.into()))
    }
}

impl SharedOutputs {
    /// Gives every file its name. Nothing may be written afterwards.
    ///
    /// # Errors
    /// When a file can't be completed, or the store can't be asked what belongs in it.
    pub async fn complete(&self, store: &dyn PageStore) -> Result<Vec<PathBuf>, WriteFailure> {
        let mut outputs = self.0.lock().await;
        outputs.settle(store).await?;
        let mut whole = Vec::new();
        for output in &mut outputs.outputs {
            whole.extend(output.complete().await?);
        }
        Ok(whole)
    }

    /// Removes what was kept of files that are in an object store now: all outputs are complete.
    pub(crate) async fn forget_sent(&self) -> Result<(), WriteFailure> {
        for output in &self.0.lock().await.outputs {
            if let Place::File(file) = &output.sink {
                file.forget_sent().map_err(|source| output.error(source))?;
            }
        }
        Ok(())
    }

    /// Ends the files that are large or old enough, and begins others.
    ///
    /// # Errors
    /// As [`SharedOutputs::complete`].
    pub async fn rotate(&self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        let mut outputs = self.0.lock().await;
        outputs.settle(store).await?;
        for output in &mut outputs.outputs {
            output.rotate(store).await?;
        }
        Ok(())
    }
}

impl Outputs {
    /// Opens outputs.
    ///
    /// # Errors
    /// When one can't be opened or written, or the store can't be asked.
    pub async fn open(
        store: &dyn PageStore,
        specs: Vec<OutputSpec>,
        mode: OutputMode,
    ) -> Result<Self, WriteFailure> {
        let mut outputs = Vec::with_capacity(specs.len());
        for spec in specs {
            outputs.push(Output::open(store, spec, mode).await?);
        }
        Ok(Self { outputs, unsettled: false })
    }

    /// Brings outputs and store to agree again after a transaction whose end is not known.
    pub(crate) async fn settle(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        if self.unsettled {
            for output in &mut self.outputs {
                output.settle(store).await?;
            }
            self.unsettled = false;
        }
        Ok(())
    }

    /// Writes the rows of pages that the running transaction stores; answers what it has to record.
    pub(crate) async fn write(&mut self, pages: &[&Page]) -> Result<Vec<(String, OutputMark)>, WriteFailure> {
        if self.outputs.is_empty() || pages.is_empty() {
            return Ok(Vec::new());
        }
        self.unsettled = true;
        let mut marks = Vec::with_capacity(self.outputs.len());
        for output in &mut self.outputs {
            marks.push((output.name.clone(), output.write(pages).await?));
        }
        Ok(marks)
    }

    /// The transaction has committed.
    pub(crate) fn committed(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.uncertain.clear());
        self.unsettled = false;
    }
}

struct Output {
    spec: OutputSpec,
    name: String,
    sink: Place,
    /// Pages in a sink that can't be cut whose transaction may have failed.
    uncertain: HashSet<TaskId>,
}

enum Place {
    File(Box<Growing>),
    /// Standard output, pipes, devices; and what was written to it.
    Stream(Arc<Mutex<dyn io::Write + Send>>, OutputMark),
}

impl Output {
    async fn open(store: &dyn PageStore, spec: OutputSpec, mode: OutputMode) -> Result<Self, WriteFailure> {
        let failed = |source| OutputError { target: spec.target.to_string(), rows: 0, source };
        let name = spec.target.mark_name();
        if let Target::File(path) = &spec.target
            && is_device(path)
        {
            let device = File::options().write(true).open(path).map_err(failed)?;
            let stream = Place::Stream(Arc::new(Mutex::new(device)), OutputMark::default());
            return Self::begun(store, spec, name, stream, OutputMode::Fresh).await;
        }
        let Some((names, upload)) = spec.target.place(spec.rotation).await.map_err(failed)? else {
            let stream = Place::Stream(Arc::new(Mutex::new(io::stdout())), OutputMark::default());
            return Self::begun(store, spec, name, stream, OutputMode::Fresh).await;
        };
        let finish = match spec.format.is_converted(spec.set.rows()) {
            true => Finish::Convert(spec.set.clone(), spec.format),
            false => Finish::Name,
        };
        if mode == OutputMode::Resume
            && let Some(mark) = store.output(&name).await?
        {
            let resumed = Growing::resumed(names.clone(), finish.clone(), upload.clone(), mark).await;
            if let Some(file) = resumed.map_err(failed)? {
                return Ok(Self { spec, name, sink: Place::File(file.into()), uncertain: HashSet::new() });
            }
        }
        let file = Growing::fresh(names, finish, upload).await.map_err(failed)?;
        Self::begun(store, spec, name, Place::File(file.into()), mode).await
    }

    /// An empty output with its head, and in a resumed crawl the rows that are stored already.
    async fn begun(
        store: &dyn PageStore,
        spec: OutputSpec,
        name: String,
        sink: Place,
        mode: OutputMode,
    ) -> Result<Self, WriteFailure> {
        let mut output = Self { spec, name, sink, uncertain: HashSet::new() };
        output.append(output.spec.format.head(&output.spec.set), 0).await?;
        if mode == OutputMode::Resume && output.spec.rotation.is_none() {
            output.write_stored(store).await?;
        }
        output.save(store).await?;
        Ok(output)
    }

    async fn write_stored(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        let question = Question { job: self.spec.job, ..Question::default() };
        if self.spec.set.rows() == Rows::Items {
            let mut items = store.items(&question, None).try_chunks(ROWS_AT_ONCE);
            while let Some(items) = items.try_next().await.map_err(|error| error.1)? {
                let mut text = Vec::new();
                for item in &items {
                    let row = ItemRow::new(item).map_err(|source| WriteFailure::Row {
                        task: item.task,
                        error: RowError { url: item.url.clone(), source },
                    })?;
                    self.item_line(&row, &mut text);
                }
                self.append(text, items.len() as u64).await?;
            }
            return Ok(());
        }
        let mut pages = store.pages(&question).try_chunks(ROWS_AT_ONCE);
        while let Some(pages) = pages.try_next().await.map_err(|error| error.1)? {
            self.write(&pages.iter().collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    async fn save(&self, store: &dyn PageStore) -> Result<(), SqlError> {
        let mut transaction = store.begin().await?;
        transaction.save_output(&self.name, self.mark()).await?;
        transaction.commit().await
    }

    async fn write(&mut self, pages: &[&Page]) -> Result<OutputMark, WriteFailure> {
        let mut text = Vec::with_capacity(pages.len() * 4096);
        let mut rows = 0;
        for page in pages {
            if self.spec.job.is_some_and(|job| job != page.job) || self.uncertain.contains(&page.task) {
                continue;
            }
            rows +=
                self.lines(page, &mut text).map_err(|error| WriteFailure::Row { task: page.task, error })?;
        }
        if matches!(self.sink, Place::Stream(..)) {
            self.uncertain.extend(pages.iter().map(|page| page.task));
        }
        self.append(text, rows).await?;
        Ok(self.mark())
    }

    /// Appends the rows of a page and answers how many.
    fn lines(&self, page: &Page, text: &mut Vec<u8>) -> Result<u64, RowError> {
        let (format, set) = (self.spec.format, &self.spec.set);
        let mut rows = 0;
        if set.rows() == Rows::Items {
            set.visit_items(page, |row| {
                self.item_line(&row, text);
                rows += 1;
            })?;
        } else {
            set.visit(page, |cells: &[Cell<'_>]| {
                format.line(set, cells, text);
                rows += 1;
            })?;
        }
        Ok(rows)
    }

    /// A file that is converted gets all of an item, one that is not the columns that were asked for.
    fn item_line(&self, row: &ItemRow, text: &mut Vec<u8>) {
        let set = &self.spec.set;
        if self.spec.format.is_converted(Rows::Items) {
            row.line(&[], text);
        } else {
            row.line(set.columns(), text);
        }
    }

    async fn append(&mut self, text: Vec<u8>, rows: u64) -> Result<(), WriteFailure> {
        let written = match &mut self.sink {
            Place::File(file) => file.append(text, rows).await,
            Place::Stream(stream, mark) if !text.is_empty() => {
                let (stream, bytes) = (Arc::clone(stream), text.len() as u64);
                let written = blocking(move || {
                    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                    stream.write_all(&text)?;
                    stream.flush()
                });
                written.await.map(|()| {
                    mark.bytes += bytes;
                    mark.rows += rows;
                })
            }
            Place::Stream(..) => Ok(()),
        };
        written.map_err(|source| self.error(source).into())
    }

    /// After a failure: what does the store say?
    async fn settle(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        let mark = store.output(&self.name).await?.unwrap_or_default();
        match &mut self.sink {
            Place::File(file) => {
                file.mark = mark;
                let cut = file.cut().await;
                cut.map_err(|source| self.error(source))?;
            }
            Place::Stream(_, written) if mark == *written => self.uncertain.clear(),
            Place::Stream(..) => {}
        }
        Ok(())
    }

    async fn complete(&mut self) -> Result<Option<PathBuf>, WriteFailure> {
        let Place::File(file) = &mut self.sink else { return Ok(None) };
        let completed = file.complete().await;
        completed.map(Some).map_err(|source| self.error(source).into())
    }

    async fn rotate(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        let Place::File(file) = &mut self.sink else { return Ok(()) };
        if !file.is_due() {
            return Ok(());
        }
        let rotated = file.rotate().await;
        rotated.map_err(|source| self.error(source))?;
        self.append(self.spec.format.head(&self.spec.set), 0).await?;
        Ok(self.save(store).await?)
    }

    fn mark(&self) -> OutputMark {
        match &self.sink {
            Place::File(file) => file.mark,
            Place::Stream(_, mark) => *mark,
        }
    }

    fn error(&self, source: io::Error) -> OutputError {
        OutputError { target: self.spec.target.to_string(), rows: self.mark().rows, source }
    }
}
