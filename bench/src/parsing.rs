//! What the parser costs a page, beside the least that the same work can cost: a bare pass of the same
//! tokeniser, a bare tree of the same crate.
//!
//! All measurements read the same pages in the same process, in turns. Of each the fastest round
//! counts, in time on a CPU: other load of the machine does not.

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use flate2::read::GzDecoder;
use futures_util::{FutureExt as _, stream};
use lol_html::{HtmlRewriter, Settings as RewriterSettings, element, text};
use scraper::Html;
use trawl_parser::{Document, Settings, dom::Dom, parse};
use trawl_shared::model::{ExtractSettings, LinkKinds};
use url::Url;

use crate::floor;

/// Which pages are read, and how often.
#[derive(Debug, clap::Args)]
pub struct Parsing {
    /// Folders with pages: every `.html` and `.html.gz` file in them, as UTF-8. Without any, the corpora of
    /// real pages in `TRAWL_CORPORA` (`../shared/corpora` unless set).
    folders: Vec<PathBuf>,
    /// Rounds over all pages.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// One way of reading a page.
struct Contestant {
    name: &'static str,
    /// What its cost is a multiple of.
    beside: usize,
    /// The multiple it is held to.
    bar: Option<f64>,
    read: Box<dyn Fn(&str) -> usize>,
}

/// Measures and prints a table.
pub fn run(parsing: &Parsing) -> anyhow::Result<()> {
    let mut pages = Vec::new();
    for folder in &parsing.folders() {
        read_pages(folder, &mut pages)?;
    }
    ensure!(
        !pages.is_empty(),
        "no .html or .html.gz file in {:?}: name a folder with pages",
        parsing.folders()
    );
    let bytes: usize = pages.iter().map(String::len).sum();
    println!("{} pages of {} bytes on average, {} rounds", pages.len(), bytes / pages.len(), parsing.rounds);
    println!("{:44} {:>10} {:>8}  {:34} {:>6}", "", "us a page", "MB/s", "times", "bar");
    let contestants = contestants()?;
    let times = measure(&contestants, &pages, parsing.rounds);
    for (contestant, time) in contestants.iter().zip(&times) {
        let seconds = time.as_secs_f64();
        let ratio = seconds / times[contestant.beside].as_secs_f64();
        let each = seconds * 1e6 / pages.len() as f64;
        let speed = bytes as f64 / 1e6 / seconds;
        let bar = contestant.bar.map_or_else(String::new, |bar| format!("{bar:.2}"));
        let times = format!("{ratio:.2} x {}", contestants[contestant.beside].name);
        println!("{:44} {each:10.1} {speed:8.0}  {times:34} {bar:>6}", contestant.name);
    }
    Ok(())
}

impl Parsing {
    fn folders(&self) -> Vec<PathBuf> {
        if !self.folders.is_empty() {
            return self.folders.clone();
        }
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
        let corpora = std::env::var_os("TRAWL_CORPORA").map_or_else(default, PathBuf::from);
        ["content-aeb", "content-readability", "content-trafilatura", "content-wcxb"]
            .map(|corpus| corpora.join(corpus))
            .into_iter()
            .filter(|folder| folder.is_dir())
            .collect()
    }
}

/// Rules as people write them: an item of seven fields, and links that lead on.
const RULES: &str = r#"
[[pages]]
name = "page"
[pages.fields]
title = { css = "h1", required = true }
lead = "article p, main p"
price = { css = "[itemprop=price], .price", regex = '[\d.,]+', type = "number" }
published = { css = "time", attr = "datetime", type = "date" }
image = { css = ".gallery img, article img", attr = "src", type = "url" }
category = "nav.breadcrumb li:nth-last-child(2), ul.breadcrumb li:nth-last-child(2)"
tags = { css = "a[rel=tag]", list = true }
[[pages.follow]]
css = "a[rel=next], .pagination a"
priority = 10
"#;

const BARE_PASS: usize = 0;
const BARE_TREE: usize = 2;

fn contestants() -> anyhow::Result<Vec<Contestant>> {
    let url = Url::parse("https://example.org/a/b/page.html").context("the URL of the pages")?;
    let parser = |extract: ExtractSettings| -> Box<dyn Fn(&str) -> usize> {
        let (url, settings) = (url.clone(), Settings::default());
        Box::new(move |html| {
            let document = Document {
                url: &url,
                content_type: Some("text/html"),
                charset: Some("utf-8"),
                body: html.as_bytes(),
            };
            let page = parse(&document, &extract, &settings).page;
            page.links.len() + page.text.map_or(0, |text| text.len())
        })
    };
    let nothing = ExtractSettings::default();
    let contestant = |name, beside, bar, read| Contestant { name, beside, bar, read };
    Ok(vec![
        contestant("bare pass: links resolved, title", BARE_PASS, None, {
            let url = url.clone();
            Box::new(move |html| bare_pass(html, &url))
        }),
        contestant("tokeniser alone: hrefs as they stand", BARE_PASS, None, Box::new(tokens)),
        contestant(
            "bare tree",
            BARE_TREE,
            None,
            Box::new(|html| Html::parse_document(html).tree.nodes().count()),
        ),
        contestant("links", BARE_PASS, None, parser(nothing.clone())),
        contestant(
            "links, metadata, JSON-LD",
            BARE_PASS,
            Some(1.5),
            parser(ExtractSettings { metadata: true, ..nothing.clone() }),
        ),
        contestant(
            "links of all kinds, metadata, JSON-LD",
            BARE_PASS,
            None,
            parser(ExtractSettings { metadata: true, links: LinkKinds::ALL, ..nothing.clone() }),
        ),
        contestant(
            "links, fingerprints",
            BARE_PASS,
            None,
            parser(ExtractSettings { fingerprints: true, ..nothing.clone() }),
        ),
        contestant("our tree", BARE_TREE, None, {
            let settings = Settings::default();
            Box::new(move |html| usize::from(Dom::build(html, &settings).cut))
        }),
        contestant(
            "links, metadata, microdata, RDFa",
            BARE_TREE,
            None,
            parser(ExtractSettings { metadata: true, structured: true, ..nothing.clone() }),
        ),
        contestant(
            "links, items by rules",
            BARE_TREE,
            Some(1.25),
            parser(ExtractSettings { rules: Some(RULES.into()), ..nothing.clone() }),
        ),
        contestant(
            "links, text",
            BARE_TREE,
            Some(2.0),
            parser(ExtractSettings { text: true, ..nothing.clone() }),
        ),
        contestant(
            "links, text, Markdown",
            BARE_TREE,
            None,
            parser(ExtractSettings { text: true, markdown: true, ..nothing }),
        ),
    ])
}

fn measure(contestants: &[Contestant], pages: &[String], rounds: u16) -> Vec<Duration> {
    let mut fastest = vec![Duration::MAX; contestants.len()];
    for _ in 0..rounds {
        for (contestant, fastest) in contestants.iter().zip(&mut fastest) {
            let (start, started) = (Instant::now(), cpu_time());
            black_box(pages.iter().map(|page| (contestant.read)(page)).sum::<usize>());
            let time = match (started, cpu_time()) {
                (Some(started), Some(ended)) => ended - started,
                _ => start.elapsed(),
            };
            *fastest = time.min(*fastest);
        }
    }
    fastest
}

/// Time this thread was on a CPU, where the system tells (Linux).
fn cpu_time() -> Option<Duration> {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// What the streaming floor does with a page: one pass for links and title, decoded and resolved.
fn bare_pass(html: &str, url: &Url) -> usize {
    let page = stream::iter([Ok::<_, Infallible>(html.as_bytes())]);
    // The page is there, so that there is nothing to wait for.
    let extracted = floor::streaming(page, url).now_or_never().and_then(Result::ok);
    extracted.map_or(0, |extracted| extracted.links.len())
}

/// `href`s and title as they stand: nothing decoded, nothing resolved.
fn tokens(html: &str) -> usize {
    let (mut links, mut title) = (Vec::new(), String::new());
    let settings = RewriterSettings::new()
        .with_strict(false)
        .append_element_content_handler(element!("a[href]", |element| {
            links.extend(element.get_attribute("href"));
            Ok(())
        }))
        .append_element_content_handler(text!("title", |text| {
            title.push_str(text.as_str());
            Ok(())
        }));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let done = rewriter.write(html.as_bytes()).and_then(|()| rewriter.end());
    done.map_or(0, |()| links.len() + title.len())
}

fn read_pages(path: &Path, pages: &mut Vec<String>) -> anyhow::Result<()> {
    let reading = || format!("cannot read {}", path.display());
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(reading)? {
            read_pages(&entry.with_context(reading)?.path(), pages)?;
        }
        return Ok(());
    }
    let name = path.to_string_lossy();
    let mut page = Vec::new();
    if name.ends_with(".html") {
        page = fs::read(path).with_context(reading)?;
    } else if name.ends_with(".html.gz") {
        let file = fs::File::open(path).with_context(reading)?;
        GzDecoder::new(file).read_to_end(&mut page).with_context(reading)?;
    } else {
        return Ok(());
    }
    pages.push(String::from_utf8_lossy(&page).into_owned());
    Ok(())
}
