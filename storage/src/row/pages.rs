//! The columns of a page.

use super::{Cell, Column, Kind, RowError, set::error};
use crate::page::Page;
use serde::Deserialize;
use std::borrow::Cow;
use trawl_shared::model::LinkKind;

/// A column and how a page fills it.
pub(super) struct PageColumn {
    pub(super) column: Column,
    pub(super) cell: for<'a> fn(&'a Page) -> Result<Cell<'a>, RowError>,
}

macro_rules! columns {
    ($($name:ident: $kind:ident = |$page:ident| $cell:expr;)*) => {
        &[$(PageColumn {
            column: Column::fixed(stringify!($name), Kind::$kind),
            cell: { fn cell($page: &Page) -> Result<Cell<'_>, RowError> { $cell } cell },
        }),*]
    };
}

/// The columns of a row that names none, in the order of `docs/schema/page-row.json`. CSV has no `links`.
pub(super) const USUAL: usize = 13;

/// All columns; the usual ones first.
pub(super) static COLUMNS: &[PageColumn] = columns! {
    url: Text = |page| Ok(Cell::text(Some(&page.url)));
    final_url: Text = |page| Ok(Cell::text(Some(&page.final_url)));
    status: Int = |page| Ok(Cell::int(page.status));
    outcome: Text = |page| Ok(Cell::text(Some(page.outcome.as_str())));
    depth: Int = |page| Ok(Cell::int(Some(page.depth)));
    found_on: Text = |page| Ok(Cell::text(page.found_on.as_deref()));
    fetched_at: Time = |page| Ok(page.fetched_at.map_or(Cell::Null, Cell::Time));
    content_type: Text = |page| Ok(Cell::text(page.content_type.as_deref()));
    title: Text = |page| Ok(Cell::text(page.title.as_deref()));
    description: Text = |page| Ok(Cell::text(page.description.as_deref()));
    lang: Text = |page| Ok(Cell::text(page.lang.as_deref()));
    canonical: Text = |page| Ok(Cell::text(page.canonical.as_deref()));
    links: Texts = |page| followable(page);
    job: Text = |page| Ok(Cell::Text(Cow::Owned(page.job.to_string())));
    task: Text = |page| Ok(Cell::Text(Cow::Owned(page.task.to_string())));
    round: Int = |page| Ok(Cell::int(Some(page.round)));
    host: Text = |page| Ok(Cell::text(Some(page.host())));
    code: Text = |page| Ok(Cell::text(Some(&page.code)));
    detail: Text = |page| Ok(Cell::text(page.detail.as_deref()));
    body_bytes: Int = |page| Ok(Cell::Int(i64::try_from(page.body_bytes).unwrap_or(i64::MAX)));
    meta_robots: Text = |page| Ok(Cell::text(page.meta_robots.as_deref()));
    body_hash: Text = |page| Ok(Cell::text(page.body_hash.as_deref()));
    content_hash: Text = |page| Ok(Cell::text(page.content_hash.as_deref()));
    simhash: Text = |page| Ok(Cell::text(page.simhash.as_deref()));
    text: Text = |page| Ok(Cell::text(page.text.as_deref()));
    markdown: Text = |page| Ok(Cell::text(page.markdown.as_deref()));
    structured: Json = |page| Ok(Cell::json(page.structured.as_deref()));
    all_links: Json = |page| Ok(Cell::json(page.links.as_deref()));
};

/// The links that can be followed; style sheets and the like stand in `all_links` only.
fn followable(page: &Page) -> Result<Cell<'_>, RowError> {
    /// All that a row needs of a link. The text is borrowed unless it holds an escape.
    #[derive(Deserialize)]
    struct LinkUrl<'a> {
        #[serde(borrow)]
        url: Cow<'a, str>,
        kind: LinkKind,
        #[serde(default)]
        follow: Option<bool>,
    }
    let Some(links) = page.links.as_deref() else { return Ok(Cell::Texts(Vec::new())) };
    let links: Vec<LinkUrl<'_>> = serde_json::from_str(links).map_err(error(page))?;
    let followed = links
        .into_iter()
        .filter(|link| link.follow.unwrap_or_else(|| link.kind.is_navigational()))
        .map(|link| link.url);
    Ok(Cell::Texts(followed.collect()))
}
