//! Declared and undeclared charsets of the corpus.

mod common;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use common::{corpus, rows, score};
use encoding_rs::Encoding;
use serde::Deserialize;
use trawl_parser::{
    charset::{self, Source},
    content_type,
};

#[derive(Deserialize)]
struct Row {
    id: String,
    kind: String,
    #[serde(default)]
    body_b64: String,
    content_type: Option<String>,
    /// What should be found (kinds of declarations).
    encoding: Option<String>,
    /// What the bytes are in (undeclared).
    whatwg: Option<String>,
}

impl Row {
    fn body(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.body_b64).expect("bodies are base64")
    }
}

/// Names as the standard knows them; `cp1252` and `utf-16-be` are Python's.
fn encoding(name: &str) -> Option<&'static Encoding> {
    let name = match name {
        "cp1252" => "windows-1252",
        "utf-16-be" => "utf-16be",
        "utf-16-le" => "utf-16le",
        "iso8859-4" => "iso-8859-4",
        name => name,
    };
    Encoding::for_label(name.as_bytes())
}

#[test]
fn charsets_declared_by_meta_elements() {
    let Some(folder) = corpus("charset") else { return };
    let rows: Vec<Row> = rows(&folder.join("declared.public.jsonl"));
    let prescans: Vec<&Row> = rows.iter().filter(|row| row.kind == "meta-prescan").collect();
    let passed = prescans.iter().filter(|row| {
        let expected = row.encoding.as_deref().and_then(encoding);
        let found = match charset::sniff(&row.body(), None, None) {
            // The rows name what a browser falls back to where nothing is declared.
            (_, Source::Guess) => encoding_rs::WINDOWS_1252,
            (found, _) => found,
        };
        let right = expected == Some(found);
        if !right {
            println!("{}: {} is not {:?}", row.id, found.name(), row.encoding);
        }
        right
    });
    score("charset, declared by meta", passed.count(), prescans.len(), 100.0);
}

#[test]
fn charsets_declared_otherwise() {
    let Some(folder) = corpus("charset") else { return };
    let rows: Vec<Row> = rows(&folder.join("declared.public.jsonl"));
    let (mut passed, mut total) = (0, 0);
    for row in rows.iter().filter(|row| row.kind != "meta-prescan") {
        let expected = row.encoding.as_deref().map(encoding);
        // UTF-32 and the like: no encodings of the web.
        if expected == Some(None) {
            continue;
        }
        total += 1;
        let transport = row.content_type.as_deref().and_then(content_type::charset);
        let found = match row.kind.as_str() {
            "content-type-header" => transport.and_then(|label| Encoding::for_label(label.as_bytes())),
            "meta-declared" => charset::declared(&row.body()),
            _ => Some(charset::sniff(&row.body(), transport, None).0),
        };
        // UTF-8 and `ascii` (windows-1252) read ASCII alike.
        if found == expected.flatten() || row.kind == "full" && row.body().is_ascii() {
            passed += 1;
        } else {
            println!("{}: {:?} is not {:?}", row.id, found.map(Encoding::name), row.encoding);
        }
    }
    // The recorded library differs from WHATWG in seven rows: it takes `< meta`, `Fake-Content-Type`
    // and UTF-16 without a mark as big-endian, and no <meta> in <body>.
    score("charset, declared by header, mark or document", passed, total, 85.0);
}

#[test]
fn charsets_nobody_declares() {
    let Some(folder) = corpus("charset") else { return };
    let rows: Vec<Row> = rows(&folder.join("detect.public.jsonl.gz"));
    let (mut passed, mut total) = (0, 0);
    for row in &rows {
        let Some(expected) = row.whatwg.as_deref().and_then(encoding) else { continue };
        total += 1;
        let body = row.body();
        let decoded = charset::decode(&body, None, None);
        if decoded.text == expected.decode(&body).0 {
            passed += 1;
        } else {
            println!("{}: {} is not {}", row.id, decoded.encoding.name(), expected.name());
        }
    }
    // The detector never guesses x-mac-cyrillic, nor UTF-16 without a mark.
    score("charset, guessed", passed, total, 93.0);
}
