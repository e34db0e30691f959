//! Media types as WHATWG parses and writes them.

use serde::Deserialize;
use trawl_shared::content::mime::MediaType;
use trawl_shared::corpora::{corpus, rows, score};

#[derive(Deserialize)]
struct Row {
    id: String,
    input: String,
    output: Option<String>,
    /// The label of the encoding that the charset names.
    #[serde(default)]
    encoding: Option<String>,
}

#[test]
fn media_types() {
    let Some(folder) = corpus("mime") else { return };
    let rows: Vec<Row> = rows(&folder.join("public.jsonl"));
    let passed = rows.iter().filter(|row| {
        let found = MediaType::parse(&row.input);
        let text = found.as_ref().map(ToString::to_string);
        let encoding = found.and_then(|found| found.encoding());
        // Where an encoding is named, ours is the same.
        let expected =
            row.encoding.as_deref().and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
        let right = text == row.output && (expected.is_none() || encoding == expected);
        if !right {
            println!("{}: {:?} is {text:?} in {encoding:?}, expected {:?}", row.id, row.input, row.output);
        }
        right
    });
    score("mime", passed.count(), rows.len(), 100.0);
}
