//! XML: feeds (RSS 0.9 to 2.0, Atom) by their entries, anything else by its text.
//!
//! Entities that a document declares are never expanded, and nothing outside it is ever read. A
//! document that breaks off is read up to there.

use super::{
    Task,
    feed::{Entry, Feed},
};
use crate::{links::RawLink, parse::Parsed};
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};
use std::borrow::Cow;
use trawl_shared::model::LinkKind;

/// Deepest nesting read.
const MAX_DEPTH: usize = 10_000;

/// The local name of the root element, in lower case.
#[must_use]
pub fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    // Before the root there are a declaration, comments and a document type.
    for _ in 0..100 {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => return Some(local(&tag)),
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

/// Reads an XML document.
#[must_use]
pub fn read(task: &Task<'_>, text: &str) -> Parsed {
    let mut walk = Walk::new(task);
    let broken = walk.read(text);
    let mut parsed = task.page();
    let found_nothing = walk.feed.entries.is_empty() && walk.text.is_empty() && walk.names.is_empty();
    if let Some(why) = &broken
        && found_nothing
    {
        return parsed.unreadable(format!("the XML is broken: {why}"));
    }
    if task.wants_text() {
        parsed.page.text = Some(walk.text).filter(|text| !text.is_empty());
    }
    if walk.is_feed {
        walk.feed.write_to(&mut parsed, task);
    }
    task.add_links(&mut parsed, walk.links);
    if let Some(why) = broken {
        parsed.note_cut(&format!("the XML is broken and was read up to there: {why}"));
    }
    parsed
}

fn local(tag: &BytesStart<'_>) -> String {
    tag.local_name().into_inner().to_ascii_lowercase()
}

/// The text of `&name;`: a character, or one of HTML's names, which feeds use undeclared.
fn reference(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => c.to_string(),
        _ => htmlize::unescape(format!("&{};", reference.xml10_content())).into_owned(),
    }
}

/// Elements of feeds whose text is kept.
const FIELDS: [&str; 22] = [
    "title",
    "link",
    "guid",
    "id",
    "pubdate",
    "published",
    "issued",
    "date",
    "updated",
    "modified",
    "lastbuilddate",
    "author",
    "creator",
    "managingeditor",
    "description",
    "summary",
    "subtitle",
    "tagline",
    "content",
    "encoded",
    "category",
    "language",
];

/// The text of an element under way.
struct Field {
    name: String,
    /// Its depth.
    depth: usize,
    text: String,
    /// Where in the text the `<name>` of an author starts.
    person: Option<usize>,
}

struct Walk {
    is_feed: bool,
    wants_data: bool,
    max_links: usize,
    max_text: usize,
    /// The names of the open elements; empty only before the root.
    names: Vec<String>,
    depth: usize,
    feed: Feed,
    entry: Option<(usize, Entry)>,
    field: Option<Field>,
    /// The text that stands in no element of its own, a line for each run.
    text: String,
    run: String,
    links: Vec<RawLink<'static>>,
}

impl Walk {
    fn new(task: &Task<'_>) -> Self {
        Self {
            is_feed: false,
            wants_data: task.wanted().kinds.contains(LinkKind::Data),
            max_links: task.settings.max_links,
            max_text: task.settings.max_text_bytes,
            names: Vec::new(),
            depth: 0,
            feed: Feed::default(),
            entry: None,
            field: None,
            text: String::new(),
            run: String::new(),
            links: Vec::new(),
        }
    }

    /// Reads to the end, or to where the document breaks, and says why.
    fn read(&mut self, text: &str) -> Option<String> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        loop {
            match reader.read_event() {
                Ok(Event::Start(tag)) => {
                    self.open(&tag);
                    if self.depth > MAX_DEPTH {
                        return Some(format!("it nests deeper than {MAX_DEPTH} elements"));
                    }
                }
                Ok(Event::Empty(tag)) => {
                    self.open(&tag);
                    self.close();
                }
                Ok(Event::End(_)) => self.close(),
                Ok(Event::Text(text)) => self.push(&text.xml10_content()),
                Ok(Event::CData(text)) => self.push(&text.xml10_content()),
                Ok(Event::GeneralRef(name)) => self.push(&reference(&name)),
                Ok(Event::Eof) => {
                    self.end_run();
                    self.finish_entry();
                    return None;
                }
                Ok(_) => {}
                Err(error) => {
                    self.end_run();
                    self.finish_entry();
                    return Some(format!("byte {}: {error}", reader.error_position()));
                }
            }
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) {
        self.end_run();
        let name = local(tag);
        self.depth += 1;
        if self.depth == 1 {
            self.is_feed = matches!(name.as_str(), "rss" | "rdf" | "feed");
        }
        if let Some(field) = &mut self.field {
            field.text.push(' ');
            if name == "name" && field.name == "author" {
                field.person = Some(field.text.len());
            }
        } else if self.is_feed && matches!(name.as_str(), "item" | "entry") {
            self.finish_entry();
            self.entry = Some((self.depth, Entry::default()));
        } else if self.is_feed && FIELDS.contains(&name.as_str()) {
            let depth = self.depth;
            self.field = Some(Field { name: name.clone(), depth, text: String::new(), person: None });
        }
        self.attributes(&name, tag);
        self.names.push(name);
    }

    fn attributes(&mut self, name: &str, tag: &BytesStart<'_>) {
        let mut found: Vec<(String, String)> = Vec::new();
        for attribute in tag.html_attributes().flatten().take(100) {
            let key = attribute.key.local_name().into_inner().to_ascii_lowercase();
            if matches!(key.as_str(), "href" | "src" | "url" | "resource" | "rel" | "term") {
                found.push((key, htmlize::unescape_attribute(&*attribute.value).into_owned()));
            }
        }
        let get = |key: &str| found.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        if let Some((_, entry)) = &mut self.entry {
            match name {
                "link" => match (get("href"), get("rel").as_deref()) {
                    (Some(href), None | Some("alternate")) => {
                        entry.url.get_or_insert(href);
                    }
                    (Some(href), Some("enclosure")) => entry.enclosures.push(href),
                    _ => {}
                },
                "enclosure" => entry.enclosures.extend(get("url")),
                "category" => entry.categories.extend(get("term")),
                _ => {}
            }
        } else if self.wants_data && !self.is_feed {
            for key in ["href", "src", "url", "resource"] {
                if let Some(url) = get(key) {
                    self.link(url);
                }
            }
        }
    }

    fn link(&mut self, url: String) {
        if self.links.len() < self.max_links {
            self.links.push(RawLink::new(LinkKind::Data, Cow::Owned(url)));
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            field.text.push_str(text);
        }
        if !self.is_feed {
            self.run.push_str(text);
        }
    }

    /// Ends a run of text: a tag stands behind it.
    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        let run = run.trim();
        if run.is_empty() {
            return;
        }
        if self.text.len() < self.max_text {
            self.text.push_str(if self.text.is_empty() { "" } else { "\n" });
            self.text.push_str(run);
        }
        let is_url = run.starts_with("http://") || run.starts_with("https://");
        if self.wants_data && is_url && !run.contains(char::is_whitespace) {
            self.link(run.to_owned());
        }
    }

    fn close(&mut self) {
        self.end_run();
        let Some(name) = self.names.pop() else { return };
        let depth = self.depth;
        self.depth -= 1;
        if let Some(field) = &mut self.field {
            if depth <= field.depth {
                if let Some(field) = self.field.take() {
                    self.take(field);
                }
            } else if name == "name"
                && let Some(from) = field.person.take()
            {
                field.text.drain(..from);
                field.depth = field.depth.max(depth - 1);
                let person = std::mem::take(&mut field.text);
                self.author(person);
            }
        }
        if self.entry.as_ref().is_some_and(|(opened, _)| depth <= *opened) {
            self.finish_entry();
        }
    }

    fn author(&mut self, name: String) {
        let name = name.trim().to_owned();
        match &mut self.entry {
            _ if name.is_empty() => {}
            Some((_, entry)) => entry.authors.push(name),
            None => {
                self.feed.author.get_or_insert(name);
            }
        }
    }

    fn finish_entry(&mut self) {
        if let Some((_, entry)) = self.entry.take() {
            self.feed.entries.push(entry);
        }
    }

    /// Takes in the text of a field.
    fn take(&mut self, field: Field) {
        let text = field.text.trim().to_owned();
        if text.is_empty() {
            return;
        }
        let feed = &mut self.feed;
        let Some((_, entry)) = &mut self.entry else {
            let place = match field.name.as_str() {
                "title" => &mut feed.title,
                "description" | "subtitle" | "tagline" => &mut feed.description,
                "language" => &mut feed.lang,
                "managingeditor" | "creator" => &mut feed.author,
                "updated" | "lastbuilddate" | "modified" => &mut feed.updated,
                _ => return,
            };
            place.get_or_insert(text);
            return;
        };
        let place = match field.name.as_str() {
            "title" => &mut entry.title,
            "link" => &mut entry.url,
            "guid" | "id" => &mut entry.id,
            "pubdate" | "published" | "issued" | "date" => &mut entry.published,
            "updated" | "modified" => &mut entry.updated,
            "description" | "summary" => &mut entry.summary,
            "content" | "encoded" => &mut entry.content,
            "category" => return entry.categories.push(text),
            // Atom's <name> has been taken; what is left is an address.
            "author" if entry.authors.is_empty() => return entry.authors.push(text),
            "creator" => return entry.authors.push(text),
            _ => return,
        };
        place.get_or_insert(text);
    }
}
