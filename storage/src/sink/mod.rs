//! Where rows go besides the store: files and standard output, in the formats below. One file each.

mod csv;
mod jsonl;
mod output;
mod target;

pub use output::{OutputError, OutputMode, OutputSpec, Outputs, WriteFailure};
pub use target::{Target, TargetError};

use crate::page::Page;
use std::fmt;

/// A page that can't be written as a row: what was stored as its links is no list of links.
#[derive(Debug, thiserror::Error)]
#[error("the links of {url} can't be read: {source}")]
pub struct RowError {
    /// The page.
    pub url: String,
    /// Why.
    pub source: serde_json::Error,
}

/// How rows are written.
trait RowFormat: Send + Sync {
    /// What stands before the first row.
    fn head(&self) -> &'static str;

    /// Appends a page's row, with its line end.
    fn write_row(&self, page: &Page, out: &mut Vec<u8>) -> Result<(), RowError>;
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line; its schema is `docs/schema/page-row.json`
    Jsonl,
    /// RFC 4180, with a header line; without the links
    Csv,
}

impl Format {
    fn rows(self) -> &'static dyn RowFormat {
        match self {
            Self::Jsonl => &jsonl::Jsonl,
            Self::Csv => &csv::Csv,
        }
    }

    /// What stands before the first row.
    #[must_use]
    pub fn head(self) -> &'static str {
        self.rows().head()
    }

    /// Appends a page's row, with its line end.
    ///
    /// # Errors
    /// When the page's links are not what they should be.
    pub fn write_row(self, page: &Page, out: &mut Vec<u8>) -> Result<(), RowError> {
        self.rows().write_row(page, out)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        })
    }
}
