//! Outputs that hold each row once, over failed transactions and killed processes.
//!
//! Rows are written before the transaction that stores them commits, and the output's new length is part
//! of that transaction. So whatever happens, the rows up to the recorded length are stored and all others
//! are not: cutting the file to that length makes both agree again. Standard output can't be cut; there a
//! page that may have been written is remembered instead, for as long as the process lives.

use super::{Format, RowError, Target, target::is_device};
use crate::{
    page::Page,
    store::{OutputMark, PageStore},
};
use futures_util::TryStreamExt as _;
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
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
    /// In which format.
    pub format: Format,
    /// Only the pages of this job.
    pub job: Option<JobId>,
}

/// What to do with what an output holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// Begin anew: a file is emptied.
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
    sink: Sink,
    /// What the output holds; behind the store's record while a transaction runs.
    mark: OutputMark,
    /// Pages in a sink that can't be cut whose transaction may have failed.
    uncertain: HashSet<TaskId>,
}

/// Blocking calls happen in a thread of their own, one at a time.
#[derive(Clone)]
enum Sink {
    File(Arc<Mutex<File>>),
    /// Standard output, pipes, devices.
    Stream(Arc<Mutex<dyn io::Write + Send>>),
}

impl Output {
    async fn open(store: &dyn PageStore, spec: OutputSpec, mode: OutputMode) -> Result<Self, WriteFailure> {
        let failed = |source| OutputError { target: spec.target.to_string(), rows: 0, source };
        let sink = match &spec.target {
            Target::Stdout => Sink::Stream(Arc::new(Mutex::new(io::stdout()))),
            Target::File(path) if is_device(path) => {
                let device = File::options().write(true).open(path).map_err(failed)?;
                Sink::Stream(Arc::new(Mutex::new(device)))
            }
            Target::File(path) => {
                let file =
                    File::options().write(true).create(true).truncate(false).open(path).map_err(failed)?;
                Sink::File(Arc::new(Mutex::new(file)))
            }
        };
        let name = spec.target.mark_name();
        let mut output = Self { spec, name, sink, mark: OutputMark::default(), uncertain: HashSet::new() };
        if mode == OutputMode::Resume
            && let Some(mark) = output.mark_to_resume(store).await?
        {
            output.mark = mark;
            output.cut().await?;
            return Ok(output);
        }
        output.begin(store, mode).await?;
        Ok(output)
    }

    /// How far the store knows the file, where the file reaches that far.
    async fn mark_to_resume(&self, store: &dyn PageStore) -> Result<Option<OutputMark>, WriteFailure> {
        let Sink::File(file) = &self.sink else { return Ok(None) };
        let Some(mark) = store.output(&self.name).await? else { return Ok(None) };
        let length = lock(file).metadata().map_err(|source| self.error(source))?.len();
        Ok((length >= mark.bytes).then_some(mark))
    }

    /// Empties the output and writes its head, and in a resumed crawl the rows that are stored already.
    async fn begin(&mut self, store: &dyn PageStore, mode: OutputMode) -> Result<(), WriteFailure> {
        self.cut().await?;
        self.append(self.spec.format.head().as_bytes().to_vec(), 0).await?;
        if mode == OutputMode::Resume && matches!(self.sink, Sink::File(_)) {
            let mut pages = store.pages(self.spec.job).try_chunks(ROWS_AT_ONCE);
            while let Some(pages) = pages.try_next().await.map_err(|error| error.1)? {
                self.write(&pages.iter().collect::<Vec<_>>()).await?;
            }
        }
        let mut transaction = store.begin().await?;
        transaction.save_output(&self.name, self.mark).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn write(&mut self, pages: &[&Page]) -> Result<OutputMark, WriteFailure> {
        let mut text = Vec::with_capacity(pages.len() * 4096);
        let mut rows = 0;
        for page in pages {
            if self.spec.job.is_some_and(|job| job != page.job) || self.uncertain.contains(&page.task) {
                continue;
            }
            let written = self.spec.format.write_row(page, &mut text);
            written.map_err(|error| WriteFailure::Row { task: page.task, error })?;
            rows += 1;
        }
        if matches!(self.sink, Sink::Stream(_)) {
            self.uncertain.extend(pages.iter().map(|page| page.task));
        }
        self.append(text, rows).await?;
        Ok(self.mark)
    }

    /// Hands bytes to the system; they outlive the process from here on.
    async fn append(&mut self, text: Vec<u8>, rows: u64) -> Result<(), WriteFailure> {
        if text.is_empty() {
            return Ok(());
        }
        let sink = self.sink.clone();
        let bytes = text.len() as u64;
        let written = blocking(move || match sink {
            Sink::File(file) => lock(&file).write_all(&text),
            Sink::Stream(stream) => {
                let mut stream = lock(&stream);
                stream.write_all(&text)?;
                stream.flush()
            }
        });
        if let Err(source) = written.await {
            let error = self.error(source);
            // Whole rows only, if it can be had: the next start cuts the file in any case.
            let _ = self.cut().await;
            return Err(error.into());
        }
        self.mark = OutputMark { bytes: self.mark.bytes + bytes, rows: self.mark.rows + rows };
        Ok(())
    }

    /// After a failure: what does the store say?
    async fn settle(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        let mark = store.output(&self.name).await?.unwrap_or_default();
        match self.sink {
            Sink::File(_) => {
                self.mark = mark;
                self.cut().await?;
            }
            Sink::Stream(_) if mark == self.mark => self.uncertain.clear(),
            Sink::Stream(_) => {}
        }
        Ok(())
    }

    /// Cuts a file to the mark and goes on there.
    async fn cut(&self) -> Result<(), OutputError> {
        let Sink::File(file) = &self.sink else { return Ok(()) };
        let (file, length) = (Arc::clone(file), self.mark.bytes);
        let cut = blocking(move || {
            let mut file = lock(&file);
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length)).map(drop)
        });
        cut.await.map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> OutputError {
        OutputError { target: self.spec.target.to_string(), rows: self.mark.rows, source }
    }
}

async fn blocking(call: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(call).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
