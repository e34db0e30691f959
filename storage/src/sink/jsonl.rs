//! Rows as JSON, one object a line. The schema is published: `docs/schema/page-row.json`.

use super::{RowError, RowFormat};
use crate::page::Page;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use trawl_shared::model::LinkKind;

pub(super) struct Jsonl;

/// Every field is always there; `null` stands for what is not known.
#[derive(Serialize)]
struct Row<'a> {
    url: &'a str,
    final_url: &'a str,
    status: Option<u16>,
    outcome: &'a str,
    depth: u32,
    found_on: Option<&'a str>,
    fetched_at: Option<Timestamp>,
    content_type: Option<&'a str>,
    title: Option<&'a str>,
    description: Option<&'a str>,
    lang: Option<&'a str>,
    canonical: Option<&'a str>,
    links: Links<'a>,
}

/// The links a reader can follow; style sheets and the like stand in the store only.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Links<'a>(#[serde(borrow)] Vec<LinkUrl<'a>>);

/// All that a row needs of a link. The text is borrowed unless it holds an escape.
#[derive(Deserialize)]
struct LinkUrl<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    kind: LinkKind,
}

impl Serialize for Links<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter(|link| link.kind.is_navigational()).map(|link| &link.url))
    }
}

impl RowFormat for Jsonl {
    fn head(&self) -> &'static str {
        ""
    }

    fn write_row(&self, page: &Page, out: &mut Vec<u8>) -> Result<(), RowError> {
        let error = |source| RowError { url: page.url.clone(), source };
        let row = Row {
            url: &page.url,
            final_url: &page.final_url,
            status: page.status,
            outcome: page.outcome.as_str(),
            depth: page.depth,
            found_on: page.found_on.as_deref(),
            fetched_at: page.fetched_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
            content_type: page.content_type.as_deref(),
            title: page.title.as_deref(),
            description: page.description.as_deref(),
            lang: page.lang.as_deref(),
            canonical: page.canonical.as_deref(),
            links: page.links.as_deref().map_or(Ok(Links::default()), serde_json::from_str).map_err(error)?,
        };
        serde_json::to_writer(&mut *out, &row).map_err(error)?;
        out.push(b'\n');
        Ok(())
    }
}
