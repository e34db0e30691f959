//! A field: where its value is, what is done to it, and what it finds on a page.

use super::{pieces::Pieces, typed::Kind};
use crate::dom::{Match, Place, Query};
use serde_json::{Map, Value};
use std::{borrow::Cow, ops::ControlFlow, time::Instant};
use trawl_shared::model::ParsedPage;

/// Most values of one field, and most items of one page.
pub(super) const MAX_MATCHES: usize = 10_000;

/// Longest text of one value, in characters.
const MAX_VALUE: usize = 1024 * 1024;

/// Fields in the order of the file.
pub(super) type Fields = Vec<Field>;

/// A compiled field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) pieces: Pieces,
    pub(super) kind: Kind,
    pub(super) is_list: bool,
    pub(super) is_required: bool,
    pub(super) default: Option<Value>,
}

/// Where a value is.
#[derive(Debug)]
pub(super) enum Source {
    /// At the places that a query finds, or at the item itself.
    Find { query: Option<Query>, part: Part },
    /// Items within the item.
    Nested { query: Query, fields: Fields },
    /// In what is known of the page.
    Page(PageFact),
    /// In a meta tag of this name (lower case).
    Meta(String),
    /// In the rules.
    Constant(Value),
}

/// What of an element is its value.
#[derive(Debug)]
pub(super) enum Part {
    /// Its text in one line.
    Text,
    /// Its text, a line for each block.
    Lines,
    /// Its text with the white space of the source.
    RawText,
    /// The HTML inside.
    Html,
    /// An attribute.
    Attribute(String),
}

/// What is known of a page beside its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageFact {
    Url,
    Title,
    Description,
    Lang,
    Canonical,
    Author,
    Published,
    Modified,
}

impl PageFact {
    const ALL: [(&'static str, Self); 8] = [
        ("url", Self::Url),
        ("title", Self::Title),
        ("description", Self::Description),
        ("lang", Self::Lang),
        ("canonical", Self::Canonical),
        ("author", Self::Author),
        ("published", Self::Published),
        ("modified", Self::Modified),
    ];

    /// For messages.
    pub(super) const NAMES: &'static str =
        "url, title, description, lang, canonical, author, published, modified";

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, fact)| *fact)
    }

    fn of(self, page: &ParsedPage) -> Option<&str> {
        match self {
            Self::Url => Some(&page.url),
            Self::Title => page.title.as_deref(),
            Self::Description => page.description.as_deref(),
            Self::Lang => page.lang.as_deref(),
            Self::Canonical => page.canonical.as_deref(),
            Self::Author => page.author.as_deref(),
            Self::Published => page.published.as_deref(),
            Self::Modified => page.modified.as_deref(),
        }
    }
}

/// What fields are read from.
pub(super) struct Ground<'a, 'd> {
    /// What is known of the page.
    pub(super) facts: &'a ParsedPage,
    /// Makes references absolute.
    pub(super) resolve: &'a dyn Fn(&str) -> Option<String>,
    /// When reading stops.
    pub(super) deadline: Instant,
    /// The tree.
    pub(super) top: Place<'d>,
}

impl Ground<'_, '_> {
    pub(super) fn is_late(&self) -> bool {
        Instant::now() > self.deadline
    }
}

/// The fields of an item found at a place. `missing` takes the paths of required fields without a value.
pub(super) fn read_all<'d>(
    fields: &[Field],
    place: Place<'d>,
    ground: &Ground<'_, 'd>,
    prefix: &str,
    missing: &mut Vec<String>,
) -> Map<String, Value> {
    let mut object = Map::new();
    for field in fields {
        let path = || format!("{prefix}{}", field.name);
        match field.read(place, ground, prefix, missing) {
            Some(value) => {
                object.insert(field.name.clone(), value);
            }
            None if field.is_required => {
                // A list of many items misses the same field many times.
                let path = path();
                if !missing.contains(&path) {
                    missing.push(path);
                }
            }
            None => {}
        }
    }
    object
}

impl Field {
    fn read<'d>(
        &self,
        place: Place<'d>,
        ground: &Ground<'_, 'd>,
        prefix: &str,
        missing: &mut Vec<String>,
    ) -> Option<Value> {
        let values = match &self.source {
            Source::Constant(value) => return Some(value.clone()),
            Source::Nested { query, fields } => self.nested(query, fields, place, ground, prefix, missing),
            _ if ground.is_late() => Vec::new(),
            source if self.is_list || self.pieces.need_all() => {
                let mut texts = Vec::new();
                source.each_text(place, ground, &mut |text| {
                    texts.push(text);
                    ControlFlow::Continue(())
                });
                let pieces = self.pieces.of(texts);
                let values = pieces.iter().filter_map(|piece| self.kind.value(piece, ground.resolve));
                self.kind.whole(&pieces).map_or_else(|| values.collect(), |value| vec![value])
            }
            source => {
                // The first text is mostly the one: nothing behind a value is looked for.
                let mut value = None;
                source.each_text(place, ground, &mut |text| {
                    let pieces = self.pieces.of(vec![text]);
                    value = pieces.iter().find_map(|piece| self.kind.value(piece, ground.resolve));
                    value.as_ref().map_or(ControlFlow::Continue(()), |_| ControlFlow::Break(()))
                });
                value.or_else(|| self.kind.whole(&[])).into_iter().collect()
            }
        };
        let value = if self.is_list {
            Some(values).filter(|values| !values.is_empty()).map(Value::Array)
        } else {
            values.into_iter().next()
        };
        value.or_else(|| self.default.clone())
    }

    fn nested<'d>(
        &self,
        query: &Query,
        fields: &[Field],
        place: Place<'d>,
        ground: &Ground<'_, 'd>,
        prefix: &str,
        missing: &mut Vec<String>,
    ) -> Vec<Value> {
        let prefix = format!("{prefix}{}.", self.name);
        let limit = if self.is_list { MAX_MATCHES } else { 1 };
        let mut values = Vec::new();
        for found in place.find(query, limit) {
            if ground.is_late() {
                break;
            }
            let Match::Element(inner) = found else { continue };
            let object = read_all(fields, inner, ground, &prefix, missing);
            if !object.is_empty() {
                values.push(Value::Object(object));
            }
        }
        values
    }
}

impl Source {
    /// Gives what stands where it looks, text by text, until that is enough.
    fn each_text<'d, 'g: 'd>(
        &self,
        place: Place<'d>,
        ground: &'g Ground<'_, 'd>,
        take: &mut dyn FnMut(Cow<'d, str>) -> ControlFlow<()>,
    ) {
        let facts: &'g ParsedPage = ground.facts;
        match self {
            Self::Find { query: None, part } => {
                let _ = part.of(place).map_or(ControlFlow::Continue(()), take);
            }
            Self::Find { query: Some(query), part } => place.visit(query, MAX_MATCHES, &mut |found| {
                let text = match found {
                    Match::Element(place) => part.of(place),
                    Match::Text(text) => Some(text),
                };
                text.map_or(ControlFlow::Continue(()), &mut *take)
            }),
            Self::Page(fact) => {
                let _ = fact.of(facts).map(Cow::Borrowed).map_or(ControlFlow::Continue(()), take);
            }
            Self::Meta(name) => {
                let tags = facts.meta.iter().filter(|tag| tag.name.eq_ignore_ascii_case(name));
                let _ = tags.map(|tag| Cow::Borrowed(tag.content.as_str())).try_for_each(take);
            }
            Self::Nested { .. } | Self::Constant(_) => {}
        }
    }

    /// Whether it needs the list of meta tags, or who wrote the page and when.
    pub(super) fn needs_metadata(&self) -> bool {
        match self {
            Self::Meta(_) | Self::Page(PageFact::Author | PageFact::Published | PageFact::Modified) => true,
            Self::Nested { fields, .. } => fields.iter().any(|field| field.source.needs_metadata()),
            _ => false,
        }
    }
}

impl Part {
    fn of<'d>(&self, place: Place<'d>) -> Option<Cow<'d, str>> {
        match self {
            Self::Text => Some(Cow::Owned(place.line(MAX_VALUE))),
            Self::Lines => Some(Cow::Owned(place.lines())),
            Self::RawText => Some(Cow::Owned(place.raw_text())),
            Self::Html => Some(Cow::Owned(place.inner_html())),
            Self::Attribute(name) => place.attribute(name).map(Cow::Borrowed),
        }
    }
}
