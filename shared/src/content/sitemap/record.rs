//! One `<url>`, `<sitemap>`, `<item>` or `<entry>` while it is read.

use super::{Entry, Format, entry};
use url::Url;

/// Longest text of one field; what is longer says nothing we know.
const MAX_FIELD: usize = 16 * 1024;

/// What an element says of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Loc,
    Lastmod,
    Priority,
    ChangeFreq,
    /// A feed's name of an item, which may be a URL.
    Guid,
}

/// The element that holds one entry: the format it is of, by its name.
pub(super) fn record_format(root: Format, name: &str) -> Option<Format> {
    match (root, name) {
        // A sitemap of one kind with records of the other is not unheard of.
        (Format::UrlSet | Format::Index, "url") => Some(Format::UrlSet),
        (Format::UrlSet | Format::Index, "sitemap") => Some(Format::Index),
        (Format::Rss, "item") => Some(Format::Rss),
        (Format::Atom, "entry") => Some(Format::Atom),
        _ => None,
    }
}

/// The field that an element is, in a record of this format.
pub(super) fn field(format: Format, name: &str) -> Option<Field> {
    Some(match (format, name) {
        (Format::UrlSet | Format::Index, "loc") | (Format::Rss, "link") => Field::Loc,
        (Format::UrlSet | Format::Index, "lastmod") | (Format::Rss, "pubDate") => Field::Lastmod,
        (Format::Atom, "updated" | "published" | "modified") => Field::Lastmod,
        (Format::UrlSet, "priority") => Field::Priority,
        (Format::UrlSet, "changefreq") => Field::ChangeFreq,
        (Format::Rss, "guid") => Field::Guid,
        _ => return None,
    })
}

/// The record that is open.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) format: Format,
    entry: Entry,
    /// Where a feed's item has no link, its name may be one.
    guid: Option<String>,
    /// Text outside of any element: some indexes have nothing else.
    bare: String,
    /// The field that is open, with its text so far.
    open: Option<(Field, String)>,
}

impl Record {
    pub(super) fn new(format: Format) -> Self {
        Self { format, entry: blank(format), guid: None, bare: String::new(), open: None }
    }

    pub(super) const fn is_in_field(&self) -> bool {
        self.open.is_some()
    }

    /// Opens a field. A second location begins a new entry; the one before is given back.
    pub(super) fn open(&mut self, field: Field) -> Option<Entry> {
        let begins_anew = field == Field::Loc && !self.entry.loc.is_empty() && self.format != Format::Rss;
        let before = begins_anew.then(|| std::mem::replace(&mut self.entry, blank(self.format)));
        self.open = Some((field, String::new()));
        before
    }

    /// Text of the open field, or of none.
    pub(super) fn text(&mut self, text: &str) {
        let into = self.open.as_mut().map_or(&mut self.bare, |(_, into)| into);
        let room = MAX_FIELD.saturating_sub(into.len());
        into.push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// Closes the open field.
    pub(super) fn close(&mut self, base: &Url) {
        let Some((field, text)) = self.open.take() else { return };
        match field {
            Field::Loc if self.entry.loc.is_empty() => {
                self.entry.loc = entry::loc(&text, base).unwrap_or_default();
            }
            Field::Lastmod if self.entry.lastmod.is_none() => self.entry.lastmod = entry::lastmod(&text),
            Field::Priority => self.entry.priority = entry::priority(&text),
            Field::ChangeFreq => self.entry.changefreq = entry::changefreq(&text),
            Field::Guid => self.guid = Some(text),
            Field::Loc | Field::Lastmod => {}
        }
    }

    /// Takes a link that stands in an attribute, as Atom has it: the first counts.
    pub(super) fn link(&mut self, href: &str, base: &Url) {
        if self.entry.loc.is_empty() {
            self.entry.loc = entry::loc(href, base).unwrap_or_default();
        }
    }

    /// A name that is declared to be no link.
    pub(super) fn forget_guid(&mut self) {
        self.open = None;
    }

    /// The entry, where the record has named a URL. A field that was never closed may have been cut
    /// through and does not count.
    pub(super) fn finish(self, base: &Url) -> Option<Entry> {
        let mut entry = self.entry;
        if entry.loc.is_empty() && self.open.is_none() {
            let stands_in =
                if self.format == Format::Rss { self.guid.unwrap_or_default() } else { self.bare };
            let stands_in = Some(stands_in.trim()).filter(|text| text.starts_with("http"));
            entry.loc = stands_in.and_then(|text| entry::loc(text, base)).unwrap_or_default();
        }
        (!entry.loc.is_empty()).then_some(entry)
    }
}

fn blank(format: Format) -> Entry {
    Entry {
        loc: String::new(),
        lastmod: None,
        priority: None,
        changefreq: None,
        index: format == Format::Index,
    }
}
