//! Where the complete files of an output go that is a URL: up, and then away from here.
//!
//! The file grows in a folder of this machine (`Target::staged_in`) and is whole there first. Until it is up it stays,
//! so what a kill kept from going up goes up at the next start; put twice, it is the same file under the same key.

use super::Names;
use crate::warc::index_name;
use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use trawl_shared::blob::{BlobError, BlobUrl, Blobs};

/// The place behind a URL, without the last part of its path.
#[derive(Clone, Debug)]
pub(crate) struct Upload(Blobs);

impl Upload {
    /// Whether files can be put where the URL says is asked at once: not first when a crawl is done.
    pub(crate) async fn open(url: &BlobUrl) -> io::Result<Self> {
        let blobs = Blobs::open(&url.parent()).map_err(failed)?;
        blobs.check(&url.name()).await.map_err(failed)?;
        Ok(Self(blobs))
    }

    /// Puts the whole file of a segment, the index of an archive before it. Here nothing of it stays, or where there is but
    /// one file, that under another name: a crawl whose other files are not complete goes on with it.
    pub(super) async fn send(&self, names: &Names, segment: u64) -> io::Result<()> {
        let whole = &names.whole(segment);
        let index = index_of(whole);
        for file in index.iter().chain([whole]) {
            let key = file.file_name().unwrap_or_default().to_string_lossy();
            self.0.put_file(&key, file).await.map_err(failed)?;
        }
        // The file first: without it its index is not looked for.
        match names.rotation {
            Some(_) => fs::remove_file(whole)?,
            None => fs::rename(whole, names.sent(segment))?,
        }
        index.map_or(Ok(()), fs::remove_file)
    }

    /// Puts the whole files up to `segment` that an earlier process left here.
    pub(super) async fn send_left(&self, names: &Names, segment: u64) -> io::Result<()> {
        for segment in 0..=segment {
            let whole = names.whole(segment);
            if whole.exists() && !names.growing(segment).exists() {
                self.send(names, segment).await?;
                tracing::info!("{} was complete and is put where it belongs", whole.display());
            }
        }
        Ok(())
    }
}

/// The index beside an archive, where there is one.
fn index_of(whole: &Path) -> Option<PathBuf> {
    let name = whole.file_name()?.to_string_lossy();
    let index = whole.with_file_name(index_name(&name));
    (super::Target::File(whole.to_owned()).format() == Ok(super::Format::Warc) && index.exists())
        .then_some(index)
}

fn failed(error: BlobError) -> io::Error {
    io::Error::other(error)
}

/// One file for an object store: it is written here, and goes up when it is whole. Dropped before that, it is gone.
#[derive(Debug)]
pub(crate) struct WholeObject {
    file: BufWriter<NamedTempFile>,
    upload: Upload,
    key: String,
}

impl WholeObject {
    /// Opens it in the folder for temporary files.
    pub(crate) async fn create(url: &BlobUrl) -> io::Result<Self> {
        let upload = Upload::open(url).await?;
        Ok(Self { file: BufWriter::new(NamedTempFile::new()?), upload, key: url.name() })
    }

    /// Puts it where it belongs.
    pub(crate) async fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.upload.0.put_file(&self.key, self.file.get_ref().path()).await.map_err(failed)
    }
}

impl Write for WholeObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
