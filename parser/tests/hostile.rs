//! Pages made to break parsers: they end in facts within bounds, never in a crash.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use proptest::prelude::*;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use trawl_parser::{
    Document, Settings, parse,
    parse::{Parsed, parse_by_tree},
};
use trawl_shared::model::{ExtractSettings, LinkKinds, ParsedPage};
use url::Url;

fn parsed(body: &[u8]) -> Parsed {
    let url = Url::parse("https://example.org/").unwrap();
    let document = Document { url: &url, content_type: Some("text/html"), charset: None, body };
    parse(&document, &everything(), &Settings::default())
}

fn everything() -> ExtractSettings {
    ExtractSettings {
        text: true,
        markdown: true,
        metadata: true,
        structured: true,
        fingerprints: true,
        links: LinkKinds::ALL,
        raw_links: true,
        follow: None,
        rules: Some(RULES.into()),
    }
}

/// Rules that look at much from many places.
const RULES: &str = "
[[pages]]
items = 'div'
fields.text = { css = 'a', list = true }
fields.depth = { xpath = 'count(ancestor::*)', type = 'number' }
fields.tables = { css = 'td', list = true, fields.cell = { xpath = './/td', required = true } }
[[pages.follow]]
xpath = '//a[@href][last()]'
";

/// Generous: debug builds on a busy machine take a tenth of it.
const WITHIN: Duration = Duration::from_secs(60);

#[track_caller]
fn in_time(body: &[u8]) -> Parsed {
    let start = Instant::now();
    let parsed = parsed(body);
    assert!(start.elapsed() < WITHIN, "{:?} for {} bytes", start.elapsed(), body.len());
    parsed
}

const MEGABYTE: usize = 1024 * 1024;

#[test]
fn deep_nesting_is_read_up_to_a_depth() {
    for tag in [
        "<div>",
        "<b>",
        "<table><td>",
        "<ul><li>",
        "<svg><desc>",
        "<a href=x><object>",
        "<template>",
        "<select>",
    ] {
        let page = format!(
            "<title>t</title><a href=/first>one</a>{}<a href=/last>",
            tag.repeat(4 * MEGABYTE / tag.len())
        );
        let parsed = in_time(page.as_bytes());
        assert_eq!(parsed.page.title.as_deref(), Some("t"), "{tag}");
        assert_eq!(parsed.page.links[0].url, "https://example.org/first", "{tag}");
    }
}

#[test]
fn what_was_not_read_is_told() {
    let page = "<div>".repeat(100_000);
    assert!(in_time(page.as_bytes()).cut.unwrap().contains("nested too deep"));
}

#[test]
fn one_endless_tag_is_no_tag() {
    for tag in ["<a href=\"", "<a ", "<!--", "<title>", "<script>", "<", "</", "<a href=x "] {
        let page = format!("<a href=/first>one</a>{tag}{}", "x y=z ".repeat(MEGABYTE / 6));
        let parsed = in_time(page.as_bytes());
        assert_eq!(parsed.page.links[0].url, "https://example.org/first", "{tag}");
    }
}

#[test]
fn reading_again_and_again_is_bounded() {
    for unit in [
        "<svg><a href=x><style>",
        "<a href=x><!--",
        "<noscript><a href=x>",
        "<title></title>",
        "<svg><title>",
        "<a href=x>\n",
        "</a></b></p>",
        "<noscript><template><a href=x></noscript>",
        "/>",
        "&",
        "&#",
        "<meta name=robots content=x>",
    ] {
        in_time(unit.repeat(2 * MEGABYTE / unit.len()).as_bytes());
    }
}

#[test]
fn a_long_base_does_not_multiply() {
    let base = format!("<base href='/{}/'>", "x".repeat(4000));
    let page = base + &"<a href=y></a>".repeat(200_000);
    let parsed = in_time(page.as_bytes());
    assert!(parsed.cut.unwrap().contains("links left out"));
    let bytes: usize = parsed.page.links.iter().map(|link| link.url.len()).sum();
    assert!(bytes <= Settings::default().max_link_bytes);
}

#[test]
fn twenty_megabytes_are_a_page() {
    let paragraph = "<p>Some <b>words</b> and a <a href='/page?id=1&amp;x=2'>link</a>.</p>\n";
    let page = paragraph.repeat(20 * MEGABYTE / paragraph.len());
    let parsed = in_time(page.as_bytes());
    assert_eq!(parsed.page.links.len(), Settings::default().max_links);
    assert!(parsed.page.text.unwrap().len() <= Settings::default().max_text_bytes);
}

/// Pieces of markup that change how the tokeniser or the tree goes on.
const PIECES: [&str; 40] = [
    "<a href=1>",
    "<a href=2 rel=x>",
    "</a>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<div>",
    "</div>",
    "<table>",
    "<td>",
    "</table>",
    "<select>",
    "<option>",
    "</select>",
    "<ul>",
    "<li>",
    "</ul>",
    "text",
    "&amp;",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<textarea>",
    "</textarea>",
    "<noscript>",
    "</noscript>",
    "<svg>",
    "</svg>",
    "<area href=3>",
    "<meta http-equiv=refresh content='0;url=4'>",
    "<link href=5>",
    "<base href=/b/>",
    "<iframe src=6>",
    "</iframe>",
    "<title>",
    "</title>",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes_are_a_page(body in prop::collection::vec(any::<u8>(), 0..2000)) {
        parsed(&body);
    }

    #[test]
    fn any_soup_is_a_page(pieces in prop::collection::vec((0..PIECES.len(), any::<[u8; 2]>()), 0..60)) {
        let mut body = Vec::new();
        for (index, noise) in pieces {
            body.extend_from_slice(PIECES[index].as_bytes());
            body.extend_from_slice(&noise);
        }
        parsed(&body);
    }
}

/// Where tags come in no order at all, the tiers may differ: only a tree knows which tags are dropped.
/// How seldom, is held here. The sequence is always the same.
#[test]
fn tiers_agree_on_nearly_all_soup() {
    const PAGES: usize = 5_000;
    // What needs no tree.
    let extract = ExtractSettings {
        metadata: true,
        links: LinkKinds::DECLARED,
        raw_links: true,
        ..ExtractSettings::default()
    };
    let url = Url::parse("https://example.org/").unwrap();
    let mut random = fastrand_like(0x9e37_79b9_7f4a_7c15);
    let mut same = 0;
    for _ in 0..PAGES {
        let length = 1 + random() % 12;
        let html: String = (0..length).map(|_| PIECES[random() % PIECES.len()]).collect();
        let document =
            Document { url: &url, content_type: Some("text/html"), charset: None, body: html.as_bytes() };
        let by_stream = parse(&document, &extract, &Settings::default()).page;
        let by_tree = parse_by_tree(&html, &url, &extract, &Settings::default()).page;
        same += usize::from(facts(&by_stream) == facts(&by_tree));
    }
    println!("tiers agree on {same} of {PAGES} soups");
    assert!(same * 1000 >= PAGES * 997, "tiers agree on {same} of {PAGES} soups");
}

fn facts(page: &ParsedPage) -> (Option<&str>, BTreeSet<String>) {
    (page.title.as_deref(), page.links.iter().map(|link| format!("{:?} {}", link.kind, link.url)).collect())
}

/// xorshift64.
fn fastrand_like(mut state: u64) -> impl FnMut() -> usize {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default()
    }
}
