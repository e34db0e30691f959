//! Extraction rules, and a page through them: what compiles applies, to whatever page.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trawl_parser::{Document, Settings, parse, rules::Rules};
use trawl_shared::model::{ExtractSettings, RulesText};

/// Has what the rules of the seeds ask for.
const PAGE: &[u8] = b"<html lang=en><title>t</title><div class=item><a href=/1 rel=next>one</a>\
    <span class=price>1.234,50 EUR</span><time datetime=2026-11-21>21 Nov</time><p>a, b</p></div>";

fuzz_target!(|data: &[u8]| {
    let (rules, page) = trawl_fuzz::halves(data);
    let Ok(rules) = std::str::from_utf8(rules) else { return };
    if let Err(error) = Rules::compile(rules) {
        assert!(!error.to_string().is_empty(), "an error says something");
    }
    let url = trawl_fuzz::url();
    let body = if page.is_empty() { PAGE } else { page };
    let document = Document { url: &url, content_type: Some("text/html"), charset: None, body };
    let extract =
        ExtractSettings { rules: Some(RulesText::from(rules.to_owned())), ..ExtractSettings::default() };
    // Rules that do not compile are a code of the page's end.
    assert!(parse(&document, &extract, &Settings::default()).page.outcome.is_some());
});
