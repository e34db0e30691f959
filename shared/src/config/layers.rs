//! Laying one layer over the other, each key checked against the defaults.

use super::{ConfigError, SECTIONS};
use toml::{Table, Value};

/// Tables of tables whose names are the user's own.
const NAMED_TABLES: [&str; 1] = ["groups"];
/// Tables of texts whose names are librdkafka's, with dots in them.
const OPTION_TABLES: [&str; 3] = ["kafka.options", "kafka.producer_options", "kafka.consumer_options"];
/// Tables of numbers whose names are those of jobs.
const JOB_TABLES: [&str; 1] = ["telemetry.traces.crawls"];

/// Variables with our prefix that are not settings.
const OTHER_VARIABLES: [&str; 4] = ["TRAWL_CONFIG", "TRAWL_CORPORA", "TRAWL_CACHE", "TRAWL_TEST_"];

const PREFIX: &str = "TRAWL_";
/// Ends a variable that names the file with the value.
const FILE: &str = "_FILE";

pub(super) struct Layers {
    table: Table,
}

impl Layers {
    pub(super) fn new(defaults: Table) -> Self {
        Self { table: defaults }
    }

    pub(super) fn into_table(self) -> Table {
        self.table
    }

    pub(super) fn file(&mut self, place: &str, text: &str) -> Result<(), ConfigError> {
        let layer: Table = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            place: place.to_owned(),
            reason: error.to_string().trim().to_owned(),
        })?;
        let known = self.keys();
        merge(&mut self.table, layer, &mut Vec::new(), &|key| ConfigError::UnknownKey {
            place: place.to_owned(),
            nearest: nearest(key, known.iter().cloned()),
            key: key.to_owned(),
        })
    }

    pub(super) fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let keys = self.keys();
        let variables: Vec<_> = variables.into_iter().collect();
        for (name, value) in &variables {
            if !name.starts_with(PREFIX) || OTHER_VARIABLES.iter().any(|other| name.starts_with(other)) {
                continue;
            }
            if let Some(key) = keys.iter().find(|key| variable(key) == *name) {
                self.set(name, key, value)?;
            } else if let Some(key) = keys.iter().find(|key| variable(key) + FILE == *name) {
                if variables.iter().any(|(other, _)| *other == variable(key)) {
                    let reason = format!("{} is set as well; keep one of the two", variable(key));
                    return Err(ConfigError::Value { place: name.clone(), reason });
                }
                self.set(name, key, &content(name, value)?)?;
            } else if !self.is_of_another_service(name) {
                let nearest = nearest(name, keys.iter().map(|key| variable(key)));
                let place = "environment".to_owned();
                return Err(ConfigError::UnknownKey { place, key: name.clone(), nearest });
            }
        }
        Ok(())
    }

    /// Sets one key from text, as the kind that its default is of.
    pub(super) fn set(&mut self, place: &str, key: &str, text: &str) -> Result<(), ConfigError> {
        let open = is_open(key);
        let known = self.keys();
        let Place { parts, leaf, is_option } = place_of(key);
        let mut table = &mut self.table;
        for part in parts {
            let unknown = || ConfigError::UnknownKey {
                place: place.to_owned(),
                key: key.to_owned(),
                nearest: nearest(key, known.iter().cloned()),
            };
            if open && !table.contains_key(part) {
                table.insert(part.to_owned(), Value::Table(Table::new()));
            }
            table = table.get_mut(part).and_then(Value::as_table_mut).ok_or_else(unknown)?;
        }
        let old = table.get(leaf);
        if (old.is_none() && !open) || old.is_some_and(Value::is_table) {
            let nearest = nearest(key, known.iter().cloned());
            return Err(ConfigError::UnknownKey { place: place.to_owned(), key: key.to_owned(), nearest });
        }
        if is_option {
            table.insert(leaf.to_owned(), Value::String(text.to_owned()));
            return Ok(());
        }
        let value = read_as(old, text).map_err(|expected| ConfigError::Value {
            place: place.to_owned(),
            reason: format!("{text:?} is not {expected}"),
        })?;
        table.insert(leaf.to_owned(), value);
        Ok(())
    }

    fn is_of_another_service(&self, name: &str) -> bool {
        let others = SECTIONS.iter().filter(|section| !self.table.contains_key(**section));
        others.map(|section| variable(section) + "_").any(|prefix| name.starts_with(&prefix))
            || (!self.table.contains_key("kafka") && name.starts_with("TRAWL_KAFKA_"))
    }

    /// Paths of all known leaves.
    fn keys(&self) -> Vec<String> {
        fn walk(table: &Table, path: &str, keys: &mut Vec<String>) {
            for (name, value) in table {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match value {
                    Value::Table(table) => walk(table, &path, keys),
                    _ => keys.push(path),
                }
            }
        }
        let mut keys = Vec::new();
        walk(&self.table, "", &mut keys);
        keys
    }
}

fn is_open(key: &str) -> bool {
    NAMED_TABLES.iter().chain(&OPTION_TABLES).chain(&JOB_TABLES).any(|table| inside(key, table).is_some())
}

/// What of a key is left inside a table.
fn inside<'a>(key: &'a str, table: &str) -> Option<&'a str> {
    key.strip_prefix(table)?.strip_prefix('.').filter(|rest| !rest.is_empty())
}

/// A name without the quotes that TOML would want around its dots.
fn unquoted(name: &str) -> &str {
    name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name)
}

/// Where a key's value stands.
struct Place<'a> {
    /// The tables on the way, from the top.
    parts: Vec<&'a str>,
    leaf: &'a str,
    is_option: bool,
}

fn place_of(key: &str) -> Place<'_> {
    if let Some((table, leaf)) = OPTION_TABLES.iter().find_map(|table| Some((*table, inside(key, table)?))) {
        return Place { parts: table.split('.').collect(), leaf: unquoted(leaf), is_option: true };
    }
    let (path, leaf) = key.rsplit_once('.').unwrap_or(("", key));
    // Names of groups have dots as well.
    let parts = match NAMED_TABLES.iter().find_map(|table| Some((*table, inside(path, table)?))) {
        Some((table, name)) => vec![table, unquoted(name)],
        None => path.split('.').filter(|part| !part.is_empty()).collect(),
    };
    Place { parts, leaf, is_option: false }
}

/// Options as texts under their whole names: `socket.timeout.ms = 5` is a table in a table to TOML.
fn flatten(layer: Table, path: &str, into: &mut Table) {
    for (name, value) in layer {
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        match value {
            Value::Table(inner) => flatten(inner, &path, into),
            value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_)) => {
                into.insert(path, Value::String(value.to_string()));
            }
            value => _ = into.insert(path, value),
        }
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace(['.', '-'], "_").to_uppercase())
}

/// What the file holds that a variable names, without the line end that editors leave.
fn content(name: &str, path: &str) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Value {
        place: name.to_owned(),
        reason: format!("{path} can't be read: {error}"),
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn merge(
    base: &mut Table,
    layer: Table,
    path: &mut Vec<String>,
    unknown: &dyn Fn(&str) -> ConfigError,
) -> Result<(), ConfigError> {
    for (name, value) in layer {
        path.push(name.clone());
        let key = path.join(".");
        match (base.get_mut(&name), value) {
            (Some(Value::Table(base)), Value::Table(layer)) if OPTION_TABLES.contains(&key.as_str()) => {
                flatten(layer, "", base);
            }
            (Some(Value::Table(base)), Value::Table(layer)) => merge(base, layer, path, unknown)?,
            (Some(base), value) => *base = value,
            // A service of the fleet that this process is not, or an adapter that it lacks.
            (None, _) if path.len() == 1 && (SECTIONS.contains(&name.as_str()) || name == "kafka") => {}
            (None, value) => {
                if !is_open(&key) {
                    return Err(unknown(&key));
                }
                base.insert(name, value);
            }
        }
        path.pop();
    }
    Ok(())
}

fn read_as(old: Option<&Value>, text: &str) -> Result<Value, &'static str> {
    match old {
        Some(Value::Integer(_)) => text.parse().map(Value::Integer).map_err(|_| "a whole number"),
        Some(Value::Float(_)) => text.parse().map(Value::Float).map_err(|_| "a number"),
        Some(Value::Boolean(_)) => text.parse().map(Value::Boolean).map_err(|_| "true or false"),
        Some(Value::Array(_)) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        Some(_) => Ok(Value::String(text.to_owned())),
        // An open table has no default to tell the kind: numbers and booleans look like themselves.
        None => Ok(text
            .parse()
            .map(Value::Integer)
            .or_else(|_| text.parse().map(Value::Boolean))
            .unwrap_or_else(|_| Value::String(text.to_owned()))),
    }
}

/// The most similar known key, if any is similar at all.
pub(super) fn nearest(key: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let scored = known.into_iter().map(|candidate| {
        // A wrong table name is compared with table names.
        let comparable = if key.contains('.') || key.starts_with(PREFIX) {
            candidate.clone()
        } else {
            candidate.split('.').next().unwrap_or_default().to_owned()
        };
        (strsim::jaro_winkler(key, &comparable), comparable)
    });
    scored
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
