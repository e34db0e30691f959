//! A page through its rules: items, and marks on its links.

use super::{
    Rules,
    field::{Ground, MAX_MATCHES, read_all},
    follow::Marks,
    pages::PageRules,
};
use crate::dom::{Dom, Match, Place};
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use trawl_shared::model::ParsedPage;
use url::Url;

/// Longest time that the rules may take on one page. Real pages take milliseconds; only rules that look at
/// everything from everywhere, on pages made for them, come near.
const MAX_TIME: Duration = Duration::from_secs(10);

/// A page that rules are applied to.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    /// Where it stands.
    pub url: &'a Url,
    /// Its tree.
    pub dom: &'a Dom,
    /// Makes a reference of the page absolute.
    pub resolve: &'a dyn Fn(&str) -> Option<String>,
}

/// What the rules made of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Items that lack a required field.
    pub incomplete: usize,
    /// The required fields that are missing in one item or more.
    pub missing: Vec<String>,
    /// Whether something was left out, past a bound in number or time.
    pub cut: bool,
}

impl Rules {
    /// Whether they ask for metadata of the page that is not always there.
    #[must_use]
    pub fn need_metadata(&self, url: &Url) -> bool {
        let sets = self.sets.iter().filter(|set| set.is_for(url));
        sets.flat_map(|set| &set.fields).any(|field| field.source.needs_metadata())
    }

    /// Applies all sets that are for the page, in the order of the file. The facts of the page must be in
    /// `parsed`; items are added to it, and its links are marked.
    pub fn apply(&self, page: Page<'_>, parsed: &mut ParsedPage, max_bytes: usize) -> Applied {
        let mut applied = Applied::default();
        let deadline = Instant::now() + MAX_TIME;
        let mut room = max_bytes;
        for set in self.sets.iter().filter(|set| set.is_for(page.url)) {
            let ground = Ground { facts: parsed, resolve: page.resolve, deadline, top: page.dom.top() };
            let items = set.items(&ground, &mut room, &mut applied);
            let marks = set.marks(&ground);
            parsed.items.extend(items);
            if let Some(marks) = marks {
                marks.write_to(&mut parsed.links);
            }
        }
        parsed.rules = Some(self.hash.clone());
        applied
    }
}

impl PageRules {
    fn items(&self, ground: &Ground<'_, '_>, room: &mut usize, applied: &mut Applied) -> Vec<Value> {
        if self.fields.is_empty() {
            return Vec::new();
        }
        let places = match &self.items {
            Some(query) => ground.top.find(query, MAX_MATCHES).into_iter().filter_map(element).collect(),
            None => vec![ground.top],
        };
        applied.cut |= places.len() == MAX_MATCHES;
        let mut items = Vec::with_capacity(places.len());
        for place in places {
            if ground.is_late() {
                applied.cut = true;
                break;
            }
            let mut missing = Vec::new();
            let fields = read_all(&self.fields, place, ground, "", &mut missing);
            let size = size(&fields);
            if size > *room {
                applied.cut = true;
                break;
            }
            *room -= size;
            if !missing.is_empty() {
                applied.incomplete += 1;
                for field in &missing {
                    if !applied.missing.contains(field) {
                        applied.missing.push(field.clone());
                    }
                }
            }
            items.push(self.item(fields, missing));
        }
        items
    }

    fn item(&self, fields: Map<String, Value>, missing: Vec<String>) -> Value {
        let mut item = Map::new();
        if !self.name.is_empty() {
            item.insert("type".to_owned(), Value::String(self.name.clone()));
        }
        item.extend(fields);
        if !missing.is_empty() {
            item.insert("_missing".to_owned(), missing.into());
        }
        Value::Object(item)
    }

    fn marks(&self, ground: &Ground<'_, '_>) -> Option<Marks> {
        let says_something = !self.follow.is_empty() || !self.follows_others;
        says_something.then(|| Marks::of(&self.follow, self.follows_others, ground.top, ground.resolve))
    }
}

fn element(found: Match<'_>) -> Option<Place<'_>> {
    match found {
        Match::Element(place) => Some(place),
        Match::Text(_) => None,
    }
}

/// Roughly the bytes of an item's JSON.
fn size(fields: &Map<String, Value>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 2,
            Value::Array(values) => values.iter().map(|value| of(value) + 1).sum(),
            Value::Object(fields) => size(fields),
            _ => 8,
        }
    }
    fields.iter().map(|(name, value)| name.len() + 4 + of(value)).sum()
}
