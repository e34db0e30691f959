//! The archive: pages as they were fetched, in WARC files, each page once.
//!
//! It reads `scraped-data` in a group of its own, beside the parser, because only there the bytes are. What
//! holds for rows holds for records: they are written before the transaction that records their messages
//! and the file's new length, so a kill between the two leaves bytes that the next start cuts off.

use crate::{
    handler::Trouble,
    sink::{Finish, Growing, OutputError, OutputMode, Rotation, Target, WriteFailure, blocking},
    store::{PageStore, record::array, statements},
    warc::{Earlier, exchange, payload_digest, response_id, warcinfo, write},
};
use jiff::Timestamp;
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    io, mem,
    path::PathBuf,
    sync::Arc,
};
use tokio::sync::Mutex;
use trawl_shared::{
    blob::Bodies,
    model::{JobId, MessageId, ScrapedPage, code},
    runtime::{BatchHandler, Context, Failure, FailureClass},
    sql::{RETRY_AFTER, SqlError},
};
use uuid::Uuid;

/// The group. With an archive's name behind it, what archived messages are recorded under.
const CONSUMER: &str = "storage.archive";

/// Under which the archive of that name records the messages that it has.
pub(crate) fn consumer_of(name: &str) -> String {
    format!("{CONSUMER} {name}")
}

/// An archive as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSpec {
    /// The file, or its URL.
    pub target: Target,
    /// When a file ends and the next begins; one file without it.
    pub rotation: Option<Rotation>,
    /// Only the pages of this job.
    pub job: Option<JobId>,
}

/// A WARC file that grows. Clones are the same one.
#[derive(Clone)]
pub struct Archive(Arc<Mutex<Writer>>);

struct Writer {
    spec: ArchiveSpec,
    name: String,
    consumer: String,
    file: Growing,
    /// Whether records were written and it is not known that the transaction committed.
    unsettled: bool,
}

impl Archive {
    /// Opens an archive. A resumed one goes on where the store knows it; records that it lacks can't be had
    /// from the store, so what is missing of it stays missing.
    ///
    /// # Errors
    /// When it can't be opened, or the store can't be asked.
    pub async fn open(
        store: &dyn PageStore,
        spec: ArchiveSpec,
        mode: OutputMode,
    ) -> Result<Self, WriteFailure> {
        let failed = |source| OutputError { target: spec.target.to_string(), rows: 0, source };
        let name = spec.target.mark_name();
        let Some((names, upload)) = spec.target.place(spec.rotation).await.map_err(failed)? else {
            return Err(failed(io::Error::other("an archive is a file")).into());
        };
        let mut file = None;
        if mode == OutputMode::Resume
            && let Some(mark) = store.output(&name).await?
        {
            let resumed = Growing::resumed(names.clone(), Finish::Index, upload.clone(), mark).await;
            file = resumed.map_err(failed)?;
        }
        let resumed = file.is_some();
        let file = match file {
            Some(file) => file,
            None => Growing::fresh(names, Finish::Index, upload).await.map_err(failed)?,
        };
        let consumer = consumer_of(&name);
        let writer = Writer { spec, name, consumer, file, unsettled: false };
        let mut transaction = store.begin().await?;
        if !resumed {
            transaction.run(statements::FORGET_CAPTURES, writer.name.clone()).await?;
        }
        let about =
            json!({ "path": writer.name, "job": writer.spec.job, "rotates": writer.spec.rotation.is_some() });
        transaction.run(statements::ADD_ARCHIVE, about.to_string()).await?;
        transaction.save_output(&writer.name, writer.file.mark).await?;
        transaction.commit().await?;
        Ok(Self(Arc::new(Mutex::new(writer))))
    }

    /// Gives the file its name. Nothing may be written afterwards.
    ///
    /// # Errors
    /// When it can't be completed, or the store can't be asked what belongs in it.
    pub async fn complete(&self, store: &dyn PageStore) -> Result<PathBuf, WriteFailure> {
        let mut writer = self.0.lock().await;
        writer.settle(store).await?;
        let completed = writer.file.complete().await;
        completed.map_err(|source| writer.error(source).into())
    }

    /// Removes what was kept of a file that is in an object store now: all outputs are complete.
    pub(crate) async fn forget_sent(&self) -> Result<(), WriteFailure> {
        let writer = self.0.lock().await;
        writer.file.forget_sent().map_err(|source| writer.error(source).into())
    }

    /// Ends the file if it is large or old enough, and begins another.
    ///
    /// # Errors
    /// As [`Archive::complete`].
    pub async fn rotate(&self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        let mut writer = self.0.lock().await;
        writer.settle(store).await?;
        writer.rotate(store).await
    }
}

impl Writer {
    async fn settle(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        if self.unsettled {
            self.file.mark = store.output(&self.name).await?.unwrap_or_default();
            self.file.cut().await.map_err(|source| self.error(source))?;
            self.unsettled = false;
        }
        Ok(())
    }

    async fn rotate(&mut self, store: &dyn PageStore) -> Result<(), WriteFailure> {
        if !self.file.is_due() {
            return Ok(());
        }
        let rotated = self.file.rotate().await;
        rotated.map_err(|source| self.error(source))?;
        let mut transaction = store.begin().await?;
        transaction.save_output(&self.name, self.file.mark).await?;
        Ok(transaction.commit().await?)
    }

    /// Archives a batch, all of it or nothing; what was archived before is left out.
    async fn write(
        &mut self,
        store: &dyn PageStore,
        pages: Vec<(MessageId, ScrapedPage)>,
    ) -> Result<(), WriteFailure> {
        self.settle(store).await?;
        let now = Timestamp::now();
        let ids: Vec<MessageId> = pages.iter().map(|(id, _)| *id).collect();
        let mut transaction = store.begin().await?;
        let mut fresh = transaction.take_messages(&self.consumer, &ids, now.as_millisecond()).await?;
        let pages: Vec<ScrapedPage> =
            pages.into_iter().filter(|(id, _)| fresh.remove(id)).map(|(_, page)| page).collect();
        if pages.is_empty() {
            return Ok(());
        }
        let digested = blocking(move || Ok(digested(pages))).await.map_err(|source| self.error(source))?;
        let digests: HashSet<&str> = digested.iter().map(|(digest, _)| digest.as_str()).collect();
        let asked = json!({ "archive": self.name, "digests": digests }).to_string();
        let known = earlier(&transaction.run(statements::CAPTURED, asked).await?)?;

        let head = (self.file.mark.bytes == 0).then(|| self.head(now));
        let archived = blocking(move || archived(&digested, known, head)).await;
        let Archived { bytes, records, captures } = archived.map_err(|source| self.error(source))?;
        self.unsettled = true;
        let appended = self.file.append(bytes, records).await;
        appended.map_err(|source| self.error(source))?;
        let captures: Vec<_> = captures
            .into_iter()
            .map(|(digest, Earlier { id, url, date })| {
                json!({ "archive": self.name, "digest": digest, "record": id, "url": url, "date": date })
            })
            .collect();
        transaction.run(statements::ADD_CAPTURES, json!(captures).to_string()).await?;
        transaction.save_output(&self.name, self.file.mark).await?;
        transaction.commit().await?;
        self.unsettled = false;
        self.rotate(store).await
    }

    fn head(&self, now: Timestamp) -> crate::warc::NewRecord {
        let whole = self.file.whole();
        let name = whole.file_name().unwrap_or_default().to_string_lossy();
        warcinfo(&name, Uuid::now_v7(), now)
    }

    fn error(&self, source: io::Error) -> OutputError {
        OutputError { target: self.spec.target.to_string(), rows: self.file.mark.rows, source }
    }
}

fn digested(pages: Vec<ScrapedPage>) -> Vec<(String, ScrapedPage)> {
    pages.into_iter().map(|page| (payload_digest(&page), page)).collect()
}

fn earlier(rows: &[String]) -> Result<HashMap<String, Earlier>, SqlError> {
    let capture = |row: &String| {
        let (digest, id, url, date): (String, Uuid, String, String) = array("capture", row)?;
        Ok((digest, Earlier { id, url, date }))
    };
    rows.iter().map(capture).collect()
}

/// The bytes of a batch, and the payloads in it that are new.
struct Archived {
    bytes: Vec<u8>,
    records: u64,
    captures: Vec<(String, Earlier)>,
}

fn archived(
    pages: &[(String, ScrapedPage)],
    mut known: HashMap<String, Earlier>,
    head: Option<crate::warc::NewRecord>,
) -> io::Result<Archived> {
    let mut archived = Archived { bytes: Vec::new(), records: 0, captures: Vec::new() };
    if let Some(head) = head {
        write(&head, &mut archived.bytes)?;
    }
    for (digest, page) in pages {
        // An empty body refers to nothing.
        let same = known.get(digest).filter(|_| !page.body.is_empty());
        for record in exchange(page, digest, same) {
            write(&record, &mut archived.bytes)?;
            archived.records += 1;
        }
        if !known.contains_key(digest) {
            let first = Earlier {
                id: response_id(page),
                url: page.origin.url.as_str().to_owned(),
                date: format!("{:.3}", page.fetched_at),
            };
            archived.captures.push((digest.clone(), first.clone()));
            known.insert(digest.clone(), first);
        }
    }
    Ok(archived)
}

/// Archives what was fetched.
pub struct ArchiveHandler {
    store: Arc<dyn PageStore>,
    archives: Vec<Archive>,
    bodies: Bodies,
    trouble: Trouble,
}

impl ArchiveHandler {
    /// A handler for these archives; large bodies are in `bodies`, and it tells of trouble where the handler of
    /// rows does.
    #[must_use]
    pub fn new(store: Arc<dyn PageStore>, archives: Vec<Archive>, bodies: Bodies, trouble: Trouble) -> Self {
        Self { store, archives, bodies, trouble }
    }

    async fn write(&self, pages: Vec<(MessageId, ScrapedPage)>) -> Result<(), Failure> {
        for archive in &self.archives {
            let mut writer = archive.0.lock().await;
            let job = writer.spec.job;
            let wanted = pages.iter().filter(|(_, page)| job.is_none_or(|job| job == page.origin.job));
            match writer.write(&*self.store, wanted.cloned().collect()).await {
                Ok(()) => {}
                Err(WriteFailure::Output(error)) => return Err(self.trouble.tell(error)),
                Err(WriteFailure::Store(error)) => {
                    return Err(Failure::later(RETRY_AFTER, error.to_string()));
                }
                Err(error) => return Err(Failure::reject(FailureClass::Storage, code::UNDECODABLE, error)),
            }
        }
        Ok(())
    }
}

/// Bytes of bodies in memory at which what there is of a batch is written.
const MOST_BYTES: usize = 32 * 1024 * 1024;

impl BatchHandler for ArchiveHandler {
    const NAME: &'static str = CONSUMER;
    type In = ScrapedPage;
    type Out = ();

    async fn handle(&self, batch: Vec<(ScrapedPage, Context)>) -> Result<Vec<Result<(), Failure>>, Failure> {
        self.trouble.check()?;
        let mut answers = Vec::with_capacity(batch.len());
        let (mut pages, mut bytes) = (Vec::new(), 0);
        for (page, context) in batch {
            match self.bodies.bring_back(page).await {
                Ok(page) => {
                    bytes += page.body.len();
                    pages.push((context.envelope.id, page));
                    answers.push(Ok(()));
                }
                Err(failure) => answers.push(Err(failure)),
            }
            // Records may only name their bodies, so their own size bounds nothing.
            if bytes >= MOST_BYTES {
                self.write(mem::take(&mut pages)).await?;
                bytes = 0;
            }
        }
        self.write(pages).await?;
        Ok(answers)
    }
}
