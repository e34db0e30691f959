//! Where rows go besides the store: files, standard output and object stores, in the formats below, any
//! number at once.
//!
//! - [`Sink`] is what a format does: `jsonl`, `csv` and `parquet`, one file each.
//! - [`Outputs`] are the files of a running service. A file grows under a working name (`growing`) and has its
//!   own only once it is complete; what is in it is part of the store's transaction, so that a kill or a
//!   redelivery adds no row twice.
//! - An output that is a URL grows in a folder of this machine, and goes up when it is whole (`upload`).
//! - What can't grow row by row (Parquet, CSV of items, whose columns are known at the end) grows as JSON
//!   lines and is converted when it is complete (`convert`).

mod convert;
mod csv;
mod finish;
mod growing;
mod jsonl;
mod output;
mod parquet;
mod target;
mod upload;

pub(crate) use convert::convert;
pub(crate) use finish::Finish;
pub(crate) use growing::{Growing, blocking};
pub use growing::{Names, Rotation};
pub use output::{OutputError, OutputMode, OutputSpec, Outputs, SharedOutputs, WriteFailure};
pub(crate) use target::STAGING;
pub use target::{Target, TargetError};
pub(crate) use upload::WholeObject;

use crate::row::{Cell, Column, RowSet, Rows};
use std::{
    fmt,
    io::{self, Write},
};

/// Writes rows in one format.
pub trait Sink: Send {
    /// Writes a row; its cells stand under the columns that the sink was made with.
    ///
    /// # Errors
    /// When the bytes can't be written.
    fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()>;

    /// Writes what stands behind the last row, and hands all to the system.
    ///
    /// # Errors
    /// When the bytes can't be written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line; the schema of a page's row is docs/schema/page-row.json
    Jsonl,
    /// RFC 4180, with a header line; pages without their links
    Csv,
    /// Apache Parquet, with typed columns
    Parquet,
    /// WARC 1.1: what was fetched, byte for byte, with its headers
    Warc,
}

impl Format {
    /// A sink that writes rows of these columns to `out`; none for WARC, which holds no rows.
    ///
    /// # Errors
    /// When the beginning of the file can't be written.
    pub fn sink<'w>(
        self,
        columns: &[Column],
        out: impl Write + Send + 'w,
    ) -> io::Result<Option<Box<dyn Sink + 'w>>> {
        Ok(Some(match self {
            Self::Jsonl => Box::new(jsonl::JsonlSink::new(columns, out)),
            Self::Csv => Box::new(csv::CsvSink::new(columns, out)?),
            Self::Parquet => Box::new(parquet::ParquetSink::new(columns, out)?),
            Self::Warc => return Ok(None),
        }))
    }

    /// What stands before the first row of a file that grows.
    #[must_use]
    pub fn head(self, set: &RowSet) -> Vec<u8> {
        if self == Self::Csv && !self.is_converted(set.rows()) {
            csv::head(set.columns())
        } else {
            Vec::new()
        }
    }

    /// Appends a row to a file that grows.
    pub(crate) fn line(self, set: &RowSet, row: &[Cell<'_>], out: &mut Vec<u8>) {
        if self == Self::Csv && !self.is_converted(set.rows()) {
            csv::line(row, out);
        } else {
            jsonl::line(set.columns(), row, out);
        }
    }

    /// Whether a file grows as JSON lines and becomes what it should be at the end.
    pub(crate) fn is_converted(self, rows: Rows) -> bool {
        self == Self::Parquet || (self == Self::Csv && rows == Rows::Items)
    }

    /// The ends of file names that mean a format.
    pub(crate) const NAMES: [(&'static str, Self); 5] = [
        (".jsonl", Self::Jsonl),
        (".ndjson", Self::Jsonl),
        (".csv", Self::Csv),
        (".parquet", Self::Parquet),
        (".warc.gz", Self::Warc),
    ];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Warc => "warc",
        })
    }
}
