//! The columns of a link.

use super::{Cell, Column, Kind, RowError, set::error};
use crate::page::Page;
use serde::Deserialize;
use std::borrow::Cow;

/// All columns, in order.
pub(super) static COLUMNS: &[Column] = &[
    Column::fixed("page", Kind::Text),
    Column::fixed("position", Kind::Int),
    Column::fixed("url", Kind::Text),
    Column::fixed("text", Kind::Text),
    Column::fixed("rel", Kind::Text),
    Column::fixed("kind", Kind::Text),
    Column::fixed("job", Kind::Text),
    Column::fixed("task", Kind::Text),
    Column::fixed("raw", Kind::Text),
];

#[derive(Deserialize)]
struct Link<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    rel: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    raw: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// Shows each link of a page to `visit`, all columns.
pub(super) fn visit(page: &Page, mut visit: impl FnMut(&[Cell<'_>])) -> Result<(), RowError> {
    let Some(links) = page.links.as_deref() else { return Ok(()) };
    let links: Vec<Link<'_>> = serde_json::from_str(links).map_err(error(page))?;
    let (job, task) = (page.job.to_string(), page.task.to_string());
    for (position, link) in links.into_iter().enumerate() {
        visit(&[
            Cell::text(Some(&page.url)),
            Cell::Int(i64::try_from(position).unwrap_or(i64::MAX)),
            Cell::Text(link.url),
            Cell::Text(link.text),
            link.rel.map_or(Cell::Null, Cell::Text),
            Cell::Text(link.kind),
            Cell::text(Some(&job)),
            Cell::text(Some(&task)),
            link.raw.map_or(Cell::Null, Cell::Text),
        ]);
    }
    Ok(())
}
