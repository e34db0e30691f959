//! Links as other crawlers' own tests expect them: the corpus `links-unit`, scored for each source.

use serde::Deserialize;
use serde_json::Value;
use trawl_parser::{Document, Settings, parse};
use trawl_shared::corpora::{corpus, rows, score};
use trawl_shared::model::{ExtractSettings, Link, LinkKind, LinkKinds};
use url::Url;

#[derive(Deserialize)]
struct Row {
    id: String,
    source: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    options: Value,
    #[serde(default)]
    expected: Value,
    /// What Scrapy found.
    #[serde(default)]
    links: Vec<Found>,
    #[serde(default)]
    must_contain: Vec<String>,
    #[serde(default)]
    must_not_contain: Vec<String>,
    #[serde(default)]
    expected_entries: Vec<Value>,
}

#[derive(Deserialize)]
struct Found {
    url: String,
}

fn cases(source: &str) -> Vec<Row> {
    let Some(folder) = corpus("links-unit") else { return Vec::new() };
    let rows: Vec<Row> = rows(&folder.join("public.jsonl.gz"));
    rows.into_iter().filter(|row| row.source.starts_with(source)).collect()
}

fn links(row: &Row, url: &str, content_type: &str) -> Vec<Link> {
    let url = Url::parse(url).expect("cases have URLs");
    let extract = ExtractSettings { links: LinkKinds::ALL, ..ExtractSettings::default() };
    let body = row.body.as_str().unwrap_or_default();
    let document = Document {
        url: &url,
        content_type: Some(content_type),
        charset: row.encoding.as_deref().filter(|encoding| encoding.is_ascii()).map(|_| "utf-8"),
        body: body.as_bytes(),
    };
    parse(&document, &extract, &Settings::default()).page.links
}

fn parsed(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}

/// Scrapy's extractor as it comes: `a` and `area`, each URL once.
#[test]
fn scrapy() {
    let plain =
        |row: &Row| row.options.as_object().is_none_or(|given| given.keys().all(|name| name == "args"));
    let cases: Vec<Row> = cases("scrapy").into_iter().filter(plain).collect();
    if cases.is_empty() {
        return;
    }
    let mut passed = 0;
    for row in &cases {
        let content_type = if row.body.as_str().is_some_and(|body| body.starts_with("<?xml")) {
            "application/xhtml+xml"
        } else {
            "text/html"
        };
        let found = links(row, row.url.as_deref().unwrap_or("http://example.org/"), content_type);
        let anchors = found.iter().filter(|link| matches!(link.kind, LinkKind::A | LinkKind::Area));
        let mut urls: Vec<String> = Vec::new();
        for link in anchors {
            if !urls.contains(&link.url) {
                urls.push(link.url.clone());
            }
        }
        let expected: Vec<String> =
            row.links.iter().map(|link| parsed(&link.url)).filter(|url| url.starts_with("http")).collect();
        if urls == expected {
            passed += 1;
        } else {
            println!("{}:\n  {urls:?}\n  {expected:?}", row.id);
        }
    }
    score("links-unit, scrapy with default options", passed, cases.len(), 80.0);
}

#[test]
fn heritrix() {
    let cases = cases("heritrix3/ExtractorHTML");
    let mut passed = 0;
    for row in &cases {
        let found = links(row, row.url.as_deref().expect("these have URLs"), "text/html");
        let has = |url: &String| found.iter().any(|link| link.url == parsed(url) || link.raw == *url);
        if row.must_contain.iter().all(has) && !row.must_not_contain.iter().any(has) {
            passed += 1;
        } else {
            println!("{}: {:?}", row.id, row.must_contain);
        }
    }
    if !cases.is_empty() {
        score("links-unit, heritrix", passed, cases.len(), 100.0);
    }
}

/// The refresh of a page, and its base, as seen in what a link `x` resolves to.
#[test]
fn w3lib() {
    let cases = cases("w3lib");
    let (mut passed, mut total) = (0, 0);
    for row in &cases {
        let url = row.url.as_deref().unwrap_or("http://no-url.example/");
        if Url::parse(url).is_err() || row.body.as_str().is_none() {
            continue;
        }
        let (found, expected) = match row.kind.as_str() {
            "get_meta_refresh" => {
                let found = links(row, url, "text/html");
                let found =
                    found.into_iter().find(|link| link.kind == LinkKind::Refresh).map(|link| link.url);
                (found, row.expected[1].as_str().map(parsed))
            }
            // Only where the page has a base: else the answer is the page's URL, which some cases lack.
            "get_base_url" if row.expected.as_str().is_some_and(|base| base.starts_with("http")) => {
                let body = format!("{}<a href=''>", row.body.as_str().unwrap_or_default());
                let row = Row { body: Value::String(body), ..row.clone_for_body() };
                let found = links(&row, url, "text/html").into_iter().rfind(|link| link.kind == LinkKind::A);
                let expected = row.expected.as_str().map(parsed);
                (found.map(|link| link.url), expected)
            }
            _ => continue,
        };
        total += 1;
        if found == expected {
            passed += 1;
        } else {
            println!("{}: {found:?} is not {expected:?}", row.id);
        }
    }
    if total > 0 {
        score("links-unit, w3lib", passed, total, 75.0);
    }
}

impl Row {
    fn clone_for_body(&self) -> Self {
        Self {
            id: self.id.clone(),
            source: self.source.clone(),
            kind: self.kind.clone(),
            url: self.url.clone(),
            encoding: self.encoding.clone(),
            body: Value::Null,
            options: Value::Null,
            expected: self.expected.clone(),
            links: Vec::new(),
            must_contain: Vec::new(),
            must_not_contain: Vec::new(),
            expected_entries: Vec::new(),
        }
    }
}

/// Every address that linkchecker finds in an HTML page is found, as written.
#[test]
fn linkchecker() {
    let (mut passed, mut total) = (0, 0);
    for row in cases("linkchecker").iter().filter(|row| row.id.contains(".htm")) {
        let base = "http://example.org/folder/page.html";
        let found = links(row, base, "text/html");
        let base = Url::parse(base).expect("a URL");
        let wanted: Vec<&str> = row
            .expected_entries
            .iter()
            .filter_map(|entry| entry["url"].as_str())
            .filter(|url| !url.contains("%(") && !url.starts_with("javascript:"))
            .collect();
        for url in wanted {
            let resolved = base.join(url).map(String::from).unwrap_or_default();
            if !resolved.starts_with("http") {
                continue;
            }
            total += 1;
            if found.iter().any(|link| link.raw == url || link.url == resolved) {
                passed += 1;
            } else {
                println!("{}: {url}", row.id);
            }
        }
    }
    if total > 0 {
        score("links-unit, linkchecker", passed, total, 60.0);
    }
}
