//! Blobs: whole files and bodies under a name, in a folder or in a bucket of an object store.
//!
//! - [`BlobUrl`]: `s3://`, `gs://`, `az://` and `file://`. Credentials never stand in it; they come from the environment.
//! - [`Blobs`]: puts and gets. A blob has its name only when all of it is there.
//! - [`Bodies`]: the claim check. A body above a bound is put aside, and its record names it.
//!
//! A folder needs nothing; buckets are the feature `object-store`, and the one room of that crate is `cloud`.

mod bodies;
#[cfg(feature = "object-store")]
mod cloud;
mod error;
mod folder;
mod url;

pub use self::url::{BlobUrl, BlobUrlError};
pub use bodies::{Bodies, BodiesSettings};
pub use error::BlobError;

use bytes::Bytes;
use folder::Folder;
use std::path::Path;

/// Whether this build reaches buckets.
pub const CLOUD: bool = cfg!(feature = "object-store");

/// A place for blobs. Cheap to share.
#[derive(Clone, Debug)]
pub struct Blobs {
    /// As people name it, without a slash at its end.
    name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(Folder),
    #[cfg(feature = "object-store")]
    Bucket(cloud::Bucket),
}

impl Blobs {
    /// The place that a URL names. Nothing is asked of it yet.
    ///
    /// # Errors
    /// When this program can't speak to such a store, or the environment lacks what it needs.
    pub fn open(url: &BlobUrl) -> Result<Self, BlobError> {
        let place = match url.file_path() {
            Some(path) => Place::Folder(Folder::new(path)),
            #[cfg(feature = "object-store")]
            None => Place::Bucket(cloud::Bucket::open(url)?),
            #[cfg(not(feature = "object-store"))]
            None => return Err(BlobError::NotBuilt { url: url.to_string() }),
        };
        Ok(Self { name: url.to_string().trim_end_matches('/').to_owned(), place })
    }

    /// A folder.
    #[must_use]
    pub fn in_folder(path: &Path) -> Self {
        Self { name: path.display().to_string(), place: Place::Folder(Folder::new(path.to_owned())) }
    }

    /// What people call the blob of this key (its parts with `/` between).
    #[must_use]
    pub fn name_of(&self, key: &str) -> String {
        format!("{}/{key}", self.name)
    }

    /// Whether blobs can be put here: asks for it and leaves nothing behind.
    ///
    /// # Errors
    /// When they can't, with what to do about it.
    pub async fn check(&self, key: &str) -> Result<(), BlobError> {
        match &self.place {
            Place::Folder(folder) => folder.check().await.map_err(|error| self.io(key, &error)),
            #[cfg(feature = "object-store")]
            Place::Bucket(bucket) => bucket.check(key).await,
        }
    }

    /// Puts bytes. What had the key before is replaced at once.
    ///
    /// # Errors
    /// When they can't be put; then nothing has changed.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError> {
        match &self.place {
            Place::Folder(folder) => folder.put(key, bytes).await.map_err(|error| self.io(key, &error)),
            #[cfg(feature = "object-store")]
            Place::Bucket(bucket) => bucket.put(key, bytes).await,
        }
    }

    /// Puts a file, in parts and with flat memory. What had the key before is replaced at once.
    ///
    /// # Errors
    /// When the file can't be read or put; then nothing has changed.
    pub async fn put_file(&self, key: &str, file: &Path) -> Result<(), BlobError> {
        match &self.place {
            Place::Folder(folder) => folder.put_file(key, file).await.map_err(|error| self.io(key, &error)),
            #[cfg(feature = "object-store")]
            Place::Bucket(bucket) => bucket.put_file(key, file).await,
        }
    }

    /// The bytes of a blob; none where there is no such blob.
    ///
    /// # Errors
    /// When the store can't be asked, or the blob is longer than `most` bytes.
    pub async fn get(&self, key: &str, most: u64) -> Result<Option<Bytes>, BlobError> {
        match &self.place {
            Place::Folder(folder) => match folder.get(key, most).await {
                Ok(Some(bytes)) if bytes.len() as u64 > most => {
                    Err(BlobError::TooLong { url: self.name_of(key), most })
                }
                found => found.map_err(|error| self.io(key, &error)),
            },
            #[cfg(feature = "object-store")]
            Place::Bucket(bucket) => bucket.get(key, most).await,
        }
    }

    fn io(&self, key: &str, error: &std::io::Error) -> BlobError {
        BlobError::Failed {
            url: self.name_of(key),
            reason: error.to_string(),
            remedy: "make room, or give this user leave to write there",
        }
    }
}
