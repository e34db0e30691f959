//! PDF: its text, page by page, and what its information dictionary says.
//!
//! The library bounds what a stream may unpack to; pages and time are bounded here, and so that no
//! damaged file takes the process with it, a panic is an unreadable PDF.

use super::Task;
use crate::{date, facts::MAX_VALUE, parse::Parsed, text};
use lopdf::{Document, LoadOptions, Object};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// Most bytes that a stream may unpack to.
const MAX_UNPACKED: usize = 16 * 1024 * 1024;

/// Most pages read.
const MAX_PAGES: usize = 5_000;

/// Longest time that reading may take, looked at between pages.
const MAX_TIME: Duration = Duration::from_secs(4);

/// Reads a PDF, where anything of it is wanted.
#[must_use]
pub fn read(task: &Task<'_>, body: &[u8]) -> Parsed {
    let parsed = task.page();
    if !task.wants_text() && !task.extract.metadata {
        return parsed;
    }
    let read = catch_unwind(AssertUnwindSafe(|| extract(task, body)));
    match read {
        Ok(Ok(parsed)) => parsed,
        Ok(Err(error)) => parsed.unreadable(format!("the PDF can't be read: {error}")),
        Err(_) => parsed.unreadable("the PDF can't be read: its parts contradict each other".to_owned()),
    }
}

fn extract(task: &Task<'_>, body: &[u8]) -> lopdf::Result<Parsed> {
    let started = Instant::now();
    let document =
        Document::load_mem_with_options(body, LoadOptions::with_max_decompressed_size(MAX_UNPACKED))?;
    let mut parsed = task.page();
    let about = |name: &[u8]| information(&document, name);
    let page = &mut parsed.page;
    page.title = about(b"Title");
    if task.extract.metadata {
        page.author = about(b"Author");
        page.description = about(b"Subject");
        page.published = about(b"CreationDate").and_then(|date| pdf_date(&date));
        page.modified = about(b"ModDate").and_then(|date| pdf_date(&date));
    }
    if !task.wants_text() {
        return Ok(parsed);
    }
    let mut text = String::new();
    let mut unread = 0_usize;
    for (index, number) in document.get_pages().into_keys().enumerate() {
        let is_past_a_bound =
            index >= MAX_PAGES || text.len() > task.settings.max_text_bytes || started.elapsed() > MAX_TIME;
        if is_past_a_bound {
            parsed.note_cut("the last pages of the PDF were left out");
            break;
        }
        match document.extract_text_with_limit(&[number], MAX_UNPACKED) {
            Ok(page) => {
                let page = page.trim();
                if !page.is_empty() {
                    text.push_str(if text.is_empty() { "" } else { "\n\n" });
                    text.push_str(page);
                }
            }
            Err(_) => unread += 1,
        }
    }
    if unread > 0 {
        parsed.note_cut(&format!("pages of the PDF that can't be read: {unread}"));
    }
    parsed.page.text = Some(text).filter(|text| !text.is_empty());
    Ok(parsed)
}

/// An entry of the information dictionary.
fn information(document: &Document, name: &[u8]) -> Option<String> {
    let dictionary = match document.trailer.get(b"Info").ok()? {
        Object::Reference(id) => document.get_dictionary(*id).ok()?,
        Object::Dictionary(dictionary) => dictionary,
        _ => return None,
    };
    let value = lopdf::decode_text_string(dictionary.get(name).ok()?).ok()?;
    text::collapsed(&value, MAX_VALUE)
}

/// A date as PDF writes it (ISO 32000, 7.9.4): `D:20200203040506+01'00'`.
fn pdf_date(text: &str) -> Option<String> {
    let digits = text.strip_prefix("D:").unwrap_or(text);
    let part = |range: std::ops::Range<usize>| {
        digits.get(range).filter(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let day = format!("{}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?);
    let (Some(hour), Some(minute), Some(second)) = (part(8..10), part(10..12), part(12..14)) else {
        return date::normalised(&day);
    };
    let zone = digits.get(14..).unwrap_or_default().replace('\'', "");
    let zone = match zone.get(..1) {
        Some("+" | "-") if zone.len() >= 5 => format!("{}:{}", zone.get(..3)?, zone.get(3..5)?),
        Some("Z") => "Z".to_owned(),
        _ => String::new(),
    };
    date::normalised(&format!("{day}T{hour}:{minute}:{second}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, expected) in [
            ("D:20200203040506+01'00'", Some("2020-02-03T04:05:06+01:00")),
            ("D:20200203040506Z", Some("2020-02-03T04:05:06Z")),
            ("20200203", Some("2020-02-03")),
            ("D:2020", None),
            ("yesterday", None),
        ] {
            assert_eq!(pdf_date(text).as_deref(), expected, "{text}");
        }
    }
}
