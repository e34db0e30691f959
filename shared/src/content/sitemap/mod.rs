//! Sitemaps (<https://www.sitemaps.org/protocol.html>) and what may stand in for one: RSS and Atom
//! feeds, and text files with a URL a line; packed with gzip or not, in any encoding.
//!
//! A sitemap is read as it comes, an entry at a time, and never beyond [`MAX_BYTES`] or
//! [`MAX_ENTRIES`]. Broken markup gives what stands before the break and much of what is behind it.
//! No DTD is read: an entity that one declares stands for nothing, so there is nothing to expand and
//! nothing to fetch.

mod entry;
mod feed_date;
mod record;
mod source;
mod text;
mod xml;

pub use entry::{ChangeFreq, Entry};

use crate::content::charset::Utf8Reader;
use std::{
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
};
use url::Url;

/// Bytes of a sitemap that are read, unpacked (sitemaps.org: 50 MiB).
pub const MAX_BYTES: u64 = 50 * 1024 * 1024;

/// Entries of one sitemap (sitemaps.org: 50,000).
pub const MAX_ENTRIES: usize = 50_000;

/// What a sitemap is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `<urlset>`
    UrlSet,
    /// `<sitemapindex>`: its entries are sitemaps.
    Index,
    /// RSS, or RSS 1.0 (`<rdf:RDF>`)
    Rss,
    /// Atom
    Atom,
    /// A URL a line.
    Text,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it is written as.
    pub format: Format,
    /// How many entries were handed on.
    pub entries: usize,
    /// Why there may be more that was not read: a bound, or markup broken beyond reading.
    pub cut: Option<String>,
}

/// Why a body is no sitemap.
#[derive(Debug, thiserror::Error)]
pub enum SitemapError {
    /// It is something else.
    #[error("no sitemap: {0}")]
    NoSitemap(String),
    /// It can't be read.
    #[error("the sitemap can't be read")]
    Io(#[from] io::Error),
}

/// Reads the sitemap that stands at `url` and gives each entry to `each`, which may end it.
/// `content_type` is the header it came with, for its charset.
///
/// # Errors
/// When the body is no sitemap, or its source breaks before there was an entry.
pub fn read(
    body: impl Read,
    url: &Url,
    content_type: Option<&str>,
    mut each: impl FnMut(Entry) -> ControlFlow<()>,
) -> Result<Summary, SitemapError> {
    let (bytes, encoding) = source::open(body, content_type)?;
    let mut text = BufReader::new(Utf8Reader::new(bytes, encoding));
    let looks_like_xml = skip_space(&mut text)? == Some(b'<');
    let mut bounded = Bounded { each: &mut each, given: 0, full: false };
    let read =
        if looks_like_xml { xml::read(text, url, &mut bounded) } else { text::read(text, url, &mut bounded) };
    let (format, mut cut) = read?;
    if bounded.full {
        cut = Some(format!("it has more than {MAX_ENTRIES} entries"));
    }
    Ok(Summary { format, entries: bounded.given, cut })
}

/// The same for a body in memory, all entries at once.
///
/// # Errors
/// When the body is no sitemap.
pub fn read_all(
    body: &[u8],
    url: &Url,
    content_type: Option<&str>,
) -> Result<(Vec<Entry>, Summary), SitemapError> {
    let mut entries = Vec::new();
    let summary = read(body, url, content_type, |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    })?;
    Ok((entries, summary))
}

/// Whether a body begins as a sitemap does (an XML one, packed or not). Feeds are not meant: those
/// are pages of their own.
#[must_use]
pub fn is_sitemap(body: &[u8]) -> bool {
    let Ok((bytes, encoding)) = source::open(body, None) else { return false };
    xml::root(BufReader::new(Utf8Reader::new(bytes, encoding)))
        .is_some_and(|format| matches!(format, Format::UrlSet | Format::Index))
}

/// Where entries go, and how many went.
struct Bounded<'e> {
    each: &'e mut dyn FnMut(Entry) -> ControlFlow<()>,
    given: usize,
    full: bool,
}

impl Bounded<'_> {
    fn give(&mut self, entry: Entry) -> ControlFlow<()> {
        if self.given == MAX_ENTRIES {
            self.full = true;
            return ControlFlow::Break(());
        }
        self.given += 1;
        (self.each)(entry)
    }
}

/// Skips white space; the first byte behind it.
fn skip_space(text: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let buffer = text.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let space = buffer.iter().position(|byte| !byte.is_ascii_whitespace());
        let first = space.map(|at| buffer[at]);
        let skipped = space.unwrap_or(buffer.len());
        text.consume(skipped);
        if first.is_some() {
            return Ok(first);
        }
    }
}

#[cfg(test)]
mod tests;
