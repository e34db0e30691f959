//! Hostile XML, read as sitemaps.

use serde::Deserialize;
use std::time::{Duration, Instant};
use trawl_shared::content::sitemap::read_all;
use trawl_shared::corpora::{bytes, corpus, rows, score};
use url::Url;

#[derive(Deserialize)]
struct Row {
    id: String,
    file: String,
}

#[test]
fn xml_bombs_stay_what_they_are() {
    let Some(folder) = corpus("security") else { return };
    let rows: Vec<Row> = rows(&folder.join("bombs.jsonl"));
    let url = Url::parse("https://example.org/sitemap.xml").unwrap();
    let bombs: Vec<&Row> = rows.iter().filter(|row| row.file.ends_with(".xml")).collect();
    let passed = bombs.iter().filter(|row| {
        let body = bytes(&folder.join(&row.file));
        let begun = Instant::now();
        let read = read_all(&body, &url, None);
        let in_time = begun.elapsed() < Duration::from_secs(5);
        // None of them names a URL; what their entities would is expanded nowhere.
        let harmless = read.as_ref().map_or(true, |(entries, _)| entries.is_empty());
        if !(in_time && harmless) {
            println!("{}: {read:?} after {:?}", row.id, begun.elapsed());
        }
        in_time && harmless
    });
    score("security, XML bombs", passed.count(), bombs.len(), 100.0);
}
