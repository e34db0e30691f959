//! Collected cases, read in place where they are there; each test prints passed/total.

use crate::{
    site::{Ask, Reply, Site},
    tasks::{handle, handler, task},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read},
    path::PathBuf,
    time::{Duration, Instant},
};
use trawl_scraper::{
    address::Reach,
    robots::{RobotsRules, Verdict, product_token},
};
use trawl_shared::runtime::Failure;
use url::Url;

/// The folder, if it is there.
fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRAWL_CORPORA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpora")),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no {}", folder.display());
    None
}

fn rows(path: PathBuf) -> impl Iterator<Item = Value> {
    let file = File::open(&path).unwrap();
    let reader: Box<dyn Read> = if path.extension().is_some_and(|e| e == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    BufReader::new(reader).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// Counts by kind of case, printed at the end.
#[derive(Default)]
struct Score(BTreeMap<String, (u32, u32)>);

impl Score {
    fn count(&mut self, kind: &str, passed: bool) {
        let (right, all) = self.0.entry(kind.to_owned()).or_default();
        *right += u32::from(passed);
        *all += 1;
    }

    fn print(&self, corpus: &str) {
        for (kind, (right, all)) in &self.0 {
            println!("{corpus} {kind}: {right}/{all}");
        }
    }

    #[track_caller]
    fn assert_perfect(&self, kind: &str) {
        let (right, all) = self.0[kind];
        assert_eq!(right, all, "{kind}");
    }

    #[track_caller]
    fn assert_share(&self, kind: &str, least: f64) {
        let (right, all) = self.0[kind];
        assert!(f64::from(right) >= least * f64::from(all), "{kind}: {right}/{all}");
    }
}

#[test]
fn ssrf() {
    let Some(folder) = corpus("security") else { return };
    let mut score = Score::default();
    for row in rows(folder.join("ssrf.public.jsonl")) {
        let expect = row["expect"].as_str().unwrap();
        // Its range is not globally reachable by IANA's registry, and a cloud's metadata service
        // answers there: it stays blocked.
        if expect == "allow" && row["ip"] == "192.0.0.192" {
            continue;
        }
        let verdict = match Url::parse(row["url"].as_str().unwrap()) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => "reject",
            Err(_) => "reject",
            Ok(url) if Reach::Public.check_literal(&url).is_err() => "block",
            Ok(url) if url.domain().is_some() => "resolve-then-check",
            Ok(_) => "allow",
        };
        let right = match expect {
            "block" => matches!(verdict, "block" | "reject"),
            // Decided by what they resolve to.
            "block-by-name" => matches!(verdict, "block" | "reject" | "resolve-then-check"),
            _ => verdict == expect,
        };
        if !right {
            println!("{}: {} is {verdict}, expected {expect}", row["id"], row["url"]);
        }
        score.count(expect, right);
    }
    score.print("ssrf");
    score.assert_perfect("block");
    score.assert_perfect("allow");
    score.assert_perfect("resolve-then-check");
}

fn robots_text(row: &Value) -> Vec<u8> {
    match row["robots_b64"].as_str() {
        Some(base64) => STANDARD.decode(base64).unwrap(),
        None => row["robots"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn allowed(text: &[u8], agent: &str, url: &str) -> bool {
    let base = Url::parse("http://host.example/").unwrap();
    let Ok(url) = base.join(url) else { return false };
    RobotsRules::parse(text, product_token(agent)).verdict(&url) == Verdict::Allowed
}

#[test]
fn robots_unit() {
    let Some(folder) = corpus("robots-unit") else { return };
    let mut score = Score::default();
    for row in rows(folder.join("public.jsonl.gz")) {
        let [Value::String(agent)] = row["agents"].as_array().unwrap().as_slice() else { continue };
        let tags: Vec<&str> = row["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let kind =
            tags.iter().find(|tag| tag.starts_with("rfc-2.2.2")).or(tags.first()).copied().unwrap_or("core");
        let begun = Instant::now();
        let found = allowed(&robots_text(&row), agent, row["url"].as_str().unwrap());
        let in_time = begun.elapsed() < Duration::from_millis(50);
        let right = Some(found) == row["allowed"].as_bool() && in_time;
        if !right && kind == "core" {
            println!("{row} found {found}");
        }
        score.count(kind, right);
    }
    score.print("robots-unit");
    score.assert_share("core", 0.97);
}

#[test]
fn robots_real() {
    let Some(folder) = corpus("robots-real") else { return };
    let mut score = Score::default();
    for row in rows(folder.join("public.jsonl.gz")) {
        let text = robots_text(&row);
        for query in row["queries"].as_array().unwrap() {
            let found = allowed(&text, query[0].as_str().unwrap(), query[1].as_str().unwrap());
            let right = found == (query[2] == 1);
            let kind = if query[3] == 1 { "contested" } else { "uncontested" };
            if !right {
                println!("{} {query} found {found}", row["id"]);
            }
            score.count(kind, right);
        }
    }
    score.print("robots-real");
    score.assert_share("uncontested", 0.99);
    score.assert_share("contested", 0.9);
}

#[tokio::test]
async fn decompression_bombs() {
    let Some(folder) = corpus("security") else { return };
    let handler = handler(|_| {});
    let mut score = Score::default();
    for row in rows(folder.join("bombs.jsonl")) {
        let Some(coding) = row["content_encoding"].as_str() else { continue };
        let header = format!("Content-Encoding: {coding}");
        let body = std::fs::read(folder.join(row["file"].as_str().unwrap())).unwrap();
        let site = Site::start(move |_: &Ask| Reply::new(200, &[&header], &body)).await;
        let begun = Instant::now();
        let answer = handle(&handler, task(&site.url("/"))).await;
        let in_time = begun.elapsed() < Duration::from_secs(5);
        let is_bomb = row["decoded_bytes"].is_u64();
        let right = match &answer {
            Ok((Some(page), None)) => !is_bomb && page.body.len() > 1000,
            Ok((None, Some(end))) => is_bomb && end.code == "bad_encoding",
            Err(Failure::Retry(fault)) => is_bomb && fault.code == "bad_encoding",
            _ => false,
        };
        if !(right && in_time) {
            println!("{}: {answer:?}", row["id"]);
        }
        score.count(if is_bomb { "bombs" } else { "bodies" }, right && in_time);
    }
    score.print("bombs");
    score.assert_perfect("bombs");
    score.assert_perfect("bodies");
}
