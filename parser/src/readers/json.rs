//! JSON: the value is an item, its texts are the text. JSON-LD documents and JSON Feed are known.

use super::{
    Task,
    feed::{Entry, Feed},
};
use crate::parse::Parsed;
use serde_json::Value;

/// Reads a JSON document.
#[must_use]
pub fn read(task: &Task<'_>, text: &str, is_json_ld: bool) -> Parsed {
    let mut parsed = task.page();
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return parsed.unreadable(format!("the JSON is broken: {error}")),
    };
    if task.wants_text() {
        parsed.page.text = Some(texts(&value)).filter(|text| !text.is_empty());
    }
    if let Some(feed) = feed(&value) {
        feed.write_to(&mut parsed, task);
        return parsed;
    }
    if task.extract.metadata {
        if text.len() > task.settings.max_structured_bytes {
            parsed.note_cut("the JSON is longer than the bound of structured data and was left out");
        } else if is_json_ld {
            parsed.page.json_ld.push(value);
        } else {
            parsed.page.items.push(value);
        }
    }
    parsed
}

/// The strings of a value, a line each. (The value nests no deeper than the JSON reader lets it.)
fn texts(value: &Value) -> String {
    fn collect(value: &Value, text: &mut String) {
        match value {
            Value::String(string) => {
                let string = string.trim();
                if !string.is_empty() {
                    text.push_str(if text.is_empty() { "" } else { "\n" });
                    text.push_str(string);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, text)),
            Value::Object(members) => members.values().for_each(|value| collect(value, text)),
            _ => {}
        }
    }
    let mut text = String::new();
    collect(value, &mut text);
    text
}

/// A JSON Feed (version 1 and 1.1).
fn feed(value: &Value) -> Option<Feed> {
    let version = value.get("version")?.as_str()?;
    if !version.starts_with("https://jsonfeed.org/version/") {
        return None;
    }
    let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let author = |value: &Value| {
        let authors = value.get("authors").and_then(Value::as_array);
        let one = value.get("author").or_else(|| authors?.first())?;
        text(one, "name")
    };
    let entries = value.get("items")?.as_array()?.iter().map(|item| Entry {
        url: text(item, "url").or_else(|| text(item, "external_url")),
        id: text(item, "id"),
        title: text(item, "title"),
        authors: author(item).into_iter().collect(),
        published: text(item, "date_published"),
        updated: text(item, "date_modified"),
        summary: text(item, "summary"),
        content: text(item, "content_html").or_else(|| text(item, "content_text")),
        categories: item
            .get("tags")
            .and_then(Value::as_array)
            .map(|tags| tags.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
        enclosures: Vec::new(),
    });
    Some(Feed {
        title: text(value, "title"),
        description: text(value, "description"),
        lang: text(value, "language"),
        author: author(value),
        updated: None,
        entries: entries.collect(),
    })
}
