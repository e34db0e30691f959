//! A row of the table of pages.

use trawl_shared::model::{JobId, Outcome, TaskId};

/// What is kept of a task that the site answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The job.
    pub job: JobId,
    /// The task; the row's identity.
    pub task: TaskId,
    /// How many times the URL was fetched for the job before.
    pub round: u32,
    /// Links between a seed and the page.
    pub depth: u32,
    /// What was asked for.
    pub url: String,
    /// What answered; of a redirect, where it leads.
    pub final_url: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// The terminal state.
    pub outcome: Outcome,
    /// Why: see [`trawl_shared::model::code`].
    pub code: String,
    /// One line for people.
    pub detail: Option<String>,
    /// The page on which the URL was first found.
    pub found_on: Option<String>,
    /// When the request was sent, in Unix milliseconds.
    pub fetched_at: Option<i64>,
    /// The response's content type.
    pub content_type: Option<String>,
    /// Bytes of body received, after decompression.
    pub body_bytes: u64,
    /// `<title>`.
    pub title: Option<String>,
    /// `<meta name=description>`.
    pub description: Option<String>,
    /// The declared language.
    pub lang: Option<String>,
    /// `<link rel=canonical>`, absolute.
    pub canonical: Option<String>,
    /// The directives of `<meta name=robots>`.
    pub meta_robots: Option<String>,
    /// Visible text, where the job asked for it.
    pub text: Option<String>,
    /// A JSON array of [`trawl_shared::model::Link`], as it came: most pages are stored without
    /// anybody looking at one of their links.
    pub links: Option<Box<str>>,
}

impl Page {
    /// Roughly what binding it to a statement copies, in bytes.
    pub(crate) fn bulk(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.links.as_ref().map_or(0, |links| links.len()) + text(&self.text) + text(&self.description) + 512
    }
}

/// The outcome that a column names.
pub(crate) fn outcome_named(name: &str) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
}
