//! What an output is written to, and in which format.

use super::{Format, Names, Rotation, upload::Upload};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};
use trawl_shared::blob::{BlobError, BlobUrl, BlobUrlError, Blobs};

/// Where files for object stores grow, unless it is said otherwise.
pub(crate) const STAGING: &str = "trawl-data/staging";

/// A file, a URL, or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `-`
    Stdout,
    /// A path.
    File(PathBuf),
    /// `s3://`, `gs://`, `az://` or `file://`: the file grows in the folder `staging`, and goes there when it is whole.
    Object {
        /// Where it goes.
        url: BlobUrl,
        /// The folder of this machine.
        staging: PathBuf,
    },
}

/// A file name that does not tell the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the format of {0} is unknown: name the file .jsonl, .csv, .parquet or .warc.gz")]
pub struct TargetError(String);

impl Target {
    /// The same target; if it is a URL, its files grow in this folder.
    #[must_use]
    pub fn staged_in(self, folder: &Path) -> Self {
        match self {
            Self::Object { url, .. } => Self::Object { url, staging: folder.to_owned() },
            other => other,
        }
    }

    /// The format that the name tells; standard output and devices get JSONL.
    ///
    /// # Errors
    /// When the name tells none.
    pub fn format(&self) -> Result<Format, TargetError> {
        let (name, path) = match self {
            Self::Stdout => return Ok(Format::Jsonl),
            Self::File(path) => {
                (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), Some(path))
            }
            Self::Object { url, .. } => (url.name(), None),
        };
        let name = name.to_ascii_lowercase();
        // A name that is nothing but its end has no stem: `.csv` is a hidden file.
        let known = Format::NAMES.into_iter().find(|(end, _)| name.len() > end.len() && name.ends_with(end));
        match known {
            Some((_, format)) => Ok(format),
            None if path.is_some_and(|path| is_device(path)) => Ok(Format::Jsonl),
            None => Err(TargetError(self.to_string())),
        }
    }

    /// Whether this program, in this environment, can speak to what a URL names. Nothing is asked over the network.
    ///
    /// # Errors
    /// When it can't.
    pub fn check(&self) -> Result<(), BlobError> {
        match self {
            Self::Object { url, .. } => Blobs::open(&url.parent()).map(drop),
            Self::Stdout | Self::File(_) => Ok(()),
        }
    }

    /// Whether a file of that name was begun and not completed, or is whole and not yet where it belongs.
    #[must_use]
    pub fn is_growing(&self) -> bool {
        let is_up = !matches!(self, Self::Object { .. });
        let Some(path) = self.local() else { return false };
        let names = Names { path, rotation: None };
        names.growing(0).exists() || (!is_up && names.whole(0).exists())
    }

    /// Where its files are named on this machine, and where they go from there.
    pub(crate) async fn place(
        &self,
        rotation: Option<Rotation>,
    ) -> io::Result<Option<(Names, Option<Upload>)>> {
        let Some(path) = self.local() else { return Ok(None) };
        let upload = match self {
            Self::Object { url, .. } => Some(Upload::open(url).await?),
            Self::Stdout | Self::File(_) => None,
        };
        Ok(Some((Names { path, rotation }, upload)))
    }

    /// The name of the file on this machine.
    fn local(&self) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path.clone()),
            Self::Object { url, staging } => Some(url.below(staging)),
        }
    }

    /// The name under which its mark is kept: the same from every working directory.
    pub(crate) fn mark_name(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::File(path) => {
                std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
            }
            Self::Object { url, .. } => url.to_string(),
        }
    }
}

/// Pipes, terminals and the like can't be cut to a length.
pub(super) fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

impl FromStr for Target {
    type Err = BlobUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "-" => Self::Stdout,
            url if BlobUrl::is_meant(url) => Self::Object { url: url.parse()?, staging: STAGING.into() },
            path => Self::File(path.into()),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Object { url, .. } => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_format() {
        let format = |text: &str| text.parse::<Target>().unwrap().format();
        assert_eq!(format("-"), Ok(Format::Jsonl));
        assert_eq!(format("a/pages.jsonl"), Ok(Format::Jsonl));
        assert_eq!(format("PAGES.CSV"), Ok(Format::Csv));
        assert_eq!(format("pages.parquet"), Ok(Format::Parquet));
        assert_eq!(format("site.warc.gz"), Ok(Format::Warc));
        assert_eq!(format("/dev/null"), Ok(Format::Jsonl));
        assert_eq!(format("s3://bucket/a/site.warc.gz"), Ok(Format::Warc));
        assert_eq!(format("file:///a/items.parquet"), Ok(Format::Parquet));
        let unknown =
            ["pages", "pages.gz", ".csv", ".parquet/", "pages.jsonl.gz", "s3://pages.csv", "gs://b/a.csv/"];
        for unknown in unknown {
            let error = format(unknown).unwrap_err().to_string();
            assert!(error.contains(unknown) && error.contains(".jsonl, .csv"), "{error}");
        }
        assert!("s3:///x.csv".parse::<Target>().is_err(), "no bucket");
    }

    #[test]
    fn a_url_grows_in_its_staging_folder() {
        let folder = tempfile::tempdir().unwrap();
        let target = "s3://bucket/a/x.jsonl".parse::<Target>().unwrap().staged_in(folder.path());
        let path = folder.path().join("s3/bucket/a/x.jsonl");
        assert_eq!((target.local(), target.is_growing()), (Some(path.clone()), false));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
        assert!(target.is_growing(), "whole, and not where it belongs");
        assert_eq!(target.mark_name(), "s3://bucket/a/x.jsonl");
    }
}
