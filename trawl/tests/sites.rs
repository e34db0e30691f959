//! Whole sites of real documentation, crawled as they are: each page that links lead to once, and the 404s that an
//! independent walk of the files found.
//!
//! The answers are in the corpus `sites`; the sites are Debian packages, which `apt-get download` brings into
//! `target/sites`. Where corpus or package can't be had, a test says so and passes over it. The largest site takes
//! minutes in a debug build and is crawled where `TRAWL_TEST_ALL_SITES=1` asks for it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};
use support::{
    assert_success, audit, rows,
    web::{Asked, Served, files, percent_decoded},
};
use trawl_shared::corpora::{bytes, corpus};
use url::Url;

/// What the corpus says of a site.
#[derive(Debug, Deserialize)]
struct Oracle {
    package: String,
    /// The file of the exact version, `name_version_architecture.deb`.
    deb: String,
    docroot: String,
    start: String,
}

macro_rules! sites {
    ($($(#[$note:meta])* $test:ident: $package:literal, $size:ident;)*) => {
        $($(#[$note])* #[test] fn $test() { check($package, Size::$size); })*
    };
}

sites! {
    python: "python3.11-doc", Small;
    debian_handbook: "debian-handbook", Small;
    postgresql: "postgresql-doc-15", Small;
    boost: "libboost1.74-doc", Small;
    sqlite: "sqlite3-doc", Small;
    git: "git-doc", Small;
    rust: "rust-doc", Large;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    Large,
}

fn check(package: &str, size: Size) {
    if size == Size::Large && std::env::var_os("TRAWL_TEST_ALL_SITES").is_none() {
        eprintln!("sites/{package}: passed over, it takes minutes; TRAWL_TEST_ALL_SITES=1 asks for it");
        return;
    }
    let Some(corpus) = corpus("sites/public") else { return };
    let oracles: Vec<Oracle> =
        serde_json::from_str(&fs::read_to_string(corpus.join("sites.json")).unwrap()).unwrap();
    let oracle = oracles.into_iter().find(|oracle| oracle.package == package).unwrap();
    let Some(root) = unpacked(&oracle) else { return };
    let expected = Expected::read(&corpus, &oracle);
    let served = Served::start(|_| files(root));
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let stored = crawl(&served, &oracle.start, folder.path());
    let took = began.elapsed();
    let found = Found::of(&served.asked());

    let fetched = found.pages.clone();
    let pages = found.pages.intersection(&expected.pages).count();
    let broken = found.broken.intersection(&expected.broken).count();
    println!(
        "sites/{package}: reachable {pages}/{}, broken {broken}/{}, fetched twice {}, {} requests in {:.1} s",
        expected.pages.len(),
        expected.broken.len(),
        found.twice.len(),
        served.asked().len(),
        took.as_secs_f64(),
    );
    for (name, path) in &expected.with_backslash {
        println!("sites/{package}: the link to {path} leads to {name}, as in browsers, not to a 404");
        assert!(found.pages.contains(name) || found.broken.contains(name), "{name} was not asked for");
    }
    let found = found.without(expected.with_backslash.keys(), &expected);
    assert_eq!(found.twice, Vec::<String>::new(), "fetched twice");
    assert_same("pages", &found.pages, &expected.pages);
    assert_same("broken links", &found.broken, &expected.broken);
    assert_same("rows of the output", &stored, &fetched);
}

/// The site's files, fetched and unpacked once.
fn unpacked(oracle: &Oracle) -> Option<PathBuf> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("sites");
    let folder = cache.join(&oracle.deb);
    let root = folder.join(oracle.docroot.trim_start_matches('/'));
    if root.is_dir() {
        return Some(root);
    }
    fs::create_dir_all(&cache).unwrap();
    let download = tempfile::tempdir_in(&cache).unwrap();
    let version = oracle.deb.split('_').nth(1).unwrap().replace("%3a", ":");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(download.path()).output();
        output.map_err(|error| error.to_string()).and_then(|output| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            output.status.success().then_some(()).ok_or(said)
        })
    };
    let named = format!("{}={version}", oracle.package);
    let unpack = |()| run("dpkg-deb", &["-x", &oracle.deb, "files"]);
    if let Err(why) = run("apt-get", &["download", &named]).and_then(unpack) {
        eprintln!("sites/{}: passed over, {named} can't be had: {why}", oracle.package);
        return None;
    }
    // Under its name only once it is whole.
    fs::rename(download.path().join("files"), &folder).unwrap();
    Some(root)
}

/// Crawls the site and gives the pages that have a row.
fn crawl(served: &Served, start: &str, folder: &Path) -> BTreeSet<String> {
    let (data, out) = (folder.join("data"), folder.join("pages.jsonl"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command.arg("crawl").arg(format!("http://127.0.0.1:{}{start}", served.port));
    command.arg("--data").arg(&data).arg("--out").arg(&out);
    command.args(["--allow-private-addresses", "--delay", "0s", "--per-host", "8", "--quiet"]);
    assert_success(&command.output().unwrap());
    let audit = audit(&["--data", data.to_str().unwrap()]);
    assert_eq!(audit["balanced"], true, "{audit}");
    let (mut urls, mut stored) = (BTreeSet::new(), BTreeSet::new());
    for row in rows(&out) {
        let url = row["url"].as_str().unwrap();
        let is_html = row["content_type"].as_str().is_some_and(|kind| kind.contains("html"));
        if row["outcome"] == "stored" && is_html {
            assert!(urls.insert(url.to_owned()), "{url} has two rows");
            // A URL with a query is one of its own, of the same file.
            stored.insert(resource(url));
        }
    }
    stored
}

/// The file that a URL or path names, so that the ways to write one name are one: a backslash is a slash, as browsers
/// read it; slashes in a row are one and escapes are decoded, as servers read them; query and fragment name no file.
fn resource(url: &str) -> String {
    let path = match Url::parse(url) {
        Ok(url) => url.path().to_owned(),
        Err(_) => url.replace('\\', "/"),
    };
    let mut name = percent_decoded(path.split(['?', '#']).next().unwrap());
    while name.contains("//") {
        name = name.replace("//", "/");
    }
    name
}

/// What an independent walk over the files found.
struct Expected {
    pages: BTreeSet<String>,
    broken: BTreeSet<String>,
    /// Broken paths of the walk with a backslash: browsers and this crawler read them as others, which may be well.
    with_backslash: BTreeMap<String, String>,
}

impl Expected {
    fn read(corpus: &Path, oracle: &Oracle) -> Self {
        let list = |kind: &str| {
            let file = corpus.join(format!("{}.{kind}.txt.gz", oracle.package));
            let text = String::from_utf8(bytes(&file)).unwrap();
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let names = |paths: Vec<String>| paths.iter().map(|path| resource(path)).collect();
        let (others, broken) = list("broken").into_iter().partition::<Vec<_>, _>(|path| path.contains('\\'));
        Self {
            pages: names(list("reachable")),
            broken: names(broken),
            with_backslash: others.into_iter().map(|path| (resource(&path), path)).collect(),
        }
    }
}

/// What a server was asked for.
struct Found {
    pages: BTreeSet<String>,
    broken: BTreeSet<String>,
    /// Paths that were asked for more than once.
    twice: Vec<String>,
}

impl Found {
    fn of(asked: &[Asked]) -> Self {
        let mut found = Self { pages: BTreeSet::new(), broken: BTreeSet::new(), twice: Vec::new() };
        let mut targets = BTreeSet::new();
        for Asked { target, status, is_html } in asked {
            if !targets.insert(target) {
                found.twice.push(target.clone());
            }
            match status {
                200 if *is_html => drop(found.pages.insert(resource(target))),
                404 if target != "/robots.txt" => drop(found.broken.insert(resource(target))),
                _ => {}
            }
        }
        found
    }

    /// Leaves names out that are not expected.
    fn without<'n>(mut self, names: impl Iterator<Item = &'n String>, expected: &Expected) -> Self {
        for name in names {
            if !expected.pages.contains(name) {
                self.pages.remove(name);
            }
            if !expected.broken.contains(name) {
                self.broken.remove(name);
            }
        }
        self
    }
}

#[track_caller]
fn assert_same(what: &str, found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let missing: Vec<_> = expected.difference(found).collect();
    let surplus: Vec<_> = found.difference(expected).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: {} missing, such as {:?}; {} surplus, such as {:?}",
        missing.len(),
        &missing[..missing.len().min(5)],
        surplus.len(),
        &surplus[..surplus.len().min(5)],
    );
}
