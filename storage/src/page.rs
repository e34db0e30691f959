//! A row of the table of pages.

use crate::row::{Item, RowError, type_of};
use serde_json::{Map, Value};
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
    /// Hash of the body.
    pub body_hash: Option<String>,
    /// Hash of the normalised text, where the job asked for it.
    pub content_hash: Option<String>,
    /// SimHash of the text.
    pub simhash: Option<String>,
    /// The text, where the job asked for it.
    pub text: Option<String>,
    /// The main content as Markdown, where the job asked for it.
    pub markdown: Option<String>,
    /// A JSON object of what the page says of itself (`author`, `published`, `meta`, `json_ld`, ...), as it came.
    pub structured: Option<Box<str>>,
    /// A JSON array of [`trawl_shared::model::Link`], as it came: most pages are stored without
    /// anybody looking at one of their links.
    pub links: Option<Box<str>>,
    /// Hash of the rules that made the items.
    pub rules: Option<String>,
    /// A JSON array of items, as it came. They have a table of their own: not there on a page that was read
    /// from the store.
    pub items: Option<Box<str>>,
    /// The job's name, which only a seed brings.
    pub job_name: Option<Box<str>>,
}

impl Page {
    /// Roughly what binding it to a statement copies, in bytes.
    pub(crate) fn bulk(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let json = |json: &Option<Box<str>>| json.as_ref().map_or(0, |json| json.len());
        let texts = text(&self.text) + text(&self.markdown) + text(&self.description);
        json(&self.links) + json(&self.structured) + texts + 512
    }

    /// The host of the URL, with its port where that is not the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// The items that came with the page.
    ///
    /// # Errors
    /// When they are no array of objects.
    pub fn items(&self) -> Result<Vec<Item>, RowError> {
        let Some(items) = &self.items else { return Ok(Vec::new()) };
        let error = |source| RowError { url: self.url.clone(), source };
        let items: Vec<Map<String, Value>> = serde_json::from_str(items).map_err(error)?;
        let item = |(position, data): (usize, Map<String, Value>)| Item {
            job: self.job,
            task: self.task,
            rules: self.rules.clone().unwrap_or_default(),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            kind: type_of(&data).to_owned(),
            url: self.url.clone(),
            fetched_at: self.fetched_at,
            data: Value::Object(data).to_string(),
        };
        Ok(items.into_iter().enumerate().map(item).collect())
    }
}

/// The outcome that a column names.
pub(crate) fn outcome_named(name: &str) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
}
