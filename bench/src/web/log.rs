//! A record of what was asked when, one JSON object a line: what politeness is judged by.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;

/// One answered request.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    /// Microseconds from the server's start to the request's arrival.
    pub(super) at_us: u128,
    /// Microseconds from arrival until the answer was handed over.
    pub(super) took_us: u128,
    /// The host asked.
    pub(super) host: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    /// The status answered.
    pub(super) status: u16,
    /// Requests to this host under way at arrival, this one included.
    pub(super) in_flight: u32,
    /// The client's `User-Agent`.
    pub(super) agent: &'a str,
}

/// Where requests are recorded. Each line is written at once, so that the file can be read at any moment.
#[derive(Debug)]
pub struct RequestLog {
    started: Instant,
    file: Mutex<File>,
}

impl RequestLog {
    /// A log in a new file at `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { started: Instant::now(), file: Mutex::new(File::create(path)?) })
    }

    pub(super) fn since_start(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.started)
    }

    pub(super) fn write(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(&line)
    }
}
