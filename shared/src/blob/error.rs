//! What goes wrong with blobs, in words for people.

use super::BlobUrlError;

/// A place for blobs that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Its URL can't be read.
    #[error(transparent)]
    Url(#[from] BlobUrlError),
    /// This program has no object stores.
    #[error(
        "{url} can't be used: this program was built without object stores; build it with `--features object-store`, \
         or write to a file or file:// URL and copy that"
    )]
    NotBuilt {
        /// Which.
        url: String,
    },
    /// The environment does not say how to speak to it.
    #[error("{url} can't be used: {reason}; {remedy}")]
    Environment {
        /// Which.
        url: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A blob is longer than it should be.
    #[error("{url} is longer than the {most} bytes that it should have")]
    TooLong {
        /// Which blob.
        url: String,
        /// Its length as it should be, at most.
        most: u64,
    },
    /// It could not be written or read.
    #[error("{url}: {reason}; {remedy}")]
    Failed {
        /// Which blob.
        url: String,
        /// Why, in one line and without what URLs have behind their `?`.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
}
