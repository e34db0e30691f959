//! The columns that items need, found by looking at all of them: a column for each field, of the
//! narrowest kind that holds every value.

use super::{Column, ItemRow, Kind, items::ORIGIN};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most columns of a file; fields beyond it are left out of flat formats.
const MOST_COLUMNS: usize = 2_000;

/// What was seen of items so far.
#[derive(Clone, Debug, Default)]
pub struct Inference {
    fields: BTreeMap<String, Option<Kind>>,
}

impl Inference {
    /// Takes note of an item's fields.
    pub fn see(&mut self, row: &ItemRow) {
        row.visit(&mut |path, value| {
            if ORIGIN.iter().any(|column| column.name == path) {
                return;
            }
            let seen = kind(value);
            let is_full = self.fields.len() >= MOST_COLUMNS;
            match self.fields.get_mut(path) {
                Some(known) => *known = wider(*known, seen),
                None if is_full => {}
                None => drop(self.fields.insert(path.to_owned(), seen)),
            }
        });
    }

    /// Where items are from, then their fields by name: the same columns in the same order whichever
    /// item came first.
    #[must_use]
    pub fn columns(self) -> Vec<Column> {
        let fields = self
            .fields
            .into_iter()
            .map(|(name, kind)| Column { name: name.into(), kind: kind.unwrap_or(Kind::Text) });
        ORIGIN.iter().cloned().chain(fields).collect()
    }
}

/// The kind of a value; null may be any.
fn kind(value: &Value) -> Option<Kind> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => Kind::Bool,
        Value::Number(number) if number.is_i64() => Kind::Int,
        Value::Number(_) => Kind::Float,
        Value::String(_) => Kind::Text,
        Value::Array(values) if values.iter().all(Value::is_string) => Kind::Texts,
        Value::Array(_) | Value::Object(_) => Kind::Json,
    })
}

/// The narrowest kind that holds both.
fn wider(one: Option<Kind>, other: Option<Kind>) -> Option<Kind> {
    match (one, other) {
        (None, kind) | (kind, None) => kind,
        (one, other) if one == other => one,
        (Some(Kind::Int | Kind::Float), Some(Kind::Int | Kind::Float)) => Some(Kind::Float),
        (Some(Kind::Texts | Kind::Json), _) | (_, Some(Kind::Texts | Kind::Json)) => Some(Kind::Json),
        _ => Some(Kind::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_narrow_as_all_values_allow_and_in_one_order() {
        let rows = [
            json!({"b": 1, "a": 1, "c": null, "d": true, "e": ["x"], "f": {"g": "x", "h": []}, "_url": "u"}),
            json!({"b": 1.5, "a": 2, "d": "no", "e": ["y", "z"], "f": {"h": [1]}}),
        ];
        let columns = |rows: &[Value]| {
            let mut inference = Inference::default();
            for row in rows {
                let Value::Object(fields) = row.clone() else { unreachable!() };
                inference.see(&ItemRow(fields));
            }
            inference.columns()
        };
        let found = columns(&rows);
        let shown: Vec<_> = found.iter().map(|column| format!("{} {:?}", column.name, column.kind)).collect();
        let expected = [
            "_url Text",
            "_type Text",
            "_fetched_at Time",
            "a Int",
            "b Float",
            "c Text",
            "d Text",
            "e Texts",
            "f.g Text",
            "f.h Json",
        ];
        assert_eq!(shown, expected);
        assert_eq!(columns(&[rows[1].clone(), rows[0].clone()]), found);
    }
}
