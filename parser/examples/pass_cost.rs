//! What the streaming tier costs beside a bare pass of the same tokeniser over the same pages.
//!
//!     cargo run --release -p trawl-parser --example pass_cost -- FOLDER...
//!
//! Reads every `.html` and `.html.gz` file below the folders, as UTF-8; without arguments, the content
//! corpora. The bare pass collects `href` and title as they stand: nothing decoded, nothing resolved.

use flate2::read::GzDecoder;
use lol_html::{HtmlRewriter, Settings as RewriterSettings, element, text};
use std::{
    fs,
    hint::black_box,
    io::Read as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use trawl_parser::{Document, Settings, dom::Dom, elements::Wanted, parse, stream};
use trawl_shared::model::ExtractSettings;
use url::Url;

/// Rounds over all pages; of each measurement the fastest counts.
const ROUNDS: usize = 9;

fn main() -> anyhow::Result<()> {
    let mut folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if folders.is_empty() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
        folders = ["aeb", "readability", "trafilatura", "wcxb"]
            .map(|c| corpora.join(format!("content-{c}")))
            .into();
    }
    let mut pages = Vec::new();
    for folder in &folders {
        read_pages(folder, &mut pages)?;
    }
    anyhow::ensure!(!pages.is_empty(), "no .html or .html.gz file below {folders:?}");
    let bytes: usize = pages.iter().map(Vec::len).sum();
    println!("{} pages, {} bytes each on average", pages.len(), bytes / pages.len());

    let url = Url::parse("https://example.org/a/b/page.html")?;
    let settings = Settings::default();
    let wanted = Wanted::of(&ExtractSettings::default());
    let links = |body: &[u8], text| {
        let document = Document { url: &url, content_type: Some("text/html"), charset: Some("utf-8"), body };
        let extract = ExtractSettings { text, ..ExtractSettings::default() };
        parse(&document, &extract, &settings).page.links.len()
    };
    let texts: Vec<String> = pages.iter().map(|page| String::from_utf8_lossy(page).into_owned()).collect();
    let given_up = texts.iter().filter(|text| stream::facts(text, wanted, &settings).is_err()).count();
    println!("{given_up} of them need the tree");

    let bare = measure(&texts, |html| bare_pass(html));
    let measured = [
        ("bare pass", bare),
        (
            "streaming pass",
            measure(&texts, |html| {
                stream::facts(html, wanted, &settings).map_or(0, |facts| facts.links.len())
            }),
        ),
        ("all but text", measure(&pages, |body| links(body, false))),
        ("all with text", measure(&pages, |body| links(body, true))),
        ("bare tree", measure(&texts, |html| usize::from(Dom::build(html, &settings).cut))),
    ];
    for (name, time) in measured {
        let each = time.as_secs_f64() * 1e6 / pages.len() as f64;
        println!(
            "{name:15} {each:8.1} us a page, {:.2} x the bare pass",
            time.as_secs_f64() / bare.as_secs_f64()
        );
    }
    Ok(())
}

fn measure<P>(pages: &[P], mut read: impl FnMut(&P) -> usize) -> Duration {
    let round = |_| {
        let (start, started) = (Instant::now(), cpu_time());
        black_box(pages.iter().map(&mut read).sum::<usize>());
        match (started, cpu_time()) {
            (Some(started), Some(ended)) => ended - started,
            _ => start.elapsed(),
        }
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

/// Time this thread was on a CPU, where the system tells (Linux): other load does not count.
fn cpu_time() -> Option<Duration> {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn bare_pass(html: &str) -> usize {
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

fn read_pages(path: &Path, pages: &mut Vec<Vec<u8>>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            read_pages(&entry?.path(), pages)?;
        }
        return Ok(());
    }
    let name = path.to_string_lossy();
    if name.ends_with(".html") {
        pages.push(fs::read(path)?);
    } else if name.ends_with(".html.gz") {
        let mut page = Vec::new();
        GzDecoder::new(fs::File::open(path)?).read_to_end(&mut page)?;
        pages.push(page);
    }
    Ok(())
}
