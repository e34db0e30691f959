//! Feeds, whatever they are written in: an entry is a link to follow and an item.

use super::Task;
use crate::{
    date,
    facts::MAX_VALUE,
    links::{MAX_ANCHOR_TEXT, RawLink},
    parse::Parsed,
    resolve::Resolver,
    text,
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value};
use std::borrow::Cow;
use trawl_shared::model::LinkKind;

/// A feed as it is written.
#[derive(Debug, Default)]
pub(super) struct Feed {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) lang: Option<String>,
    pub(super) author: Option<String>,
    pub(super) updated: Option<String>,
    pub(super) entries: Vec<Entry>,
}

/// An entry as it is written.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) url: Option<String>,
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) published: Option<String>,
    pub(super) updated: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) content: Option<String>,
    pub(super) categories: Vec<String>,
    pub(super) enclosures: Vec<String>,
}

impl Feed {
    /// Writes the feed into the page: links, items, and facts of the feed itself.
    pub(super) fn write_to(self, parsed: &mut Parsed, task: &Task<'_>) {
        let value = |value: Option<String>| value.and_then(|value| text::collapsed(&value, MAX_VALUE));
        let page = &mut parsed.page;
        page.title = value(self.title);
        page.description = value(self.description);
        page.lang = value(self.lang);
        page.author = value(self.author);
        page.modified = self.updated.as_deref().and_then(date::normalised);
        let mut bytes = task.settings.max_structured_bytes;
        let resolver = Resolver::new(task.url, encoding_rs::UTF_8);
        if task.wants_text() {
            let titles = page.title.iter().cloned().chain(self.entries.iter().filter_map(Entry::line));
            page.text = Some(titles.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty());
        }
        for (index, entry) in self.entries.into_iter().enumerate() {
            let size = entry.size();
            if index >= task.settings.max_links || size > bytes {
                parsed.note_cut("entries of the feed past the bound were left out");
                break;
            }
            bytes -= size;
            entry.write_to(parsed, task, &resolver);
        }
    }
}

impl Entry {
    /// What stands of it in the text of the feed.
    fn line(&self) -> Option<String> {
        text::collapsed(self.title.as_deref()?, MAX_ANCHOR_TEXT)
    }

    fn size(&self) -> usize {
        let texts =
            [&self.url, &self.id, &self.title, &self.published, &self.updated, &self.summary, &self.content];
        let lists = [&self.authors, &self.categories, &self.enclosures];
        texts.into_iter().flatten().chain(lists.into_iter().flatten()).map(String::len).sum()
    }

    fn write_to(self, parsed: &mut Parsed, task: &Task<'_>, resolver: &Resolver<'_>) {
        // An RSS entry without a link may have its address as its id.
        let id_is_url = || self.id.clone().filter(|id| id.starts_with("http"));
        let href = self.url.clone().or_else(id_is_url).unwrap_or_default();
        let title = self.line();
        let changed = self.updated.as_deref().or(self.published.as_deref());
        let before = parsed.page.links.len();
        if !href.trim().is_empty() {
            let link = RawLink::new(LinkKind::Feed, Cow::Borrowed(href.trim()));
            let link = RawLink { text: title.clone().unwrap_or_default(), ..link };
            task.add_links(parsed, vec![link]);
            if let Some(link) = parsed.page.links.get_mut(before) {
                link.lastmod = changed.and_then(instant);
            }
        }
        if task.wanted().kinds.contains(LinkKind::Media) {
            let media = |url: &String| RawLink::new(LinkKind::Media, Cow::Owned(url.clone()));
            task.add_links(parsed, self.enclosures.iter().map(media).collect());
        }
        let mut item = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                item.insert(name.to_owned(), Value::String(value));
            }
        };
        put("type", Some("feed_entry".to_owned()));
        put("url", resolver.resolve(&href).filter(|_| !href.trim().is_empty()));
        put("id", self.id.map(trimmed));
        put("title", title);
        put("author", Some(self.authors.join("; ")));
        put("published", self.published.map(|date| date::normalised(&date).unwrap_or(date)));
        put("updated", self.updated.map(|date| date::normalised(&date).unwrap_or(date)));
        put("summary", self.summary.map(trimmed));
        put("content", self.content.map(trimmed));
        let enclosures =
            self.enclosures.into_iter().map(|url| resolver.resolve(&url).unwrap_or(url)).collect();
        for (name, values) in [("categories", self.categories), ("enclosures", enclosures)] {
            if !values.is_empty() {
                item.insert(name.to_owned(), values.into());
            }
        }
        parsed.page.items.push(Value::Object(item));
    }
}

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

/// The instant of a date; without an offset it is taken for UTC.
fn instant(date: &str) -> Option<Timestamp> {
    let date = date::normalised(date)?;
    date.parse().ok().or_else(|| {
        let local: DateTime = date.parse().ok()?;
        local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}
