//! Pages of our own making and all that is extracted from them.
//!
//! A case is a folder `tests/cases/<name>` with `page.html`, `expected.json` and, where the page is
//! not `text/html`, `content-type`; where a job's rules apply, `rules.toml`. `UPDATE_EXPECTED=1` writes what is found: read the diff.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use std::{fs, path::Path};
use trawl_parser::{Document, Settings, cli::Part, parse};
use trawl_shared::model::{ExtractSettings, RulesText};
use url::Url;

#[track_caller]
fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let body = fs::read(folder.join("page.html")).unwrap();
    let content_type =
        fs::read_to_string(folder.join("content-type")).unwrap_or_else(|_| "text/html".to_owned());
    let url = Url::parse("https://example.org/docs/guide/page.html").unwrap();
    let document = Document { url: &url, content_type: Some(&content_type), charset: None, body: &body };
    let rules = fs::read_to_string(folder.join("rules.toml")).ok().map(RulesText::from);
    let extract = ExtractSettings { rules, ..Part::extract(&Part::ALL) };
    let parsed = parse(&document, &extract, &Settings::default());
    let found = serde_json::to_string_pretty(&parsed.page).unwrap() + "\n";
    let expected = folder.join("expected.json");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&expected, &found).unwrap();
    }
    let expected = fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(found, expected, "{name} differs; UPDATE_EXPECTED=1 takes it over");
}

macro_rules! cases {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test] fn $test() { check($name); })*

        #[test]
        fn every_folder_is_a_case() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
            let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
            for name in fs::read_dir(folder).unwrap().map(name) {
                assert!([$($name),*].contains(&name.as_str()), "{name} is in no test");
            }
        }
    };
}

cases! {
    bad_rules: "bad-rules",
    base_href: "base-href",
    broken_feed: "broken-feed",
    broken_json: "broken-json",
    broken_nesting: "broken-nesting",
    charset: "charset",
    empty: "empty",
    entities: "entities",
    feed: "feed",
    frames: "frames",
    json: "json",
    language: "language",
    meta_refresh: "meta-refresh",
    metadata: "metadata",
    microdata: "microdata",
    no_reader: "no-reader",
    noscript: "noscript",
    plain_text: "plain-text",
    raw_text: "raw-text",
    rdfa: "rdfa",
    resources: "resources",
    rules: "rules",
    svg: "svg",
    template: "template",
    xhtml: "xhtml",
    xml: "xml",
}
