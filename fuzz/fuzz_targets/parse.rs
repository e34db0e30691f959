//! The parse entry: any bytes under any type end in facts, and in the same facts each time.
//!
//! The first byte says which type the page is said to have and what is asked of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trawl_parser::{Document, Settings, parse};
use trawl_shared::model::{ExtractSettings, LinkKinds};

/// The type of a page that begins with `<` is that of its fifth place.
const TYPES: [Option<&str>; 8] = [
    None,
    Some("application/xhtml+xml"),
    Some("application/xml"),
    Some("application/json"),
    Some("text/html"),
    Some("text/plain; charset=shift_jis"),
    Some("application/pdf"),
    Some("application/rss+xml"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&first, _)) = data.split_first() else { return };
    let wants = |bit: u8| first & (1 << bit) != 0;
    let extract = ExtractSettings {
        text: wants(3),
        markdown: wants(3),
        metadata: wants(4),
        structured: wants(5),
        fingerprints: wants(6),
        links: if wants(7) { LinkKinds::NONE } else { LinkKinds::ALL },
        ..ExtractSettings::default()
    };
    let url = trawl_fuzz::url();
    let content_type = TYPES[usize::from(first & 7)];
    let document = Document { url: &url, content_type, charset: None, body: data };
    let parsed = parse(&document, &extract, &Settings::default());
    assert!(parsed.page.outcome.is_some());
    assert_eq!(parse(&document, &extract, &Settings::default()), parsed);
});
