//! Real product pages through a rules file: every field of every book.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::HashMap, fs::File, io::Read as _, path::Path};
use trawl_parser::{Document, Settings, parse};
use trawl_shared::corpora::{corpus, rows, score};
use trawl_shared::model::ExtractSettings;
use url::Url;

const RULES: &str = r#"
[[pages]]
name = "book"

[pages.fields]
title = { css = ".product_main h1", required = true }
rating = { css = ".product_main p.star-rating", attr = "class", split = " ", pick = -1 }
price = { css = ".product_main p.price_color", regex = "[0-9.]+" }
stock = { css = ".product_main .instock.availability", regex = "[0-9]+" }
category = "ul.breadcrumb li:nth-last-child(2)"
description = { xpath = "//div[@id='product_description']/following-sibling::p[1]" }
table = { css = "table tr", list = true, fields = { name = "th", value = "td" } }
"#;

#[derive(Deserialize)]
struct Row {
    member: String,
    fields: HashMap<String, String>,
    table: HashMap<String, String>,
    description: Option<String>,
}

/// The pages of the archive by the last part of their names.
fn pages(archive: &Path) -> HashMap<String, Vec<u8>> {
    let mut tar = Vec::new();
    GzDecoder::new(File::open(archive).unwrap()).read_to_end(&mut tar).unwrap();
    let mut pages = HashMap::new();
    let mut rest = &tar[..];
    // ustar: a header of 512 bytes, the content, zeros up to the next multiple of 512.
    while rest.len() >= 512 && rest[0] != 0 {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&rest[range]).trim_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        let name = text(0..100);
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        pages.insert(name, rest[512..512 + size].to_vec());
        rest = &rest[(512 + size.next_multiple_of(512)).min(rest.len())..];
    }
    pages
}

fn item(body: &[u8]) -> Map<String, Value> {
    let url = Url::parse("http://books.toscrape.com/catalogue/book/index.html").unwrap();
    let document =
        Document { url: &url, content_type: Some("text/html; charset=utf-8"), charset: None, body };
    let extract = ExtractSettings { rules: Some(RULES.into()), ..ExtractSettings::default() };
    let mut items = parse(&document, &extract, &Settings::default()).page.items;
    assert_eq!(items.len(), 1);
    items.remove(0).as_object().unwrap().clone()
}

#[test]
fn every_field_of_every_book() {
    let Some(folder) = corpus("scrapy-bench") else { return };
    let pages = pages(&folder.join("bookfiles.tar.gz"));
    let (mut right, mut total) = (0, 0);
    for row in rows::<Row>(&folder.join("books.public.jsonl")) {
        let item = item(&pages[&row.member]);
        let mut check = |name: &str, found: Option<String>, expected: &str| {
            total += 1;
            if found.as_deref() == Some(expected) {
                right += 1;
            } else {
                println!("{} {name}: {found:?} is not {expected:?}", row.member);
            }
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        for (name, expected) in &row.fields {
            check(name, text(item.get(name)), expected);
        }
        if let Some(expected) = &row.description {
            let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
            check("description", text(item.get("description")), &expected);
        }
        for (name, expected) in &row.table {
            let rows = item["table"].as_array().unwrap();
            let found = rows.iter().find(|row| row["name"] == name.as_str());
            check(name, text(found.and_then(|row| row.get("value"))), expected);
        }
    }
    score("scrapy-bench, fields of books", right, total, 100.0);
}

/// The other half has no answers here; its pages are complete.
#[test]
fn no_book_lacks_a_field() {
    let Some(folder) = corpus("scrapy-bench") else { return };
    let pages = pages(&folder.join("bookfiles.tar.gz"));
    let books: Vec<_> = pages.iter().filter(|(name, _)| name.ends_with(".html")).collect();
    let whole = books.iter().filter(|(_, body)| {
        let item = item(body);
        ["title", "rating", "price", "stock", "category", "table"]
            .iter()
            .all(|field| item.contains_key(*field))
    });
    score("scrapy-bench, books with all fields", whole.count(), books.len(), 100.0);
}
