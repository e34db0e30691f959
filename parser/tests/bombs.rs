//! Pages made to exhaust a parser, through the binary: bounded time, bounded memory, an outcome.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use trawl_shared::corpora::{bytes, corpus};
use trawl_shared::model::ParsedPage;
use wait4::Wait4 as _;

/// The promise for a release build; without optimisation everything takes ten times as long.
const WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 50 } else { 5 });

const MEMORY: u64 = 256 * 1024 * 1024;

#[track_caller]
fn check(name: &str, page: &[u8], content_type: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (file, output) = (folder.path().join("page"), folder.path().join("output"));
    std::fs::write(&file, page).unwrap();
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_parser"))
        .args(["parse", "--url", "https://example.org/", "--content-type", content_type])
        .arg(&file)
        .stdout(File::create(&output).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let used = child.wait4().unwrap();
    let took = started.elapsed();
    assert!(used.status.success(), "{name}: {:?}", used.status);
    let parsed: ParsedPage = read(&output);
    println!(
        "{name}: {} bytes, {took:.1?}, {} MiB, {} links, outcome {:?}",
        page.len(),
        used.rusage.maxrss / (1024 * 1024),
        parsed.links.len(),
        parsed.outcome.as_deref().unwrap()
    );
    assert!(took < WITHIN, "{name} took {took:?}");
    assert!(used.rusage.maxrss < MEMORY, "{name} took {} bytes", used.rusage.maxrss);
}

fn read(output: &Path) -> ParsedPage {
    serde_json::from_slice(&std::fs::read(output).unwrap()).unwrap()
}

#[test]
fn bombs_of_the_corpus() {
    let Some(folder) = corpus("security") else { return };
    let mut names: Vec<_> = std::fs::read_dir(folder.join("bombs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        let path = folder.join("bombs").join(&name);
        if name.ends_with(".html.gz") {
            check(&name, &bytes(&path), "text/html");
        } else if name.ends_with(".xml") {
            check(&name, &bytes(&path), "application/xml");
        }
    }
}

#[test]
fn twenty_megabytes() {
    const MEGABYTE: usize = 1024 * 1024;
    let paragraph = "<p>Some <b>words</b> and a <a href='/page?id=1&amp;x=2'>link</a>.</p>\n";
    check("paragraphs", paragraph.repeat(20 * MEGABYTE / paragraph.len()).as_bytes(), "text/html");
    let item = "<div itemscope itemprop=a typeof=T property=b><span itemprop=c>text</span>";
    check("items in items", item.repeat(MEGABYTE / item.len()).as_bytes(), "text/html");
    let binary: Vec<u8> = (0..8 * MEGABYTE).map(|n| (n * 7919 % 251) as u8).collect();
    check("binary as HTML", &binary, "text/html");
    check("binary as PDF", &[b"%PDF-1.7\n".as_slice(), &binary].concat(), "application/pdf");
    check("deep JSON", "[".repeat(8 * MEGABYTE).as_bytes(), "application/json");
    check("deep XML", "<a>".repeat(2 * MEGABYTE).as_bytes(), "application/xml");
}
