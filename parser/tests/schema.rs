//! The published schema holds for what the parser gives, and knows every field of it.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

fn workspace(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The part of JSON Schema that the schema uses; any other keyword is an error, so that none is
/// written down and not checked.
fn violations(schema: &Value, root: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        let holds = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let pointer =
                    rule.as_str().and_then(|rule| rule.strip_prefix('#')).expect("references are local");
                violations(root.pointer(pointer).expect("references lead somewhere"), root, value, at, found);
                true
            }
            "type" => match rule.as_str() {
                Some("object") => value.is_object(),
                Some("array") => value.is_array(),
                Some("string") => value.is_string(),
                Some("integer") => value.is_i64() || value.is_u64(),
                Some("boolean") => value.is_boolean(),
                other => panic!("type {other:?} is not checked here"),
            },
            "enum" => rule.as_array().is_some_and(|values| values.contains(value)),
            "required" => rule
                .as_array()
                .is_some_and(|names| names.iter().all(|name| value.get(name.as_str().unwrap()).is_some())),
            "minLength" => length(value) >= rule.as_u64().unwrap(),
            "maxLength" => length(value) <= rule.as_u64().unwrap(),
            "pattern" => {
                assert_eq!(rule, "^https?://", "this pattern is not checked here");
                value.as_str().is_some_and(|url| url.starts_with("http://") || url.starts_with("https://"))
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    violations(rule, root, item, &format!("{at}/{index}"), found);
                }
                true
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rule.get(name) {
                        violations(schema, root, member, &format!("{at}/{name}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(rule, false, "only `false` is checked here");
                let known = &schema["properties"];
                value.as_object().is_none_or(|members| members.keys().all(|name| known.get(name).is_some()))
            }
            other => panic!("keyword {other:?} is not checked here"),
        };
        if !holds {
            found.push(format!("{at}: {keyword} {rule} does not hold for {value}"));
        }
    }
}

fn length(value: &Value) -> u64 {
    value.as_str().map_or(0, |text| text.chars().count() as u64)
}

#[track_caller]
fn check(page: &Value) -> Vec<String> {
    let schema = workspace("docs/schema/parsed-page.json");
    let mut found = Vec::new();
    violations(&schema, &schema, page, "", &mut found);
    found
}

#[test]
fn every_golden_page_follows_the_schema() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut seen = BTreeSet::new();
    for case in fs::read_dir(cases).unwrap() {
        let name = case.unwrap().file_name().into_string().unwrap();
        let page = workspace(&format!("parser/tests/cases/{name}/expected.json"));
        assert_eq!(check(&page), Vec::<String>::new(), "{name}");
        names(&page, "", &mut seen);
    }
    // The golden pages use all of the schema, so that nothing in it is a promise nobody keeps.
    let schema = workspace("docs/schema/parsed-page.json");
    let defined = |name: &str| schema["$defs"][name]["properties"].as_object().unwrap().keys();
    let fields = schema["properties"].as_object().unwrap().keys().cloned();
    let parts =
        [("meta", "meta"), ("link", "links"), ("feed", "feeds"), ("icon", "icons"), ("item", "microdata")];
    let in_parts =
        parts.iter().flat_map(|(part, field)| defined(part).map(move |name| format!("{field}/{name}")));
    let counts = schema["properties"]["other_links"]["properties"].as_object().unwrap().keys();
    let counts = counts.map(|name| format!("other_links/{name}"));
    let kinds = schema["$defs"]["link"]["properties"]["kind"]["enum"].as_array().unwrap();
    let kinds = kinds.iter().map(|kind| format!("links/kind={}", kind.as_str().unwrap()));
    let outcomes = schema["properties"]["outcome"]["enum"].as_array().unwrap();
    let outcomes = outcomes.iter().map(|outcome| format!("outcome={}", outcome.as_str().unwrap()));
    for name in fields.chain(in_parts).chain(counts).chain(kinds).chain(outcomes) {
        assert!(seen.contains(&name) || ELSEWHERE.contains(&name.as_str()), "no golden page has {name}");
    }
}

/// What these pages do not have: it comes from a job's choices and rules, from sitemaps, and from the
/// main content of longer pages; each has tests of its own.
const ELSEWHERE: [&str; 6] = [
    "links/follow",
    "links/priority",
    "links/kind=sitemap",
    "links/kind=style",
    "links/kind=hidden",
    "markdown",
];

/// The names of all members, and the values of those that are one of a list.
fn names(value: &Value, at: &str, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
                if matches!(path.as_str(), "links/kind" | "outcome") {
                    seen.insert(format!("{path}={}", member.as_str().unwrap()));
                }
                names(member, &path, seen);
                seen.insert(path);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| names(member, at, seen)),
        _ => {}
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    for page in [
        r#"{"links": []}"#,
        r#"{"url": "ftp://x/", "links": []}"#,
        r#"{"url": "http://x/", "links": [{"url": "http://x/", "kind": "picture"}]}"#,
        r#"{"url": "http://x/", "links": [{"url": "http://x/", "kind": "a", "text": ""}]}"#,
        r#"{"url": "http://x/", "links": [], "titel": "x"}"#,
        r#"{"url": "http://x/", "links": {}}"#,
    ] {
        assert_ne!(check(&serde_json::from_str(page).unwrap()), Vec::<String>::new(), "{page}");
    }
}
