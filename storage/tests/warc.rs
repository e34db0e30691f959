//! The WARC reader against recorded answers, and what is written against readers by other hands.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use serde_json::Value;
use std::fs::{self, File};
use trawl_shared::corpora::corpus;
use trawl_storage::warc::{Reader, Record, surt};

/// What a recorded answer says of a record, as far as our reader has it.
fn answer(record: &Record) -> Value {
    let payload = record.payload();
    let status =
        record.http().map(|message| message.second_word().to_owned()).filter(|word| !word.is_empty());
    let sha1: String = {
        use sha1::Digest as _;
        sha1::Sha1::digest(&payload).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    serde_json::json!({
        "type": record.kind(),
        "id": record.id(),
        "uri": record.target_uri(),
        "date": record.date(),
        "status": status,
        "payload_len": payload.len(),
        "payload_sha1": sha1,
        "digest_ok": record.digests_agree(),
    })
}

#[test]
fn records_are_those_that_others_read() {
    let Some(folder) = corpus("warc") else { return };
    let (mut passed, mut total) = (0, 0);
    let mut wrong = Vec::new();
    for line in fs::read_to_string(folder.join("public.jsonl")).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(expected) = case["warcio"]["records"].as_array() else { continue };
        let name = case["file"].as_str().unwrap();
        let mut error = None;
        let mut records = Vec::new();
        for record in Reader::new(File::open(folder.join(name)).unwrap()).unwrap() {
            match record {
                // The answers stop there.
                Ok(_) if records.len() == 60 => break,
                Ok(record) => records.push(answer(&record)),
                Err(why) => error = Some(why.to_string()),
            }
        }
        let mut expected = expected.clone();
        // The recorder made up ids for the records of ARC, which have none.
        for (theirs, ours) in expected.iter_mut().zip(&records).filter(|(_, ours)| ours["id"].is_null()) {
            theirs["id"] = ours["id"].clone();
        }
        total += 1;
        if records == expected && error.is_some() == case["warcio"]["error"].is_string() {
            passed += 1;
        } else {
            let first = records.iter().zip(&expected).find(|(ours, theirs)| ours != theirs);
            wrong.push(format!(
                "{name}: {} of {} records, {error:?}, {first:#?}",
                records.len(),
                expected.len()
            ));
        }
    }
    println!("warc: {passed}/{total}");
    assert_eq!(passed, total, "{}", wrong.join("\n"));
}

#[test]
fn keys_are_those_of_published_indexes() {
    let Some(folder) = corpus("warc") else { return };
    let (mut passed, mut total) = (0, 0);
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder.join("public")).unwrap() {
        let path = entry.unwrap().path();
        if !path.extension().is_some_and(|extension| extension == "cdx" || extension == "cdxj") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for line in text.lines().filter(|line| !line.starts_with(' ')) {
            let parts: Vec<&str> = line.splitn(3, ' ').collect();
            let [key, _, rest] = parts[..] else { continue };
            let url = match serde_json::from_str::<Value>(rest) {
                Ok(json) => json["url"].as_str().unwrap_or_default().to_owned(),
                Err(_) => rest.split(' ').next().unwrap_or_default().to_owned(),
            };
            // Keys of POST captures hold what was posted, too.
            if !url.starts_with("http") || key.contains("__wb_method") {
                continue;
            }
            total += 1;
            if surt(&url) == key {
                passed += 1;
            } else {
                wrong.push(format!("{}: {url}: {} instead of {key}", path.display(), surt(&url)));
            }
        }
    }
    println!("warc-keys: {passed}/{total}");
    assert_eq!(passed, total, "{}", wrong.join("\n"));
}
