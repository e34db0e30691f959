//! Items: what extraction rules made of a page, one object each.
//!
//! A row of an item has its fields, and beside them where it is from: `_url`, `_type`, `_fetched_at`.
//! JSONL keeps what is nested; flat formats have `field.inner`, lists of texts, and JSON for the rest.

use super::{Cell, Column, Kind};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use trawl_shared::model::{JobId, TaskId};

/// An item as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The job.
    pub job: JobId,
    /// The task whose page it is from.
    pub task: TaskId,
    /// Hash of the rules that made it.
    pub rules: String,
    /// Its place among the page's items.
    pub position: u32,
    /// Its type; empty where the rules name none.
    pub kind: String,
    /// The page.
    pub url: String,
    /// When the page was fetched, in Unix milliseconds.
    pub fetched_at: Option<i64>,
    /// The item: a JSON object.
    pub data: String,
}

/// Where an item is from: the columns before its fields.
pub(super) static ORIGIN: &[Column] = &[
    Column::fixed("_url", Kind::Text),
    Column::fixed("_type", Kind::Text),
    Column::fixed("_fetched_at", Kind::Time),
];

/// The field in which rules name an item's type.
const TYPE: &str = "type";

/// An item as a row: the object that a line of JSONL holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRow(pub Map<String, Value>);

impl ItemRow {
    /// The row of an item.
    ///
    /// # Errors
    /// When its data is no JSON object.
    pub fn new(item: &Item) -> Result<Self, serde_json::Error> {
        let fields: Map<String, Value> = serde_json::from_str(&item.data)?;
        let mut row = Map::with_capacity(fields.len() + ORIGIN.len());
        row.insert("_url".into(), item.url.as_str().into());
        row.insert("_type".into(), item.kind.as_str().into());
        let time = item.fetched_at.and_then(super::instant);
        row.insert("_fetched_at".into(), time.map_or(Value::Null, |at| at.to_string().into()));
        row.extend(fields);
        Ok(Self(row))
    }

    /// Appends the row as a line of JSON: all of it, or these columns.
    pub(crate) fn line(&self, columns: &[Column], out: &mut Vec<u8>) {
        let json = "an item that was JSON is JSON";
        if columns.is_empty() {
            serde_json::to_writer(&mut *out, &self.0).expect(json);
        } else {
            let chosen = columns.iter().map(|column| (&column.name, value(&self.0, &column.name)));
            serde_json::to_writer(&mut *out, &Chosen(chosen.collect())).expect(json);
        }
        out.push(b'\n');
    }

    /// What stands under a column, as the column's kind has it.
    #[must_use]
    pub fn cell(&self, column: &Column) -> Cell<'_> {
        value(&self.0, &column.name).map_or(Cell::Null, |value| cell(value, column.kind))
    }

    /// Shows each field with its dotted path; objects are gone into.
    pub(super) fn visit<'a>(&'a self, visit: &mut impl FnMut(&str, &'a Value)) {
        fn walk<'a>(prefix: &str, fields: &'a Map<String, Value>, visit: &mut impl FnMut(&str, &'a Value)) {
            for (name, value) in fields {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                match value {
                    Value::Object(inner) if !inner.is_empty() => walk(&path, inner, visit),
                    value => visit(&path, value),
                }
            }
        }
        walk("", &self.0, visit);
    }
}

/// Some columns of an item, in their order.
struct Chosen<'a>(Vec<(&'a Cow<'static, str>, Option<&'a Value>)>);

impl serde::Serialize for Chosen<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// The type that an item names; empty where it names none.
pub(crate) fn type_of(item: &Map<String, Value>) -> &str {
    item.get(TYPE).and_then(Value::as_str).unwrap_or_default()
}

/// The value at a dotted path; a field whose own name has a dot comes first.
fn value<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| match fields.get(&path[..at]) {
        Some(Value::Object(inner)) => value(inner, &path[at + 1..]),
        _ => None,
    })
}

/// A value as a cell of a kind.
pub(super) fn cell(value: &Value, kind: Kind) -> Cell<'_> {
    let as_json = || Cell::Json(Cow::Owned(value.to_string()));
    match (kind, value) {
        (_, Value::Null) => Cell::Null,
        (Kind::Bool, Value::Bool(yes)) => Cell::Bool(*yes),
        (Kind::Int, Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::Int),
        (Kind::Float, Value::Number(number)) => number.as_f64().map_or(Cell::Null, Cell::Float),
        (Kind::Text, Value::String(text)) => Cell::Text(Cow::Borrowed(text)),
        (Kind::Text, _) => Cell::Text(Cow::Owned(value.to_string())),
        (Kind::Time, Value::String(text)) => {
            text.parse::<jiff::Timestamp>().map_or(Cell::Null, |at| Cell::Time(at.as_millisecond()))
        }
        (Kind::Texts, Value::Array(values)) => {
            let texts = values.iter().map(|value| match value {
                Value::String(text) => Cow::Borrowed(text.as_str()),
                value => Cow::Owned(value.to_string()),
            });
            Cell::Texts(texts.collect())
        }
        (Kind::Json, _) => as_json(),
        _ => Cell::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_into_objects() {
        let Value::Object(fields) = json!({"a": {"b": {"c": 1}}, "a.b": 2, "d": {}}) else { unreachable!() };
        assert_eq!(value(&fields, "a.b"), Some(&json!(2)));
        assert_eq!(value(&fields, "a.b.c"), Some(&json!(1)));
        assert_eq!(value(&fields, "a.x"), None);
        let mut paths = Vec::new();
        ItemRow(fields).visit(&mut |path, value| paths.push(format!("{path}={value}")));
        paths.sort();
        assert_eq!(paths, ["a.b.c=1", "a.b=2", "d={}"]);
    }
}
