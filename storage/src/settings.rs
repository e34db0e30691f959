//! What can be set for the store. Where it is, is `database.url`.

use crate::{
    outlets::{Outlet, OutletError},
    row::Rows,
    sink::{Rotation, STAGING, Target},
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};
use trawl_shared::{
    blob::{BlobError, BlobUrl},
    config::Section,
    runtime::GroupSettings,
};

/// Settings of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most pages stored in one transaction.
    pub batch_size: usize,
    /// Longest a page waits for its batch to fill, in milliseconds.
    pub batch_wait_ms: u64,
    /// Files that are written besides the database, or URLs of object stores; the end of a name tells the format
    /// (.jsonl, .csv, .parquet, .warc.gz). Each process needs files of its own.
    pub outputs: Vec<String>,
    /// Where files for object stores grow until they are complete. It must outlive the process.
    pub staging: PathBuf,
    /// What a row of them stands for.
    pub output_rows: Rows,
    /// Bytes at which a file ends and the next begins.
    pub rotate_bytes: u64,
    /// Seconds after which it does, however small it is.
    pub rotate_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 128,
            batch_wait_ms: 50,
            outputs: Vec::new(),
            staging: PathBuf::from(STAGING),
            output_rows: Rows::Pages,
            rotate_bytes: 1024 * 1024 * 1024,
            rotate_seconds: 3600,
        }
    }
}

impl Section for Settings {
    const NAME: &'static str = "storage";
}

impl Settings {
    /// The files that are asked for.
    ///
    /// # Errors
    /// When a name does not tell a format, or a URL can't be used.
    pub fn outlets(&self) -> Result<Vec<Outlet>, OutletError> {
        let age = Duration::from_secs(self.rotate_seconds);
        let rotation = Some(Rotation { bytes: self.rotate_bytes, age });
        let outlet = |output: &String| {
            let target = match BlobUrl::is_meant(output) {
                true => output.parse::<Target>().map_err(BlobError::from)?.staged_in(&self.staging),
                false => Target::File(output.into()),
            };
            Outlet::named(&target, self.output_rows, rotation, None)
        };
        self.outputs.iter().map(outlet).collect()
    }

    /// The consumer group: one batch is read while another is written; more at once only wait for the
    /// database and hold memory.
    #[must_use]
    pub fn group(&self) -> GroupSettings {
        GroupSettings {
            concurrency: 2,
            max_in_flight: self.batch_size.saturating_mul(4).max(1),
            max_in_flight_bytes: 16 * 1024 * 1024,
            batch_size: self.batch_size.max(1),
            batch_wait_ms: self.batch_wait_ms,
            ..GroupSettings::default()
        }
    }

    /// The consumer group of archives: a file takes one batch at a time, so a few large pages are enough.
    #[must_use]
    pub fn archive_group(&self) -> GroupSettings {
        GroupSettings { batch_size: self.batch_size.clamp(1, 32), ..self.group() }
    }
}
