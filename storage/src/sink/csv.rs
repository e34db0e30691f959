//! Rows as CSV (RFC 4180): the flat fields of a row, under a header line.

use super::{RowError, RowFormat};
use crate::page::Page;
use jiff::Timestamp;
use std::fmt::Display;

pub(super) struct Csv;

const HEADER: &str = "url,final_url,status,outcome,depth,found_on,fetched_at,content_type,title,description,lang,canonical\r\n";

impl RowFormat for Csv {
    fn head(&self) -> &'static str {
        HEADER
    }

    fn write_row(&self, page: &Page, out: &mut Vec<u8>) -> Result<(), RowError> {
        let mut line = Line { out, first: true };
        line.text(Some(&page.url));
        line.text(Some(&page.final_url));
        line.shown(page.status);
        line.text(Some(page.outcome.as_str()));
        line.shown(Some(page.depth));
        line.text(page.found_on.as_deref());
        line.shown(page.fetched_at.and_then(|at| Timestamp::from_millisecond(at).ok()));
        line.text(page.content_type.as_deref());
        line.text(page.title.as_deref());
        line.text(page.description.as_deref());
        line.text(page.lang.as_deref());
        line.text(page.canonical.as_deref());
        out.extend(b"\r\n");
        Ok(())
    }
}

struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Line<'_> {
    /// A field that may need quotes; nothing at all where there is no value.
    fn text(&mut self, value: Option<&str>) {
        self.separate();
        let Some(value) = value else { return };
        if value.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n')) {
            self.out.push(b'"');
            self.out.extend(value.replace('"', "\"\"").as_bytes());
            self.out.push(b'"');
        } else {
            self.out.extend(value.as_bytes());
        }
    }

    /// A field that never needs quotes.
    fn shown(&mut self, value: Option<impl Display>) {
        self.separate();
        if let Some(value) = value {
            self.out.extend(value.to_string().as_bytes());
        }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }
}
