//! What every crawler of a contest is given: the same web, a folder, a time limit.

use std::path::Path;
use std::time::Duration;

/// The circumstances of one crawl.
#[derive(Clone, Debug)]
pub(super) struct Stage<'c> {
    /// Where the crawl starts: the root of each host.
    pub(super) seeds: Vec<String>,
    /// The port of the synthetic web on loopback.
    pub(super) port: u16,
    /// For rows, data and logs.
    pub(super) folder: &'c Path,
    /// How long a crawl may take.
    pub(super) limit: Duration,
}

impl Stage<'_> {
    /// The override that leads every host name to the synthetic web.
    pub(super) fn resolve(&self) -> String {
        format!("*:{}:127.0.0.1", self.port)
    }
}
