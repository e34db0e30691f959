//! The floors find what is there, and both find the same.

use std::collections::BTreeMap;

use crate::support::{everywhere, settings, start};
use bench::floor::{Floor, Parser};
use bench::web::{Preset, Web, truth};
use serde_json::Value;
use url::Url;

async fn crawl(web: &Web, parser: Parser) -> BTreeMap<String, Value> {
    let seeds = web.seeds().iter().map(|seed| Url::parse(seed).expect("a URL")).collect();
    let floor = Floor { parser, seeds, resolve: vec![everywhere(web)], concurrency: 16 };
    let mut out = Vec::new();
    let report = floor.run(&mut out).await.expect("the crawl ends");
    let text = String::from_utf8(out).expect("UTF-8");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    assert_eq!((report.pages, report.failed), (rows.len() as u64, 0));
    let by_url: BTreeMap<String, Value> =
        rows.into_iter().map(|row| (row["url"].as_str().expect("a URL").to_owned(), row)).collect();
    assert_eq!(by_url.len() as u64, report.pages, "no page twice");
    by_url
}

#[tokio::test]
async fn both_floors_write_every_page_of_the_truth() {
    let web = start(settings(Preset::Docs, 5, 400), None).await;
    let streamed = crawl(&web, Parser::LolHtml).await;
    let expected: Vec<String> = truth(&web).into_iter().map(|row| row.url).collect();
    let mut urls: Vec<&String> = expected.iter().collect();
    urls.sort_unstable();
    assert!(streamed.keys().eq(urls), "the streaming floor found other pages");
    assert_eq!(streamed, crawl(&web, Parser::Dom).await);
    let root = &streamed[&web.seeds()[0]];
    assert!(
        root["title"].as_str().is_some_and(|title| title.contains(" & ") && title.contains('—')),
        "{root}"
    );
}
