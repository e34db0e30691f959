//! Robots meta tags and `X-Robots-Tag` headers of other crawlers' suites: whether links are followed.

use serde::Deserialize;
use trawl_parser::{Document, Settings, parse, robots_meta::header_forbids_following};
use trawl_shared::corpora::{corpus, rows, score};
use trawl_shared::model::ExtractSettings;
use url::Url;

#[derive(Deserialize)]
struct Row {
    id: String,
    html: Option<String>,
    #[serde(default)]
    x_robots_tag: Vec<String>,
    nofollow: bool,
}

#[test]
fn whether_links_are_followed() {
    let Some(folder) = corpus("robots-unit") else { return };
    let rows: Vec<Row> = rows(&folder.join("meta.public.jsonl"));
    let url = Url::parse("https://example.org/").expect("a URL");
    let passed = rows.iter().filter(|row| {
        let by_page = row.html.as_ref().is_some_and(|html| {
            let document =
                Document { url: &url, content_type: Some("text/html"), charset: None, body: html.as_bytes() };
            !parse(&document, &ExtractSettings::default(), &Settings::default()).allows_following
        });
        let by_header = row.x_robots_tag.iter().any(|tag| header_forbids_following(tag, "trawl"));
        let right = (by_page || by_header) == row.nofollow;
        if !right {
            println!("{}: nofollow is not {}", row.id, row.nofollow);
        }
        right
    });
    score("robots-unit, meta tags and X-Robots-Tag", passed.count(), rows.len(), 100.0);
}
