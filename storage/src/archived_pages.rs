//! Archives read as pages: what was fetched, with the task that fetched it where the archive tells.

use crate::{
    archived::{CopyError, readable},
    warc::{Reader, Record},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    fs::File,
    io::{Seek as _, SeekFrom},
    path::PathBuf,
};
use trawl_shared::model::{JobId, TaskId};

/// A page in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedPage {
    /// Its URL.
    pub url: String,
    /// When it was fetched, as the record says.
    pub date: String,
    /// HTTP status.
    pub status: u16,
    /// Response headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body with its codings undone.
    pub body: Bytes,
    /// The job, where a crawl of ours archived it.
    pub job: Option<JobId>,
    /// The task, likewise.
    pub task: Option<TaskId>,
}

/// Shows the pages of files to `visit`, in the order they were archived. A page that refers to an earlier
/// one's payload has it, where that is in the same files. Memory holds one page, and the place of each.
///
/// # Errors
/// When a file can't be read, or with what `visit` answers.
pub fn visit_pages<E: From<CopyError>>(
    files: &[PathBuf],
    mut visit: impl FnMut(ArchivedPage) -> Result<(), E>,
) -> Result<(), E> {
    let mut places: HashMap<String, (usize, u64)> = HashMap::new();
    for (number, path) in files.iter().enumerate() {
        let file = File::open(path).map_err(|error| CopyError::File(path.clone(), error))?;
        let mut waiting: Option<ArchivedPage> = None;
        for record in readable(file, path)? {
            let record = record?;
            match record.kind() {
                "response" => {
                    if let Some(id) = record.id() {
                        places.insert(id.to_owned(), (number, record.offset));
                    }
                    waiting.replace_page(page(&record, None), &mut visit)?;
                }
                "revisit" => {
                    let refers_to = record.fields.get("WARC-Refers-To").and_then(|id| places.get(id));
                    let earlier = refers_to.and_then(|(file, offset)| record_at(&files[*file], *offset));
                    waiting.replace_page(
                        earlier.and_then(|earlier| page(&record, Some(&earlier))),
                        &mut visit,
                    )?;
                }
                "metadata" => {
                    if let Some(page) = &mut waiting {
                        learn_origin(page, &record);
                    }
                }
                _ => {}
            }
        }
        waiting.replace_page(None, &mut visit)?;
    }
    Ok(())
}

/// A page waits for its metadata, which come behind it.
trait Waiting {
    fn replace_page<E>(
        &mut self,
        next: Option<ArchivedPage>,
        visit: &mut impl FnMut(ArchivedPage) -> Result<(), E>,
    ) -> Result<(), E>;
}

impl Waiting for Option<ArchivedPage> {
    fn replace_page<E>(
        &mut self,
        next: Option<ArchivedPage>,
        visit: &mut impl FnMut(ArchivedPage) -> Result<(), E>,
    ) -> Result<(), E> {
        match std::mem::replace(self, next) {
            Some(page) => visit(page),
            None => Ok(()),
        }
    }
}

fn record_at(path: &PathBuf, offset: u64) -> Option<Record> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    Reader::new(file).ok()?.next()?.ok()
}

/// The page of a response; of a revisit with the payload of the response that it refers to.
fn page(record: &Record, earlier: Option<&Record>) -> Option<ArchivedPage> {
    let message = record.http()?;
    let payload = match earlier {
        Some(earlier) => earlier.http()?.payload().into_owned(),
        None => message.payload().into_owned(),
    };
    let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
    Some(ArchivedPage {
        url: record.target_uri()?.into_owned(),
        date: record.date().unwrap_or_default().to_owned(),
        status: message.status()?,
        headers: message.headers.0.iter().map(lower).collect(),
        body: payload.into(),
        job: None,
        task: None,
    })
}

fn learn_origin(page: &mut ArchivedPage, metadata: &Record) {
    let text = String::from_utf8_lossy(&metadata.block);
    for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        match name {
            "trawl-job" => page.job = value.trim().parse().ok(),
            "trawl-task" => page.task = value.trim().parse().ok(),
            _ => {}
        }
    }
}
