//! What an output is written to, and in which format.

use super::{Format, Names};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A file or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `-`
    Stdout,
    /// A path.
    File(PathBuf),
}

/// A file name that does not tell the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the format of {0} is unknown: name the file .jsonl, .csv, .parquet or .warc.gz")]
pub struct TargetError(String);

impl Target {
    /// The format that the name tells; standard output and devices get JSONL.
    ///
    /// # Errors
    /// When the name tells none.
    pub fn format(&self) -> Result<Format, TargetError> {
        let Self::File(path) = self else { return Ok(Format::Jsonl) };
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        // A name that is nothing but its end has no stem: `.csv` is a hidden file.
        let known = Format::NAMES.into_iter().find(|(end, _)| name.len() > end.len() && name.ends_with(end));
        match known {
            Some((_, format)) => Ok(format),
            None if is_device(path) => Ok(Format::Jsonl),
            None => Err(TargetError(path.display().to_string())),
        }
    }

    /// Whether a file of that name was begun and not completed.
    #[must_use]
    pub fn is_growing(&self) -> bool {
        match self {
            Self::Stdout => false,
            Self::File(path) => Names { path: path.clone(), rotation: None }.growing(0).exists(),
        }
    }

    /// The name under which its mark is kept: the same from every working directory.
    pub(crate) fn mark_name(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::File(path) => {
                std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
            }
        }
    }
}

/// Pipes, terminals and the like can't be cut to a length.
pub(super) fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

impl FromStr for Target {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Self::Stdout } else { Self::File(PathBuf::from(text)) })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
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
        for unknown in ["pages", "pages.gz", ".csv", ".parquet/", "pages.jsonl.gz"] {
            let error = format(unknown).unwrap_err().to_string();
            assert!(error.contains(unknown) && error.contains(".jsonl, .csv"), "{error}");
        }
    }
}
