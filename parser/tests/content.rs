//! Main content: how near it comes to what people marked as the content of real pages, and what it looks like.

use regex::Regex;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::LazyLock,
};
use trawl_parser::{Document, Settings, parse};
use trawl_shared::corpora::{bytes, corpus, rows};
use trawl_shared::model::{ExtractSettings, ParsedPage};
use url::Url;

fn page(url: &str, body: &[u8], content_type: &str) -> ParsedPage {
    let url =
        Url::parse(url).unwrap_or_else(|_| Url::parse("http://fakehost/test/page.html").expect("a URL"));
    let charset = content_type.split_once("charset=").map(|(_, charset)| charset);
    let document = Document { url: &url, content_type: Some(content_type), charset, body };
    let extract = ExtractSettings { text: true, markdown: true, ..ExtractSettings::default() };
    parse(&document, &extract, &Settings::default()).page
}

fn text(folder: &Path, html: &str, url: &str, content_type: &str) -> String {
    page(url, &bytes(&folder.join(html)), content_type).text.unwrap_or_default()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\w+").expect("a regex"));
    WORD.find_iter(text).map(|word| word.as_str())
}

/// What is in both, only in what was found, only in what was expected.
fn shared<T: std::hash::Hash + Eq>(expected: Vec<T>, found: Vec<T>) -> (f64, f64, f64) {
    let mut counts: HashMap<T, (f64, f64)> = HashMap::new();
    for item in expected {
        counts.entry(item).or_default().0 += 1.0;
    }
    for item in found {
        counts.entry(item).or_default().1 += 1.0;
    }
    counts.values().fold((0.0, 0.0, 0.0), |(both, more, less), (expected, found)| {
        (both + expected.min(*found), more + (found - expected).max(0.0), less + (expected - found).max(0.0))
    })
}

/// F1 over lower-case words; nothing expected and nothing found is right.
fn word_f1(expected: &str, found: &str) -> f64 {
    let (expected, found) = (expected.to_lowercase(), found.to_lowercase());
    let (both, more, less) = shared(words(&expected).collect(), words(&found).collect());
    if both + more + less == 0.0 { 1.0 } else { 2.0 * both / (2.0 * both + more + less) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[track_caller]
fn check(name: &str, score: f64, least: f64) {
    println!("{name}: F1 {score:.4} (at least {least})");
    assert!(score >= least, "{name}: F1 {score:.4} is below {least}");
}

/// Runs of four words, as the benchmark's own evaluation has them.
#[test]
fn article_extraction_benchmark() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Row {
        url: String,
        html: String,
        article_body: String,
    }
    fn runs(text: &str) -> Vec<Vec<&str>> {
        let words: Vec<&str> = words(text).collect();
        if words.len() < 4 { vec![words] } else { words.windows(4).map(<[_]>::to_vec).collect() }
    }
    let Some(folder) = corpus("content-aeb") else { return };
    let (mut precision, mut recall) = (Vec::new(), Vec::new());
    for row in rows::<Row>(&folder.join("public.jsonl.gz")) {
        let found = text(&folder, &row.html, &row.url, "text/html");
        let (both, more, less) = shared(runs(&row.article_body), runs(&found));
        precision.push(both / (both + more));
        recall.push(both / (both + less));
    }
    let (precision, recall) = (mean(&precision), mean(&recall));
    println!("content-aeb: precision {precision:.4}, recall {recall:.4}");
    check("content-aeb", 2.0 * precision * recall / (precision + recall), 0.96);
}

#[test]
fn web_content_of_seven_types() {
    #[derive(Deserialize)]
    struct Row {
        url: String,
        html: String,
        page_type: String,
        main_content: Option<String>,
        #[serde(default)]
        with: Vec<String>,
        #[serde(default)]
        without: Vec<String>,
    }
    let Some(folder) = corpus("content-wcxb") else { return };
    let mut by_type: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let (mut with, mut without) = ((0, 0), (0, 0));
    for row in rows::<Row>(&folder.join("public.jsonl.gz")) {
        let found = text(&folder, &row.html, &row.url, "text/html; charset=utf-8");
        let score = word_f1(row.main_content.as_deref().unwrap_or_default(), &found);
        by_type.entry(row.page_type).or_default().push(score);
        let count = |(hits, all): (usize, usize), texts: &[String]| {
            (hits + texts.iter().filter(|text| found.contains(text.as_str())).count(), all + texts.len())
        };
        (with, without) = (count(with, &row.with), count(without, &row.without));
    }
    for (kind, scores) in &by_type {
        println!("content-wcxb, {kind}: F1 {:.4}, {} pages", mean(scores), scores.len());
    }
    println!(
        "content-wcxb: found {}/{} of the texts that belong, {}/{} that do not",
        with.0, with.1, without.0, without.1
    );
    let all: Vec<f64> = by_type.into_values().flatten().collect();
    check("content-wcxb", mean(&all), 0.80);
}

#[test]
fn segments_of_trafilatura() {
    #[derive(Deserialize)]
    struct Row {
        url: String,
        html: String,
        with: Vec<String>,
        without: Vec<String>,
    }
    let Some(folder) = corpus("content-trafilatura") else { return };
    let (mut right, mut leaked, mut missed) = (0.0, 0.0, 0.0);
    for row in rows::<Row>(&folder.join("public.jsonl")) {
        let found = text(&folder, &row.html, row.url.trim(), "text/html");
        for segment in &row.with {
            *(if found.contains(segment.as_str()) { &mut right } else { &mut missed }) += 1.0;
        }
        leaked += row.without.iter().filter(|segment| found.contains(segment.as_str())).count() as f64;
    }
    println!("content-trafilatura: found {right}, missed {missed}, leaked {leaked}");
    check("content-trafilatura", 2.0 * right / (2.0 * right + leaked + missed), 0.91);
}

/// How like Mozilla's Readability it is, which is not the same as how right.
#[test]
fn likeness_to_readability() {
    #[derive(Deserialize)]
    struct Row {
        html: String,
        expected_html: String,
    }
    let Some(folder) = corpus("content-readability") else { return };
    let tag = Regex::new("<[^>]*>").expect("a regex");
    let scores: Vec<f64> = rows::<Row>(&folder.join("public.jsonl.gz"))
        .iter()
        .map(|row| {
            let expected = tag.replace_all(&row.expected_html, " ");
            let expected = htmlize::unescape(expected.as_ref());
            word_f1(&expected, &text(&folder, &row.html, "http://fakehost/test/page.html", "text/html"))
        })
        .collect();
    check("content-readability", mean(&scores), 0.93);
}

#[track_caller]
fn markdown(html: &str, expected: &str) {
    let page = page("https://example.org/a/page.html", html.as_bytes(), "text/html");
    assert_eq!(page.markdown.unwrap_or_default(), expected, "{html}");
}

#[test]
fn markdown_of_blocks() {
    markdown("<h2>One <em>two</em></h2><p>three<p>four", "## One *two*\n\nthree\n\nfour");
    markdown(
        "<ul><li>a<li>b<ol><li>c<li>d</ol><li>e<p>f</ul>g",
        "- a\n- b\n    1. c\n    2. d\n- e\n\n    f\n\ng",
    );
    markdown("<ol start=3><li>a<li>b</ol>", "3. a\n4. b");
    markdown("<blockquote><p>a<p>b</blockquote><p>c", "> a\n>\n> b\n\nc");
    markdown(
        "<pre><code class='x language-rust'>fn a() {\n    b()\n}\n</code></pre>",
        "```rust\nfn a() {\n    b()\n}\n```",
    );
    markdown("<pre>a ``` b</pre>", "````\na ``` b\n````");
    markdown("<p>a<br>b", "a  \nb");
    markdown(
        "<table><tr><th>Name<th>Price|€<tr><td>Lamp<td>5<tr><td>Desk</table>",
        "| Name | Price\\|€ |\n| --- | --- |\n| Lamp | 5 |\n| Desk |  |",
    );
}

#[test]
fn markdown_of_lines() {
    markdown(
        "<p>a <b> bold </b>, <strong><b>x</b></strong> and<i></i> <code>a `b`</code>",
        "a **bold** , **x** and `` a `b` ``",
    );
    markdown(
        "<p>see <a href=../b?x=1#y>the <em>page</em></a>.",
        "see [the *page*](https://example.org/b?x=1#y).",
    );
    markdown(
        "<p>no <a href=mailto:x@y>link</a> and <a href=/w_(x)>one</a>",
        "no link and [one](<https://example.org/w_(x)>)",
    );
    markdown("<p>x <img src=i.png alt='a  b'><img src=j.png> y", "x ![a b](https://example.org/a/i.png) y");
    markdown("<p>2 * 3_4 _x_ [y] a\\b &lt;p>", "2 \\* 3_4 \\_x\\_ \\[y\\] a\\\\b \\<p>");
    markdown(
        "<p><a href=/x><b>All</b></a> of <a href=/y>it<div>and</div>more</a>",
        "[**All**](https://example.org/x) of [it](https://example.org/y)\n\n[and](https://example.org/y)\n\n[more](https://example.org/y)",
    );
    markdown("<p># a<p>1. b<p>- c<p>-5<p>> d", "\\# a\n\n1\\. b\n\n\\- c\n\n-5\n\n\\> d");
}

#[test]
fn the_frame_is_left_out() {
    let story = "Words of a story that is long enough to be one, with commas, and ends. ".repeat(6);
    let html = format!(
        "<meta property=og:type content=article><header>Site</header><nav><a href=/>Home</a></nav>
         <div class=cookie-banner>We use cookies.</div>
         <div id=wrap><article><h1>Title</h1><p class=byline>By me</p><p>{story}<p>{story}
         <div class=social-share>Share</div><table><tr><td>a<td>b<tr><td>c<td>d</table>
         <h3>More stories</h3><ul><li><a href=/1>One of them</a><li><a href=/2>Another of them</a></ul></article>
         <div class=comments><p>First! {story}</div></div><footer>Imprint</footer>"
    );
    let page = page("https://example.org/story", html.as_bytes(), "text/html");
    let story = story.trim();
    assert_eq!(page.text.unwrap(), format!("Title\n{story}\n{story}\na\tb\nc\td"));
}

#[test]
fn a_forum_is_its_posts() {
    let post = "A post with an opinion, a long one, that somebody else will want to answer soon. ".repeat(3);
    let html = format!(
        "<h1>Topic</h1><div class=reply><span class=name>me</span><p>{post}</div>
         <div class=reply><span class=name>you</span><p>{post}</div>"
    );
    let page = page("https://forum.example.org/t/topic/1", html.as_bytes(), "text/html");
    let post = post.trim();
    assert_eq!(page.text.unwrap(), format!("Topic\n{post}\n{post}"));
}

#[test]
fn a_page_that_is_all_frame_has_no_text() {
    let found =
        page("https://example.org/", b"<nav><a href=/a>One</a> <a href=/b>Two</a></nav>", "text/html");
    assert_eq!((found.text, found.markdown, found.links.len()), (None, None, 2));
}
