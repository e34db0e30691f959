//! The claim check: a body too large for a record is put aside under its hash, and the record names it.
//!
//! Who reads the record gets the body back and holds it to length and hash, so that a body that is missing or was
//! changed is a failure with a code of its own, and never an empty page.

use super::{BlobError, BlobUrl, Blobs};
use crate::{
    model::{KeptBody, ScrapedPage, code},
    runtime::{Failure, FailureClass},
};
use anyhow::anyhow;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, path::Path, sync::Arc, time::Duration};

/// How long a message waits for a store that can't be asked.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// `[bodies]`: where bodies go that are too large for a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BodiesSettings {
    /// A folder that all services see, or a URL (`s3://`, `gs://`, `az://`, `file://`); empty keeps every body in its
    /// record.
    pub store: String,
    /// Bytes above which a body goes there.
    pub above_bytes: usize,
}

impl Default for BodiesSettings {
    fn default() -> Self {
        Self { store: String::new(), above_bytes: 4 * 1024 * 1024 }
    }
}

/// Where large bodies are, if anywhere. Clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Option<Arc<Store>>);

#[derive(Debug)]
struct Store {
    blobs: Blobs,
    above_bytes: usize,
}

impl Bodies {
    /// The store that the settings name.
    ///
    /// # Errors
    /// When it can't be used by this program, or in this environment.
    pub fn open(settings: &BodiesSettings) -> Result<Self, BlobError> {
        let blobs = match settings.store.as_str() {
            "" => return Ok(Self::default()),
            url if BlobUrl::is_meant(url) => Blobs::open(&url.parse()?)?,
            path => Blobs::in_folder(Path::new(path)),
        };
        Ok(Self::of(blobs, settings.above_bytes))
    }

    /// Bodies above so many bytes go here.
    #[must_use]
    pub fn of(blobs: Blobs, above_bytes: usize) -> Self {
        Self(Some(Arc::new(Store { blobs, above_bytes })))
    }

    /// The page as it may travel: a large body is in the store when this answers, and no longer in the page.
    ///
    /// # Errors
    /// When the store does not take it, with the code `body_not_kept`.
    pub async fn put_aside(&self, mut page: ScrapedPage) -> Result<ScrapedPage, Failure> {
        let Some(store) = self.0.as_ref().filter(|store| page.body.len() > store.above_bytes) else {
            return Ok(page);
        };
        let body = std::mem::take(&mut page.body);
        let kept = KeptBody { sha256: sha256(&body).await, bytes: body.len() as u64 };
        let put = store.blobs.put(&key(&kept), body).await;
        put.map_err(|error| Failure::retry(FailureClass::Storage, code::BODY_NOT_KEPT, error))?;
        page.kept_body = Some(kept);
        Ok(page)
    }

    /// The page with its body, wherever that was.
    ///
    /// # Errors
    /// `body_missing` and `body_altered` where the store has no such body or another one; a store that can't be asked
    /// is waited for.
    pub async fn bring_back(&self, mut page: ScrapedPage) -> Result<ScrapedPage, Failure> {
        if let Some(kept) = &page.kept_body {
            page.body = self.get(kept).await?;
            page.kept_body = None;
        }
        Ok(page)
    }

    async fn get(&self, kept: &KeptBody) -> Result<Bytes, Failure> {
        let failed =
            |code: &'static str, why: String| Failure::retry(FailureClass::Storage, code, anyhow!(why));
        let Some(store) = &self.0 else {
            let why = format!(
                "the body {} is in a store, and this service knows of none: set bodies.store",
                kept.sha256
            );
            return Err(failed(code::BODY_MISSING, why));
        };
        // The name becomes a path.
        if kept.sha256.len() != 64 || !kept.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let why = anyhow!("the record names a body by {:?}, which is no SHA-256", kept.sha256);
            return Err(Failure::reject(FailureClass::Message, code::UNDECODABLE, why));
        }
        let key = key(kept);
        let name = store.blobs.name_of(&key);
        let found = match store.blobs.get(&key, kept.bytes).await {
            Ok(found) => found,
            Err(error @ BlobError::TooLong { .. }) => {
                return Err(failed(code::BODY_ALTERED, error.to_string()));
            }
            Err(error) => return Err(Failure::later(RETRY_AFTER, error.to_string())),
        };
        let Some(body) = found else {
            return Err(failed(code::BODY_MISSING, format!("{name} is not there")));
        };
        if body.len() as u64 != kept.bytes || sha256(&body).await != kept.sha256 {
            let why =
                format!("{name} is not what was put there: {} bytes, {} were put", body.len(), kept.bytes);
            return Err(failed(code::BODY_ALTERED, why));
        }
        Ok(body)
    }
}

/// Folders of a few hundred names each, where stores have folders.
fn key(kept: &KeptBody) -> String {
    format!("sha256/{}/{}", &kept.sha256[..2], kept.sha256)
}

/// The hash in hexadecimal. Large bodies take a while, in a thread of its own.
async fn sha256(body: &Bytes) -> String {
    let body = body.clone();
    let digest = tokio::task::spawn_blocking(move || Sha256::digest(&body)).await;
    let digest = digest.expect("hashing does not panic");
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
