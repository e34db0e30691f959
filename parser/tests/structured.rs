//! Structured data: what the corpus `structured-data` says that pages hold.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use trawl_parser::{Document, Settings, parse};
use trawl_shared::corpora::{bytes, corpus, rows, score};
use trawl_shared::model::{ExtractSettings, ParsedPage};
use url::Url;

fn page(html: &str, url: &Url) -> ParsedPage {
    let extract = ExtractSettings { metadata: true, structured: true, ..ExtractSettings::default() };
    let document =
        Document { url, content_type: Some("text/html"), charset: Some("utf-8"), body: html.as_bytes() };
    parse(&document, &extract, &Settings::default()).page
}

/// Numbers are compared by what they mean: `4.0` is `4`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[derive(Deserialize)]
struct RealPage {
    html: String,
    url: String,
    jsonld: Vec<Value>,
    meta: Vec<(String, String)>,
    microdata_extruct: Vec<Value>,
}

#[test]
fn real_pages() {
    let Some(folder) = corpus("structured-data") else { return };
    let pages: Vec<RealPage> = rows(&folder.join("realpages.public.jsonl.gz"));
    let (mut json_ld, mut meta, mut in_order, mut microdata, mut with_microdata) = (0, 0, 0, 0, 0);
    for row in &pages {
        let html = String::from_utf8(bytes(&folder.join("..").join(&row.html))).expect("pages are UTF-8");
        let found = page(&html, &Url::parse(&row.url).expect("pages have URLs"));
        if same(&Value::Array(found.json_ld.clone()), &Value::Array(row.jsonld.clone())) {
            json_ld += 1;
        } else {
            println!("json-ld of {}: {} blocks, not {}", row.html, found.json_ld.len(), row.jsonld.len());
        }
        let mut tags: Vec<(String, String)> = found
            .meta
            .iter()
            .filter(|tag| is_recorded(&tag.name))
            .map(|tag| (tag.name.clone(), tag.content.clone()))
            .collect();
        let mut expected = row.meta.clone();
        in_order += usize::from(tags == expected);
        tags.sort();
        expected.sort();
        if tags == expected {
            meta += 1;
        } else {
            let (a, b): (BTreeSet<_>, BTreeSet<_>) = (tags.iter().collect(), expected.iter().collect());
            println!("meta of {}: {:?} {:?}", row.html, a.difference(&b).next(), b.difference(&a).next());
        }
        if !row.microdata_extruct.is_empty() {
            with_microdata += 1;
            microdata += usize::from(pairs_of(&found.microdata) == pairs_of(&row.microdata_extruct));
        }
    }
    score("structured-data, real pages, JSON-LD", json_ld, pages.len(), 100.0);
    score("structured-data, real pages, meta", meta, pages.len(), 100.0);
    score("structured-data, real pages, meta in document order", in_order, pages.len(), 100.0);
    score("structured-data, real pages, microdata as extruct has it", microdata, with_microdata, 90.0);
}

/// Whether the corpus records meta tags of this name: it leaves out what only one vendor reads.
fn is_recorded(name: &str) -> bool {
    const NAMES: [&str; 5] = ["author", "description", "generator", "keywords", "viewport"];
    const SPACES: [&str; 8] = ["og:", "twitter:", "fb:", "article:", "product:", "dc.", "dcterms", "date"];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || SPACES.iter().any(|space| name.starts_with(space))
}

/// The set of `Type.property` of microdata items.
fn pairs_of(items: &[Value]) -> BTreeSet<String> {
    let mut pairs = BTreeSet::new();
    items.iter().for_each(|item| collect_pairs(item, &mut pairs));
    pairs
}

fn collect_pairs(value: &Value, pairs: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_pairs(value, pairs)),
        Value::Object(item) => {
            let types = match item.get("type") {
                Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
                Some(Value::String(one)) => vec![one.as_str()],
                _ => vec![""],
            };
            for (name, value) in item.get("properties").and_then(Value::as_object).into_iter().flatten() {
                for one in &types {
                    let short = one.rsplit(['/', '#']).next().unwrap_or_default();
                    pairs.insert(format!("{short}.{name}"));
                }
                collect_pairs(value, pairs);
            }
        }
        _ => {}
    }
}

#[derive(Deserialize)]
struct SchemaOrg {
    id: String,
    microdata_html: String,
    jsonld_html: String,
    expected_type_props: BTreeSet<String>,
    extruct_microdata_agrees: bool,
    expected_jsonld: Vec<Value>,
}

#[test]
fn schema_org_examples() {
    let Some(folder) = corpus("structured-data") else { return };
    let base = Url::parse("https://example.org/").expect("a URL");
    let examples: Vec<SchemaOrg> = rows(&folder.join("schemaorg.public.jsonl.gz"));
    let (mut agreed, mut microdata, mut json_ld) = (0, 0, 0);
    for row in &examples {
        let found = page(&row.jsonld_html, &base);
        let values: Vec<Value> = found.json_ld.iter().chain(&found.json_ld_repaired).cloned().collect();
        let flat = |values: &[Value]| -> Value {
            values.iter().flat_map(|v| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()])).collect()
        };
        if same(&flat(&values), &flat(&row.expected_jsonld)) {
            json_ld += 1;
        } else {
            println!("json-ld of {}", row.id);
        }
        if !row.extruct_microdata_agrees {
            continue;
        }
        agreed += 1;
        let found = pairs_of(&page(&row.microdata_html, &base).microdata);
        if found == row.expected_type_props {
            microdata += 1;
        } else {
            println!("microdata of {}: {found:?} is not {:?}", row.id, row.expected_type_props);
        }
    }
    score("structured-data, schema.org, microdata", microdata, agreed, 100.0);
    score("structured-data, schema.org, JSON-LD", json_ld, examples.len(), 100.0);
}

#[derive(Deserialize)]
struct Extruct {
    id: String,
    syntax: String,
    base_url: Option<String>,
    #[serde(default)]
    options: Option<Options>,
    html: Value,
    expected: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    nested: Option<bool>,
    strict: bool,
}

#[test]
fn extruct_cases() {
    let Some(folder) = corpus("structured-data") else { return };
    let cases: Vec<Extruct> = rows(&folder.join("extruct.public.jsonl.gz"));
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        let Some(html) = case.html.as_str() else { continue };
        let own = case.base_url.as_deref().or_else(|| case.expected["url"].as_str());
        let base = Url::parse(own.unwrap_or("http://www.example.com/index.html")).expect("a URL");
        let found = page(html, &base);
        for (syntax, right) in judged(case, &found, &base) {
            let (passed, total) = counts.entry(syntax).or_default();
            *total += 1;
            *passed += usize::from(right);
            if !right {
                println!("{} ({syntax})", case.id);
            }
        }
    }
    for (syntax, (passed, total)) in counts {
        let least = if syntax == "json-ld" { 100.0 } else { 90.0 };
        score(&format!("structured-data, extruct, {syntax}"), passed, total, least);
    }
}

/// Whether each syntax that a case expects something of came out right.
fn judged(case: &Extruct, found: &ParsedPage, base: &Url) -> Vec<(&'static str, bool)> {
    let expected = &case.expected;
    match case.syntax.as_str() {
        "microdata" => {
            let options = case.options.as_ref();
            let strict = options.is_some_and(|options| options.strict);
            let nested = options.is_none_or(|options| options.nested != Some(false));
            let mut items = found.microdata.clone();
            if strict {
                items.iter_mut().for_each(make_strict);
            }
            if !nested {
                items = flattened(items);
            }
            vec![("microdata", like(&Value::Array(items), expected, base))]
        }
        "rdfa" => vec![("rdfa", graph(&found.rdfa) == graph(expected.as_array().expect("a graph")))],
        "json-ld" => vec![("json-ld", has_all(&json_ld(found), expected))],
        "opengraph" => vec![("opengraph", has_open_graph(found, expected))],
        "file" if expected.get("rdfa").is_some() => vec![
            ("json-ld", has_all(&json_ld(found), &expected["json-ld"])),
            ("rdfa", graph(&found.rdfa) == graph(expected["rdfa"].as_array().expect("a graph"))),
            ("opengraph", has_open_graph(found, &expected["opengraph"])),
            ("microdata", like(&Value::Array(found.microdata.clone()), &expected["microdata"], base)),
        ],
        "file" if expected[0].get("namespace").is_some() => {
            vec![("opengraph", has_open_graph(found, expected))]
        }
        "file" if expected[0].get("@id").is_some() => {
            vec![("rdfa", graph(&found.rdfa) == graph(expected.as_array().expect("a graph")))]
        }
        "file" if expected[0].get("@context").is_some() => {
            vec![("json-ld", has_all(&json_ld(found), expected))]
        }
        _ => Vec::new(),
    }
}

fn json_ld(page: &ParsedPage) -> Vec<Value> {
    let values = page.json_ld.iter().chain(&page.json_ld_repaired);
    values.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])).collect()
}

fn has_all(found: &[Value], expected: &Value) -> bool {
    same(&Value::Array(found.to_vec()), expected)
}

/// The meta tags whose prefix is one of the namespaces, in order.
fn has_open_graph(page: &ParsedPage, expected: &Value) -> bool {
    let wanted = &expected[0];
    let spaces: Vec<&String> = wanted["namespace"].as_object().expect("namespaces").keys().collect();
    let is_in = |name: &str| spaces.iter().any(|space| name.split(':').next() == Some(space.as_str()));
    let found: Vec<Value> =
        page.meta.iter().filter(|tag| is_in(&tag.name)).map(|tag| json!([tag.name, tag.content])).collect();
    Value::Array(found) == wanted["properties"]
}

/// Every property a list, every type a list.
fn make_strict(item: &mut Value) {
    let Some(item) = item.as_object_mut() else { return };
    let listed = |value: Value| if value.is_array() { value } else { json!([value]) };
    if let Some(types) = item.get_mut("type") {
        *types = listed(types.take());
    }
    for value in
        item.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        *value = listed(value.take());
        value.as_array_mut().expect("a list").iter_mut().for_each(make_strict);
    }
}

/// Items side by side, those in others as references to their numbers.
fn flattened(items: Vec<Value>) -> Vec<Value> {
    fn add(mut item: Value, flat: &mut Vec<Value>) -> Value {
        let place = flat.len();
        flat.push(Value::Null);
        let properties = item.get_mut("properties").and_then(Value::as_object_mut);
        for value in properties.into_iter().flat_map(Map::values_mut) {
            let values = value.as_array_mut().expect("strict items have lists");
            for value in values.iter_mut().filter(|value| value.is_object()) {
                *value = add(value.take(), flat);
            }
        }
        item["iid"] = json!(place + 1);
        flat[place] = item;
        json!({ "iid_ref": place + 1 })
    }
    let mut flat = Vec::new();
    for item in items {
        add(item, &mut flat);
    }
    flat
}

/// Equal, where cases without a base URL leave addresses as they are written. Text content is extruct's own.
fn like(found: &Value, expected: &Value, base: &Url) -> bool {
    match (found, expected) {
        (Value::String(a), Value::String(b)) => {
            a == b || base.join(b.trim()).is_ok_and(|url| url.as_str() == a)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| like(a, b, base))
        }
        (Value::Object(a), Value::Object(b)) => {
            let b: Vec<_> =
                b.iter().filter(|(name, _)| *name != "textContent" && *name != "htmlNode").collect();
            a.len() == b.len()
                && b.iter().all(|(name, b)| a.get(name.as_str()).is_some_and(|a| like(a, b, base)))
        }
        _ => same(found, expected),
    }
}

/// A graph as a set of triples; blank nodes are named by what is said of them.
fn graph(nodes: &[Value]) -> BTreeSet<String> {
    let about: BTreeMap<&str, String> = nodes
        .iter()
        .filter_map(|node| Some((node["@id"].as_str().filter(|id| id.starts_with("_:"))?, described(node))))
        .collect();
    let named = |id: &str| about.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let mut triples = BTreeSet::new();
    for node in nodes {
        let subject = named(node["@id"].as_str().expect("a subject"));
        for (predicate, objects) in
            node.as_object().expect("a node").iter().filter(|(name, _)| *name != "@id")
        {
            for object in objects.as_array().expect("objects") {
                let object = match object.get("@id").and_then(Value::as_str) {
                    Some(id) => named(id),
                    None => object.to_string(),
                };
                triples.insert(format!("{subject} {predicate} {object}"));
            }
        }
    }
    triples
}

fn described(node: &Value) -> String {
    let mut text = node.as_object().expect("a node").clone();
    text.remove("@id");
    let mut text = Value::Object(text).to_string();
    // References to other blank nodes have no name of their own.
    while let Some(at) = text.find("\"_:") {
        let end = text[at + 1..].find('"').map_or(text.len(), |end| at + end + 2);
        text.replace_range(at..end, "blank");
    }
    text
}
