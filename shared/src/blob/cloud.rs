//! Buckets: S3 and what speaks as S3 does, Google Cloud Storage, Azure. The one room of the crate `object_store`.
//!
//! How to speak to them stands in the environment, under the names that each cloud's own tools use (`AWS_...`,
//! `GOOGLE_...`, `AZURE_...`). Trouble that passes is tried again by the crate, for up to [`RETRY_FOR`].

use super::{BlobError, BlobUrl};
use bytes::Bytes;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, RetryConfig, WriteMultipart,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::GoogleCloudStorageBuilder,
    path::Path as Key,
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{fs::File, io::AsyncReadExt as _};

/// How long a request is tried again.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// Bytes of one part of a file: a smaller file goes in one request.
const PART: u64 = 8 * 1024 * 1024;
/// S3 takes no more parts than 10,000.
const MOST_PARTS: u64 = 9_000;
/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 4;

/// A bucket, and where in it.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    url: BlobUrl,
}

impl Bucket {
    pub(super) fn open(url: &BlobUrl) -> Result<Self, BlobError> {
        // reqwest has no provider of its own here. An error means that somebody was first, with the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = store(url).map_err(|error| BlobError::Environment {
            url: url.to_string(),
            reason: line(&error.to_string()),
            remedy: credentials(url),
        })?;
        Ok(Self { store, url: url.clone() })
    }

    pub(super) async fn check(&self, key: &str) -> Result<(), BlobError> {
        // Begins an upload and gives it up: what asks for no other right than a real one.
        let upload = self.store.put_multipart(&self.key(key)).await;
        let mut upload = upload.map_err(|error| self.failed(key, &error))?;
        if let Err(error) = upload.abort().await {
            tracing::debug!(
                "an upload that was begun as a check could not be given up: {}",
                line(&error.to_string())
            );
        }
        Ok(())
    }

    pub(super) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError> {
        let put = self.store.put(&self.key(key), bytes.into()).await;
        put.map(drop).map_err(|error| self.failed(key, &error))
    }

    pub(super) async fn put_file(&self, key: &str, path: &Path) -> Result<(), BlobError> {
        let unreadable = |error: std::io::Error| BlobError::Failed {
            url: self.name_of(key),
            reason: format!("{} can't be read: {error}", path.display()),
            remedy: "give this user leave to read it",
        };
        let mut file = File::open(path).await.map_err(unreadable)?;
        let length = file.metadata().await.map_err(unreadable)?.len();
        let part = PART.max(length.div_ceil(MOST_PARTS));
        if length <= part {
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.read_to_end(&mut bytes).await.map_err(unreadable)?;
            return self.put(key, bytes.into()).await;
        }
        let upload = self.store.put_multipart(&self.key(key)).await;
        let upload = upload.map_err(|error| self.failed(key, &error))?;
        let size = usize::try_from(part).unwrap_or(usize::MAX);
        let mut upload = WriteMultipart::new_with_chunk_size(upload, size);
        let sent = async {
            loop {
                let mut bytes = Vec::with_capacity(size);
                (&mut file).take(part).read_to_end(&mut bytes).await.map_err(unreadable)?;
                if bytes.is_empty() {
                    return Ok(());
                }
                let free = upload.wait_for_capacity(PARTS_AT_ONCE).await;
                free.map_err(|error| self.failed(key, &error))?;
                upload.put(bytes.into());
            }
        };
        match sent.await {
            Ok(()) => upload.finish().await.map(drop).map_err(|error| self.failed(key, &error)),
            Err(error) => {
                // Parts of an upload that is not given up cost their owner money.
                if let Err(abort) = upload.abort().await {
                    tracing::warn!(
                        "the upload of {} could not be given up: {}",
                        self.name_of(key),
                        line(&abort.to_string())
                    );
                }
                Err(error)
            }
        }
    }

    pub(super) async fn get(&self, key: &str, most: u64) -> Result<Option<Bytes>, BlobError> {
        let found = match self.store.get(&self.key(key)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(key, &error)),
        };
        if found.meta.size > most {
            return Err(BlobError::TooLong { url: self.name_of(key), most });
        }
        found.bytes().await.map(Some).map_err(|error| self.failed(key, &error))
    }

    fn key(&self, key: &str) -> Key {
        self.url.parts().into_iter().chain(key.split('/').map(str::to_owned)).collect()
    }

    fn name_of(&self, key: &str) -> String {
        format!("{}/{key}", self.url.to_string().trim_end_matches('/'))
    }

    fn failed(&self, key: &str, error: &Error) -> BlobError {
        let remedy = match error {
            Error::NotFound { .. } => "make the bucket, or correct its name",
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => credentials(&self.url),
            _ => {
                "check that the store can be reached, and the endpoint, region and credentials in the environment"
            }
        };
        BlobError::Failed { url: self.name_of(key), reason: line(&error.to_string()), remedy }
    }
}

fn store(url: &BlobUrl) -> Result<Arc<dyn ObjectStore>, Error> {
    let retry = RetryConfig { retry_timeout: RETRY_FOR, ..RetryConfig::default() };
    let bucket = url.bucket().unwrap_or_default();
    // An endpoint that says http is meant so.
    let is_plain =
        |endpoint: Option<String>| endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    Ok(match url.scheme() {
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            Arc::new(builder.with_retry(retry).build()?)
        }
        "az" => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket);
            if is_plain(builder.get_config_value(&AzureConfigKey::Endpoint)) {
                builder = builder.with_allow_http(true);
            }
            Arc::new(builder.with_retry(retry).build()?)
        }
        _ => {
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
            let mut endpoints = [AmazonS3ConfigKey::Endpoint, AmazonS3ConfigKey::S3Endpoint].iter();
            if endpoints.any(|key| is_plain(builder.get_config_value(key))) {
                builder = builder.with_allow_http(true);
            }
            Arc::new(builder.with_retry(retry).build()?)
        }
    })
}

/// Where the credentials of a store come from.
fn credentials(url: &BlobUrl) -> &'static str {
    match url.scheme() {
        "gs" => {
            "set GOOGLE_APPLICATION_CREDENTIALS (or GOOGLE_SERVICE_ACCOUNT) to a key that may write there"
        }
        "az" => {
            "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or another credential) of one who may write there"
        }
        _ => {
            "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (AWS_ENDPOINT for other stores than Amazon's) of one who may write there"
        }
    }
}

/// An error in one line, without what stands behind the `?` of URLs: there signatures are.
fn line(error: &str) -> String {
    let word = |word: &str| match word.split_once('?') {
        Some((before, _)) if before.contains("://") => format!("{before}?..."),
        _ => word.to_owned(),
    };
    error.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_below_the_url_and_errors_hold_no_signature() {
        let url = "s3://shop/a/b%20c/".parse().unwrap();
        let bucket = Bucket { store: Arc::new(object_store::memory::InMemory::new()), url };
        assert_eq!(bucket.key("sha256/ab").as_ref(), "a/b c/sha256/ab");
        assert_eq!(bucket.name_of("x"), "s3://shop/a/b%20c/x");
        assert_eq!(line("PUT https://h/x?sig=hunter2&se=1 failed\n why?"), "PUT https://h/x?... failed why?");
    }

    #[tokio::test]
    async fn a_file_of_many_parts_arrives_as_it_was() {
        let url: BlobUrl = "s3://shop/out".parse().unwrap();
        let bucket = Bucket { store: Arc::new(object_store::memory::InMemory::new()), url };
        let bytes: Vec<u8> = (0..PART * 2 + 12_345).map(|n| (n % 251) as u8).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        bucket.put_file("big", file.path()).await.unwrap();
        assert_eq!(bucket.get("big", u64::MAX).await.unwrap().unwrap(), bytes);
        assert!(bucket.get("big", 5).await.unwrap_err().to_string().contains("longer than the 5 bytes"));
        assert_eq!(bucket.get("none", 5).await, Ok(None));
        bucket.check("other").await.unwrap();
        assert_eq!(bucket.get("other", 5).await, Ok(None), "a check leaves nothing");
    }
}
