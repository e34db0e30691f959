//! Pages in archives: which files a job's are in, and what they hold.

use crate::{
    sink::{Names, Rotation},
    store::{ArchiveFiles, PageStore, Question},
    warc::{ReadError, Reader, Record},
};
use anyhow::anyhow;
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use trawl_shared::cli::{CliError, Exit};

/// Archived records that are asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The files, in the order they were written.
    pub files: Vec<PathBuf>,
    question: Question,
}

/// Why archived records could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the files can't be opened.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// One of them can't be read to its end.
    #[error("{0}: {1}")]
    Record(PathBuf, ReadError),
    /// What was read can't be written.
    #[error("the records can't be written: {0}")]
    Write(io::Error),
}

impl Selection {
    /// The files that the store knows of.
    ///
    /// # Errors
    /// When the store can't be asked, or knows of none that is here.
    pub async fn new(store: &dyn PageStore, question: &Question) -> Result<Self, CliError> {
        let known = store.archives(question.job).await?;
        let files: Vec<PathBuf> = known.iter().flat_map(present).collect();
        if files.is_empty() {
            let why = if known.is_empty() {
                "no page was archived: crawl with --out FILE.warc.gz, or set [storage.archive]".to_owned()
            } else {
                let paths: Vec<_> = known.iter().map(|archive| archive.path.display().to_string()).collect();
                format!("the archives are not on this machine: {}", paths.join(", "))
            };
            return Err(CliError::new(Exit::NotFound, anyhow!(why)));
        }
        Ok(Self { files, question: question.clone() })
    }

    /// Whether a record is asked for. Those that are about the file come along.
    fn has(&self, record: &Record, task: &str) -> bool {
        let Some(uri) = record.target_uri() else { return true };
        let Question { job, host, since } = &self.question;
        let of_host = |uri: &str| uri.split('/').nth(2).map(str::to_owned);
        let fetched_at = record.date().and_then(|date| date.parse::<jiff::Timestamp>().ok());
        host.as_ref().is_none_or(|host| of_host(&uri).as_ref() == Some(host))
            && since.is_none_or(|since| fetched_at.is_some_and(|at| at.as_millisecond() >= since))
            && job.is_none_or(|job| task.is_empty() || task == job.to_string())
    }
}

/// The files of an archive that exist, also the one that grows.
fn present(archive: &ArchiveFiles) -> Vec<PathBuf> {
    let rotation = archive.rotates.then_some(Rotation { bytes: u64::MAX, age: Duration::MAX });
    let names = Names { path: archive.path.clone(), rotation };
    let both = |segment| [names.whole(segment), names.growing(segment)];
    (0..=archive.last).flat_map(both).filter(|path| path.exists()).collect()
}

/// Copies the records that are asked for, byte for byte, and answers how many. `progress` hears their number.
///
/// # Errors
/// When a file can't be read, or `out` written.
pub fn copy(
    selection: &Selection,
    out: &mut (dyn Write + Send),
    progress: &mut impl FnMut(u64),
) -> Result<u64, CopyError> {
    let mut records = 0;
    for path in &selection.files {
        let open = || File::open(path).map_err(|error| CopyError::File(path.clone(), error));
        let mut bytes = open()?;
        let mut exchange: Vec<(u64, u64)> = Vec::new();
        let mut wanted = false;
        let mut flush = |exchange: &mut Vec<(u64, u64)>, wanted: bool, out: &mut (dyn Write + Send)| {
            for (offset, length) in exchange.drain(..).filter(|_| wanted) {
                copy_range(&mut bytes, offset, length, out).map_err(CopyError::Write)?;
                records += 1;
                progress(records);
            }
            Ok::<_, CopyError>(())
        };
        for record in readable(open()?, path)? {
            let record = record?;
            // A response begins an exchange; its metadata, which comes last, names the job.
            if matches!(record.kind(), "response" | "revisit" | "warcinfo" | "resource") {
                flush(&mut exchange, wanted, out)?;
                wanted = false;
            }
            let job = job_of(&record);
            exchange.push((record.offset, record.length));
            wanted = match record.kind() {
                "request" => wanted,
                "metadata" => wanted && selection.has(&record, &job),
                _ => selection.has(&record, &job),
            };
        }
        flush(&mut exchange, wanted, out)?;
    }
    out.flush().map_err(CopyError::Write)?;
    Ok(records)
}

/// The records of a file; one that still grows may end within a record that is not committed.
pub(crate) fn readable(
    file: File,
    path: &Path,
) -> Result<impl Iterator<Item = Result<Record, CopyError>>, CopyError> {
    let grows = path.extension().is_some_and(|extension| extension == "growing");
    let reader = Reader::new(file).map_err(|error| CopyError::File(path.to_owned(), error))?;
    let path = path.to_owned();
    Ok(reader.map_while(move |record| match record {
        Ok(record) => Some(Ok(record)),
        Err(_) if grows => None,
        Err(error) => Some(Err(CopyError::Record(path.clone(), error))),
    }))
}

/// The job that a metadata record of ours names; empty where there is none.
fn job_of(record: &Record) -> String {
    let text = if record.kind() == "metadata" { String::from_utf8_lossy(&record.block) } else { "".into() };
    let job = text.lines().find_map(|line| line.strip_prefix("trawl-job: "));
    job.unwrap_or_default().trim().to_owned()
}

fn copy_range(file: &mut File, offset: u64, length: u64, out: &mut (dyn Write + Send)) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    io::copy(&mut file.take(length), out).map(drop)
}
