//! The way of a dead letter back, embedded: from list to cause to replay to resolved.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use serde_json::Value;
use std::{path::Path, process::Command, sync::atomic::Ordering};
use support::{assert_success, audit, flip::flip_server};

/// A command of `trawl letters` over a data folder.
#[track_caller]
fn letters(data: &Path, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    let output = command.arg("letters").args(words).arg("--data").arg(data).output().unwrap();
    assert_success(&output);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn three_commands_lead_from_a_letter_to_a_stored_page() {
    let (port, well) = flip_server();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = format!("http://127.0.0.1:{port}/");
    let crawl = Command::new(env!("CARGO_BIN_EXE_trawl"))
        .args([
            "crawl",
            &url,
            "--allow-private-addresses",
            "--quiet",
            "--retry",
            "server:attempts=2,base=10ms",
        ])
        .arg("--data")
        .arg(&data)
        .arg("--out")
        .arg(folder.path().join("pages.jsonl"))
        .output()
        .unwrap();
    assert_eq!(crawl.status.code(), Some(1), "its only page could not be stored: {crawl:?}");
    let open: Value = serde_json::from_str(&letters(&data, &["list", "--json"])).unwrap();
    assert_eq!((&open["state"], &open["code"]), (&"open".into(), &"server_error".into()), "{open}");
    let id = open["id"].as_str().unwrap();
    let shown = letters(&data, &["show", id]);
    assert_eq!(
        shown.matches("server_error (server)").count(),
        3,
        "the code once, then both attempts: {shown}"
    );

    // It is still down: the same letter, open again.
    let back = letters(&data, &["replay", id]);
    assert_eq!(back, "1 sent again: 0 resolved, 1 dead again, 0 on their way\n");
    well.store(true, Ordering::Relaxed);
    let resolved = letters(&data, &["replay", "--where", "code=server_error"]);
    assert_eq!(resolved, "1 sent again: 1 resolved, 0 dead again, 0 on their way\n");
    assert_eq!(letters(&data, &["list", "--where", "state!=resolved", "--json"]), "");
    let story: Value = serde_json::from_str(&letters(&data, &["show", id, "--json"])).unwrap();
    let states: Vec<_> = story["events"].as_array().unwrap().iter().map(|event| &event["state"]).collect();
    assert_eq!(states, ["open", "replayed", "open", "replayed", "resolved"]);
    let audit = audit(&["--data", data.to_str().unwrap()]);
    assert_eq!((&audit["states"]["stored"], &audit["states"]["dead"]), (&1.into(), &0.into()), "{audit}");
}
