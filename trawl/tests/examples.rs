//! The examples of extraction rules, end to end: their pages are served, crawled with their rules by the real
//! binary, and give the items that stand beside them.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};
use support::assert_success;
use trawl_parser::{Settings, cli::TestArgs};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// Serves the files of a folder until the process ends, and notes their paths.
fn serve(folder: PathBuf) -> (u16, Arc<Mutex<BTreeSet<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that left needs no answer.
            let _ = stream.and_then(|stream| answer(stream, &folder, &log));
        }
    });
    (port, asked)
}

fn answer(mut stream: TcpStream, folder: &Path, log: &Mutex<BTreeSet<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
    let file = if path.ends_with('/') { format!("{path}index.html") } else { path.clone() };
    let body = fs::read(folder.join(file.trim_start_matches('/')));
    log.lock().unwrap().insert(path);
    let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), &body].concat())
}

/// Crawls an example; gives the pages that were asked for.
#[track_caller]
fn check(name: &str) -> BTreeSet<String> {
    let (port, asked) = serve(example(name).join("site"));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("items.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_trawl"))
        .arg("crawl")
        .arg(format!("http://127.0.0.1:{port}/"))
        .args(["--allow-private-addresses", "--quiet", "--rules"])
        .arg(example(name).join("rules.toml"))
        .arg("--data")
        .arg(folder.path().join("data"))
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert_success(&output);
    let text = fs::read_to_string(&out).unwrap().replace(&format!("127.0.0.1:{port}"), "localhost:8000");
    let mut found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for item in &mut found {
        item.as_object_mut().unwrap().remove("_fetched_at");
    }
    // Pages come in any order, the items of a page in theirs.
    found.sort_by_key(|item| item["_url"].as_str().unwrap().to_owned());
    let found: String = found.iter().map(|item| format!("{item}\n")).collect();
    let file = example(name).join("items.jsonl");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&file, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&file).unwrap_or_default(), "UPDATE_EXPECTED=1 takes it over");
    asked.lock().unwrap().clone()
}

fn paths(paths: &[&str]) -> BTreeSet<String> {
    ["/", "/robots.txt"].iter().chain(paths).map(|path| (*path).to_owned()).collect()
}

#[test]
fn a_shop_with_lists_and_products() {
    let asked = check("shop");
    let products = ["brass", "paper", "arc", "oil"].map(|name| format!("/products/{name}.html"));
    let mut expected = paths(&["/page-2.html"]);
    expected.extend(products);
    assert_eq!(asked, expected, "no cart, no log-in, no reviews");
}

#[test]
fn documentation() {
    let guide = ["/guide/install.html", "/guide/first-steps.html", "/guide/settings.html"];
    assert_eq!(check("docs"), paths(&guide), "no old versions");
}

#[test]
fn a_news_site() {
    assert_eq!(
        check("news"),
        paths(&["/2024/laterne.html", "/2024/strom.html"]),
        "no advertising, no imprint"
    );
}

#[test]
fn rules_with_errors_ask_nobody() {
    let (port, asked) = serve(example("shop").join("site"));
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, "[[pages]]\nfields.price = { css = 'p', type = 'int' }\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trawl"))
        .args(["crawl", &format!("http://127.0.0.1:{port}/"), "--allow-private-addresses", "--rules"])
        .arg(&rules)
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(
        error.contains("line 2: pages[0].fields.price.type: \"int\" is no type: there are text"),
        "{error}"
    );
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn the_golden_cases_of_the_examples_hold() {
    for name in ["shop", "docs", "news"] {
        let (rules, folder) = (example(name).join("rules.toml"), example(name).join("cases"));
        let update = std::env::var_os("UPDATE_EXPECTED").is_some();
        let mut out = Vec::new();
        let result = TestArgs { rules, folder, update }.run(&Settings::default(), &mut out);
        assert!(result.is_ok(), "{name}: {}", String::from_utf8_lossy(&out));
    }
}
