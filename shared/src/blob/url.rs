//! URLs of blobs, and of places that hold some.

use percent_encoding::percent_decode_str;
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};
use url::Url;

/// `s3://BUCKET/PATH`, `gs://BUCKET/PATH`, `az://CONTAINER/PATH` or `file:///PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobUrl(Url);

/// A text that is no such URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text} is no URL of an object store: {reason}; write s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH or \
     file:///PATH"
)]
pub struct BlobUrlError {
    text: String,
    reason: &'static str,
}

impl BlobUrl {
    /// Whether somebody who wrote this meant a URL, and not a path.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.contains("://")
    }

    /// `s3`, `gs`, `az` or `file`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// The bucket or container; none of a file.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        self.0.host_str().filter(|host| !host.is_empty())
    }

    /// The path below the bucket, its parts as they are called.
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        let parts = self.0.path().split('/').filter(|part| !part.is_empty());
        parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    /// The last part of the path; empty where that ends in a slash.
    #[must_use]
    pub fn name(&self) -> String {
        if self.0.path().ends_with('/') { String::new() } else { self.parts().pop().unwrap_or_default() }
    }

    /// What holds the blob: the URL without its last part.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut url = self.0.clone();
        let path = url.path().trim_end_matches(|c| c != '/').to_owned();
        url.set_path(&path);
        Self(url)
    }

    /// The path of a `file` URL.
    #[must_use]
    pub fn file_path(&self) -> Option<PathBuf> {
        self.0.to_file_path().ok()
    }

    /// A path below `folder` that no other URL has.
    #[must_use]
    pub fn below(&self, folder: &Path) -> PathBuf {
        let mut path = folder.join(self.scheme());
        path.extend(self.bucket());
        path.extend(self.parts());
        path
    }
}

impl FromStr for BlobUrl {
    type Err = BlobUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What may hold a secret is not said again.
        let shown = text.split(['?', '#']).next().unwrap_or_default();
        let error = |reason| BlobUrlError { text: shown.to_owned(), reason };
        let url = Url::parse(text).map_err(|_| error("it can't be read"))?;
        if !url.username().is_empty() || url.password().is_some() {
            let text = format!("{}://...", url.scheme());
            let reason = "credentials come from the environment and never stand in it";
            return Err(BlobUrlError { text, reason });
        }
        let has_bucket = url.host_str().is_some_and(|host| !host.is_empty());
        match url.scheme() {
            "s3" | "gs" | "az" if !has_bucket => return Err(error("it names no bucket")),
            "file" if has_bucket => return Err(error("a file is on this machine")),
            "s3" | "gs" | "az" | "file" => {}
            _ => return Err(error("its scheme is not known")),
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(error("it has a ? or #"));
        }
        let url = Self(url);
        if url.parts().iter().any(|part| part.contains(['/', '\\', '\0']) || part == "." || part == "..") {
            return Err(error("a part of its path can't be a name"));
        }
        Ok(url)
    }
}

impl fmt::Display for BlobUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_url() {
        let url: BlobUrl = "s3://shop/2026/x%20y.jsonl".parse().unwrap();
        assert_eq!((url.scheme(), url.bucket(), url.name().as_str()), ("s3", Some("shop"), "x y.jsonl"));
        assert_eq!(url.parent().to_string(), "s3://shop/2026/");
        assert_eq!(url.below(Path::new("d")), Path::new("d/s3/shop/2026/x y.jsonl"));
        let top: BlobUrl = "gs://shop/x.parquet".parse().unwrap();
        assert_eq!((top.parent().to_string().as_str(), top.name().as_str()), ("gs://shop/", "x.parquet"));
        let file: BlobUrl = "file:///a/b.csv".parse().unwrap();
        assert_eq!(file.file_path().unwrap(), Path::new("/a/b.csv"));
        assert_eq!(file.parent().file_path().unwrap(), Path::new("/a/"));
        assert_eq!("az://c/".parse::<BlobUrl>().unwrap().name(), "");
    }

    #[test]
    fn what_is_no_such_url_says_why_and_keeps_secrets() {
        let error = |text: &str| text.parse::<BlobUrl>().unwrap_err().to_string();
        for (text, why) in [
            ("ftp://a/b", "scheme"),
            ("s3:///b", "bucket"),
            ("file://host/b", "this machine"),
            ("s3://b/x?versionId=1", "?"),
            ("s3://b/a%2fb", "name"),
            ("s3://", "bucket"),
        ] {
            let error = error(text);
            assert!(error.contains(why) && error.contains("write s3://BUCKET/PATH"), "{text}: {error}");
        }
        for secret in ["s3://key:hunter2@b/x", "az://c/x?sig=hunter2"] {
            assert!(!error(secret).contains("hunter2"), "{}", error(secret));
        }
    }
}
