//! A maze of all the ways to name an address: which of them a crawl finds that follows every kind of link.
//!
//! The corpus `crawl-maze` holds the site as it was answered and the paths that a complete crawler asks for. Paths
//! that only a browser finds are counted, and not asked for.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    process::Command,
};
use support::{
    assert_success,
    web::{Answer, Served},
};
use trawl_shared::corpora::{corpus, rows};

/// Goals whose pages are not in the public half of the corpus: nothing that is served names them.
const WITHHELD: [&str; 2] = ["/test/html/body/audio/source/src.found", "/test/html/body/iframe/src.found"];

/// A path that a complete crawler asks for.
#[derive(Deserialize)]
struct Goal {
    path: String,
    class: String,
}

/// An answer of the site.
#[derive(Deserialize)]
struct Recorded {
    path: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    fn names(&self, path: &str) -> bool {
        self.body.contains(path) || self.headers.iter().any(|(_, value)| value.contains(path))
    }
}

#[test]
fn a_crawl_that_follows_all_finds_what_needs_no_browser() {
    let Some(corpus) = corpus("crawl-maze") else { return };
    let site: Vec<Recorded> = rows(&corpus.join("site.public.jsonl"));
    let goals: Vec<Goal> = rows(&corpus.join("expected.public.jsonl"));
    for path in WITHHELD {
        assert!(!site.iter().any(|answer| answer.names(path)), "{path} can be reached after all");
    }
    // Pages that list the others are not in the public half, so each page is a seed.
    let paths: Vec<_> = site
        .iter()
        .map(|answer| answer.path.clone())
        .filter(|path| !path.ends_with(".js") && path != "/robots.txt")
        .collect();
    let served = Served::start(|port| maze(site, port));
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.arg("crawl").args(paths.iter().map(|path| format!("http://localhost:{}{path}", served.port)));
    command.arg("--data").arg(folder.path().join("data"));
    command.arg("--resolve").arg(format!("localhost:{}:127.0.0.1", served.port));
    command.args(["--follow", "all", "--ignore-robots", "--allow-private-addresses"]);
    command.args(["--delay", "0s", "--per-host", "8", "--quiet"]);
    assert_success(&command.output().unwrap());

    let asked: BTreeSet<String> = served.asked().into_iter().map(|asked| asked.target).collect();
    let path = |target: &String| target.split('?').next().unwrap().to_owned();
    let asked: BTreeSet<String> = asked.iter().map(path).collect();
    let mut score: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missing = Vec::new();
    for Goal { path, class } in &goals {
        let (found, all) = score.entry(class).or_default();
        *all += 1;
        if asked.contains(path) {
            *found += 1;
        } else if WITHHELD.contains(&path.as_str()) {
            println!("crawl-maze: {path} is on no page of the public half");
        } else if !class.starts_with("js") {
            missing.push(path);
        }
    }
    for (class, (found, all)) in &score {
        println!("crawl-maze/{class}: {found}/{all}");
    }
    let without_browser = score.iter().filter(|(class, _)| !class.starts_with("js"));
    let (found, all) = without_browser.fold((0, 0), |sum, (_, score)| (sum.0 + score.0, sum.1 + score.1));
    println!("crawl-maze: {found}/{all} that need no browser, {} requests", served.asked().len());
    assert!(missing.is_empty(), "not asked for: {missing:?}");
}

/// The site as it was answered, on this port; and an answer for each goal.
fn maze(site: Vec<Recorded>, port: u16) -> impl Fn(&str) -> Answer + Send + Sync + 'static {
    let here = |text: &str| text.replace("//localhost/", &format!("//localhost:{port}/"));
    let answer = |recorded: Recorded| {
        // The length is that of the text as it was.
        let headers =
            recorded.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let headers = headers.map(|(name, value)| (name.clone(), here(value))).collect();
        let body = here(&recorded.body).into();
        (recorded.path, Answer { status: recorded.status, headers, body })
    };
    let answers: HashMap<String, Answer> = site.into_iter().map(answer).collect();
    move |target| {
        let path = target.split('?').next().unwrap();
        match answers.get(path) {
            Some(answer) => answer.clone(),
            None if path.starts_with("/test/") => Answer::of(200, "text/plain", "found\n"),
            None => Answer::of(404, "text/plain", "no such page\n"),
        }
    }
}
