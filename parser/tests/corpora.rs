//! Real pages: the links, titles and languages that a browser's parser finds, found by both tiers.

use serde::Deserialize;
use std::{collections::BTreeSet, fs};
use trawl_parser::{
    Document, Settings, parse,
    parse::{Parsed, parse_by_tree},
};
use trawl_shared::corpora::{bytes, corpus, rows, score};
use trawl_shared::model::{ExtractSettings, LinkKind, LinkKinds, ParsedPage};
use url::Url;

#[derive(Deserialize)]
struct Row {
    html: String,
    url: String,
    title: Option<String>,
    lang: Option<String>,
    canonical: Option<String>,
    meta_robots: Vec<String>,
    /// As written, resolved (null where it is no URL), rel where it says nofollow.
    links: Vec<Vec<Option<String>>>,
}

struct Page {
    row: Row,
    url: Url,
    html: String,
}

fn pages() -> Vec<Page> {
    let Some(folder) = corpus("links-real") else { return Vec::new() };
    let read = |row: Row| {
        let html = String::from_utf8(bytes(&folder.join("..").join(&row.html))).expect("pages are UTF-8");
        Page { url: Url::parse(&row.url).expect("pages have URLs"), html, row }
    };
    rows(&folder.join("public.jsonl.gz")).into_iter().map(read).collect()
}

fn stream(url: &Url, html: &str) -> Parsed {
    let document =
        Document { url, content_type: Some("text/html"), charset: Some("utf-8"), body: html.as_bytes() };
    parse(&document, &everything(), &Settings::default())
}

/// All that both tiers can tell: every kind of link, and metadata.
fn everything() -> ExtractSettings {
    ExtractSettings {
        metadata: true,
        links: LinkKinds::DECLARED,
        raw_links: true,
        ..ExtractSettings::default()
    }
}

fn tree(page: &Page) -> Parsed {
    parse_by_tree(&page.html, &page.url, &everything(), &Settings::default())
}

/// The URLs of `a` and `area` as parsed URLs without fragments.
fn anchors(parsed: &Parsed) -> Vec<String> {
    let links = parsed.page.links.iter().filter(|link| matches!(link.kind, LinkKind::A | LinkKind::Area));
    links.filter_map(|link| web_url(&link.url)).collect()
}

fn web_url(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    url.set_fragment(None);
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

fn set(urls: &[String]) -> BTreeSet<&str> {
    urls.iter().map(String::as_str).collect()
}

fn sorted(mut urls: Vec<String>) -> Vec<String> {
    urls.sort();
    urls
}

#[test]
fn links_of_real_pages() {
    let pages = pages();
    if pages.is_empty() {
        return;
    }
    let (mut by_stream, mut by_tree, mut multiset, mut agree) = (0, 0, 0, 0);
    for page in &pages {
        let expected: Vec<String> =
            page.row.links.iter().filter_map(|link| web_url(link[1].as_deref()?)).collect();
        let (streamed, treed) = (anchors(&stream(&page.url, &page.html)), anchors(&tree(page)));
        for (tier, found, passed) in [("stream", &streamed, &mut by_stream), ("tree", &treed, &mut by_tree)] {
            if set(found) == set(&expected) {
                *passed += 1;
                continue;
            }
            let (found, expected) = (set(found), set(&expected));
            println!("{tier}: {}", page.row.html);
            println!("  too many: {:?}", found.difference(&expected).take(5).collect::<Vec<_>>());
            println!("  missing: {:?}", expected.difference(&found).take(5).collect::<Vec<_>>());
        }
        agree += usize::from(set(&streamed) == set(&treed));
        multiset += usize::from(sorted(treed) == sorted(expected));
    }
    score("links-real, set of links, streaming tier", by_stream, pages.len(), 100.0);
    score("links-real, set of links, tree tier", by_tree, pages.len(), 100.0);
    score("links-real, multiset of links, tree tier", multiset, pages.len(), 100.0);
    score("links-real, tiers agree on the set of links", agree, pages.len(), 100.0);
}

#[test]
fn metadata_of_real_pages() {
    let pages = pages();
    if pages.is_empty() {
        return;
    }
    let words =
        |text: &Option<String>| text.as_deref().map(|t| t.split_whitespace().collect::<Vec<_>>().join(" "));
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (mut title, mut lang, mut canonical, mut robots, mut same) = (0, 0, 0, 0, 0);
    for page in &pages {
        let (streamed, treed) = (stream(&page.url, &page.html).page, tree(page).page);
        let row = &page.row;
        let check = |name: &str, counter: &mut usize, found: Option<String>, expected: Option<String>| {
            if found == expected {
                *counter += 1;
            } else {
                println!("{name} of {}: {found:?} is not {expected:?}", row.html);
            }
        };
        check("title", &mut title, streamed.title.clone(), some(words(&row.title)));
        // The rows know `<html lang>` only; `xml:lang` and the pragma may tell more.
        let expected = some(row.lang.clone()).or_else(|| streamed.lang.clone());
        check("lang", &mut lang, streamed.lang.clone(), expected);
        let expected = row.canonical.as_deref().and_then(|href| page.url.join(href).ok()).map(String::from);
        check("canonical", &mut canonical, streamed.canonical.clone(), expected);
        check(
            "robots",
            &mut robots,
            streamed.meta_robots.clone(),
            some(words(&Some(row.meta_robots.join(", ")))),
        );
        let metadata = |page: &ParsedPage| ParsedPage { links: Vec::new(), ..page.clone() };
        same += usize::from(metadata(&streamed) == metadata(&treed));
    }
    score("links-real, title", title, pages.len(), 100.0);
    score("links-real, lang", lang, pages.len(), 100.0);
    score("links-real, canonical", canonical, pages.len(), 100.0);
    score("links-real, meta robots", robots, pages.len(), 100.0);
    score("links-real, tiers agree on metadata", same, pages.len(), 100.0);
}

/// All real pages there are, with or without recorded links.
#[test]
fn tiers_agree_on_all_real_pages() {
    let (mut pages, mut same) = (0, 0);
    for name in ["content-aeb", "content-readability", "content-trafilatura", "content-wcxb"] {
        let Some(folder) = corpus(name) else { continue };
        for file in fs::read_dir(folder.join("public-html")).expect("content corpora have pages") {
            let path = file.expect("the folder can be read").path();
            let html = String::from_utf8_lossy(&bytes(&path)).into_owned();
            let url = Url::parse("https://example.org/a/b.html").expect("a URL");
            let (streamed, treed) =
                (stream(&url, &html), parse_by_tree(&html, &url, &everything(), &Settings::default()));
            pages += 1;
            if facts(&streamed) == facts(&treed) {
                same += 1;
            } else {
                println!("the tiers differ on {}", path.display());
                let (streamed, treed) = (facts(&streamed), facts(&treed));
                println!(
                    "  by stream only: {:?}",
                    streamed.1.difference(&treed.1).take(5).collect::<Vec<_>>()
                );
                println!("  by tree only: {:?}", treed.1.difference(&streamed.1).take(5).collect::<Vec<_>>());
            }
        }
    }
    if pages > 0 {
        score("content-*, tiers agree on metadata and the set of links", same, pages, 100.0);
    }
}

/// Metadata, and the set of links of all kinds.
fn facts(parsed: &Parsed) -> (ParsedPage, BTreeSet<(String, &'static str)>) {
    let links = parsed.page.links.iter().map(|link| (link.url.clone(), link.kind.as_str())).collect();
    (ParsedPage { links: Vec::new(), ..parsed.page.clone() }, links)
}

/// The tiers give the same links with the same text, `rel` and kind, wherever the tree holds them once.
#[test]
fn tiers_agree_on_every_field() {
    let pages = pages();
    if pages.is_empty() {
        return;
    }
    let (mut links, mut same) = (0, 0);
    for page in &pages {
        let (streamed, treed) = (stream(&page.url, &page.html).page.links, tree(page).page.links);
        if streamed.len() != treed.len() {
            println!("{}: {} links by stream, {} by tree", page.row.html, streamed.len(), treed.len());
            continue;
        }
        for (by_stream, by_tree) in streamed.iter().zip(&treed) {
            links += 1;
            if by_stream == by_tree {
                same += 1;
            } else {
                println!("{}:\n  {by_stream:?}\n  {by_tree:?}", page.row.html);
            }
        }
    }
    score("links-real, tiers agree on url, raw, text, rel and kind", same, links, 99.9);
}
