//! Rows as both databases give them, and numbers as both take them.

use super::{ArchiveFiles, Count, OutputMark};
use crate::{
    page::{Page, outcome_named},
    row::Item,
};
use serde::de::DeserializeOwned;
use sqlx::types::Uuid;
use trawl_shared::{
    model::{JobId, Outcome, TaskId},
    row,
    sql::SqlError,
};

row! {
    /// The columns of `pages.sql` and its like.
    pub(super) struct Record {
        job: Uuid,
        task: Uuid,
        round: i64,
        depth: i64,
        url: String,
        final_url: String,
        status: Option<i64>,
        outcome: String,
        code: String,
        detail: Option<String>,
        found_on: Option<String>,
        fetched_at: Option<i64>,
        content_type: Option<String>,
        body_bytes: i64,
        title: Option<String>,
        description: Option<String>,
        lang: Option<String>,
        canonical: Option<String>,
        meta_robots: Option<String>,
        body_hash: Option<String>,
        content_hash: Option<String>,
        simhash: Option<String>,
        text: Option<String>,
        markdown: Option<String>,
        structured: Option<String>,
        links: Option<String>,
    }
}

impl Record {
    /// The page; an error where another hand wrote the row and a column holds what it can't.
    pub(super) fn into_page(self) -> Result<Page, SqlError> {
        Ok(Page {
            job: JobId(self.job),
            task: TaskId(self.task),
            round: number("round", self.round)?,
            depth: number("depth", self.depth)?,
            url: self.url,
            final_url: self.final_url,
            status: self.status.map(|status| number("status", status)).transpose()?,
            outcome: outcome(&self.outcome)?,
            code: self.code,
            detail: self.detail,
            found_on: self.found_on,
            fetched_at: self.fetched_at,
            content_type: self.content_type,
            body_bytes: number("body_bytes", self.body_bytes)?,
            title: self.title,
            description: self.description,
            lang: self.lang,
            canonical: self.canonical,
            meta_robots: self.meta_robots,
            body_hash: self.body_hash,
            content_hash: self.content_hash,
            simhash: self.simhash,
            text: self.text,
            markdown: self.markdown,
            structured: self.structured.map(String::into_boxed_str),
            links: self.links.map(String::into_boxed_str),
            rules: None,
            items: None,
            job_name: None,
        })
    }
}

/// A row of `counts.sql`.
pub(super) fn count((job, name, pages): (Uuid, String, i64)) -> Result<Count, SqlError> {
    Ok(Count { job: JobId(job), outcome: outcome(&name)?, pages: number("pages", pages)? })
}

/// A row of `output.sql`.
pub(super) fn mark((bytes, rows, segment, began_at): (i64, i64, i64, i64)) -> Result<OutputMark, SqlError> {
    Ok(OutputMark {
        bytes: number("bytes", bytes)?,
        rows: number("rows", rows)?,
        segment: number("segment", segment)?,
        began_at,
    })
}

/// A row of `items.sql`.
pub(super) fn item(row: &str) -> Result<Item, SqlError> {
    let (job, task, rules, position, kind, url, fetched_at, data): (
        Uuid,
        Uuid,
        String,
        u32,
        String,
        String,
        Option<i64>,
        String,
    ) = array("item", row)?;
    Ok(Item { job: JobId(job), task: TaskId(task), rules, position, kind, url, fetched_at, data })
}

/// A row of `archives.sql`.
pub(super) fn archive(row: &str) -> Result<ArchiveFiles, SqlError> {
    let (path, rotates, last): (String, u8, u64) = array("archive", row)?;
    Ok(ArchiveFiles { path: path.into(), rotates: rotates != 0, last })
}

/// What a statement answers as one JSON array.
pub(crate) fn array<T: DeserializeOwned>(what: &str, row: &str) -> Result<T, SqlError> {
    serde_json::from_str(row).map_err(|_| impossible(what, &row))
}

/// The outcome that a column names.
pub(super) fn outcome(name: &str) -> Result<Outcome, SqlError> {
    outcome_named(name).ok_or_else(|| impossible("outcome", &name))
}

/// A size as a column takes it; none comes near the sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is smaller in the program than in the table.
fn number<T: TryFrom<i64>>(column: &str, value: i64) -> Result<T, SqlError> {
    T::try_from(value).map_err(|_| impossible(column, &value))
}

/// A value that no version of this program writes.
fn impossible(column: &str, value: &dyn std::fmt::Debug) -> SqlError {
    let source = format!("{value:?} is nothing that the program writes").into();
    SqlError::Query(sqlx::Error::ColumnDecode { index: column.to_owned(), source })
}
