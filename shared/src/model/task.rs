//! `scraping-tasks`: one URL that is to be fetched now, with all that the fetch needs to know.

use super::{CanonicalUrl, ExtractSettings, FetchSettings, JobId, TaskId, Validators};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a task comes from: carried unchanged through every later message of the same fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The job.
    pub job: JobId,
    /// The fetch: see [`TaskId::derive`].
    pub task: TaskId,
    /// What is fetched.
    pub url: CanonicalUrl,
    /// Links between a seed and this URL; a seed has depth 0.
    pub depth: u32,
    /// The page (or redirect) on which the URL was first found; none for a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_on: Option<String>,
    /// How many times the URL was fetched for the job before.
    #[serde(default)]
    pub round: u32,
    /// Redirects that led here, one after the other; bounds chains and loops.
    #[serde(default)]
    pub redirects: u8,
    /// The job's name. Only a seed carries it, so that whoever keeps a job's pages learns its name, and
    /// all other messages stay as short as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<Box<str>>,
}

impl Origin {
    /// Of the first fetch of a URL that the job begins at.
    #[must_use]
    pub fn of_seed(job: JobId, url: CanonicalUrl) -> Self {
        let task = TaskId::derive(job, &url, 0);
        Self { job, task, url, depth: 0, found_on: None, round: 0, redirects: 0, job_name: None }
    }
}

/// A URL that is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchTask {
    /// The fetch and where it comes from.
    pub origin: Origin,
    /// How to fetch.
    #[serde(default)]
    pub fetch: FetchSettings,
    /// What to extract afterwards.
    #[serde(default)]
    pub extract: ExtractSettings,
    /// Not before this instant: the host's politeness gap, kept across restarts and rebalances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest_fetch_at: Option<Timestamp>,
    /// What the site said about the version that the last fetch got: it is asked for a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validators: Option<Validators>,
}

impl FetchTask {
    /// With the settings of a job that asks for nothing special.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        let (fetch, extract) = (FetchSettings::default(), ExtractSettings::default());
        Self { origin, fetch, extract, earliest_fetch_at: None, validators: None }
    }
}
