//! Addresses that no link declares: found for jobs that ask for them, and for no others.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use trawl_parser::{Document, Settings, parse};
use trawl_shared::model::{ExtractSettings, Link, LinkKind, LinkKinds, ParsedPage, code};
use url::Url;

fn page(content_type: &str, body: &str, follow: Option<LinkKinds>) -> ParsedPage {
    let url = Url::parse("https://a.example/b/c.html").unwrap();
    let document =
        Document { url: &url, content_type: Some(content_type), charset: None, body: body.as_bytes() };
    parse(&document, &ExtractSettings { follow, ..ExtractSettings::default() }, &Settings::default()).page
}

/// The links that are followed, without the files that crawlers know.
fn followed(content_type: &str, body: &str, kinds: LinkKinds) -> Vec<(String, LinkKind)> {
    let page = page(content_type, body, Some(kinds));
    let links = page.links.into_iter().filter(Link::is_followed);
    let path = |url: &str| url.strip_prefix("https://a.example").unwrap_or(url).to_owned();
    let links = links.map(|link| (path(&link.url), link.kind));
    links.filter(|(path, _)| !matches!(path.as_str(), "/robots.txt" | "/sitemap.xml")).collect()
}

#[track_caller]
fn hidden(body: &str, expected: &[&str]) {
    let found = followed("text/html", body, LinkKinds::ALL);
    let found: Vec<_> =
        found.iter().filter(|(_, kind)| *kind == LinkKind::Hidden).map(|(url, _)| url.as_str()).collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn attributes_that_nobody_clicks() {
    hidden("<a ping='x /y' href=z>", &["/b/x", "/y"]);
    hidden("<form action=p method=post><button formaction=q>", &["/b/p", "/b/q"]);
    hidden(
        "<html manifest=m><head profile=n><body background=o><q cite=r>",
        &["/b/m", "/b/n", "/b/o", "/b/r"],
    );
    hidden("<applet codebase=c archive='d.jar,e.jar'></applet>", &["/b/c", "/b/d.jar", "/b/e.jar"]);
    hidden("<svg><image xlink:href=i /></svg>", &["/b/i"]);
    hidden(
        "<isindex action=i><td background=d><img longdesc=l><svg><script xlink:href=s>",
        &["/b/i", "/b/d", "/b/l", "/b/s"],
    );
    hidden("<meta name=msapplication-config content=/m><import implementation=n>", &["/b/n", "/m"]);
    hidden("<object><param name=ref value=/v>", &["/v"]);
}

#[test]
fn markup_in_comments_and_attributes() {
    hidden("<!--[if IE]><link href=ie.css><![endif]-->", &["/b/ie.css"]);
    hidden("<iframe srcdoc='&lt;img src=i.png&gt;'></iframe>", &["/b/i.png"]);
    hidden("<!DOCTYPE html SYSTEM \"d.dtd\">", &["/b/d.dtd"]);
    hidden("<meta http-equiv=Content-Security-Policy content='report-uri /r'>", &["/r"]);
}

#[test]
fn strings_are_tried_from_the_page_the_root_and_the_base() {
    hidden("<p>./d/e.html</p>", &["/b/d/e.html", "/d/e.html"]);
    hidden("<base href=/x/y><p>/z.pdf</p>", &["/x/y", "/z.pdf", "/x/y/z.pdf"]);
    hidden("<script>fetch('/api'); f('g/h.json')</script>", &["/api", "/b/g/h.json", "/g/h.json"]);
}

#[test]
fn a_declared_link_is_not_hidden_as_well() {
    hidden("<a href=/x>see /x</a><img src=/y><a href='#z'>", &[]);
}

#[test]
fn style_sheets_wherever_they_stand() {
    let style = LinkKinds::NONE.with(LinkKind::Style);
    let found = followed("text/html", "<style>@import 'a'</style><p style='b: url(c)'>/no", style);
    assert_eq!(found, [("/b/a".to_owned(), LinkKind::Style), ("/b/c".to_owned(), LinkKind::Style)]);
    let found = followed("text/css", "d { e: url(/f) }", style);
    assert_eq!(found, [("/f".to_owned(), LinkKind::Style)]);
}

#[test]
fn other_texts_are_read_for_their_addresses() {
    for (content_type, body) in [
        ("text/plain", "Disallow: /x"),
        ("application/javascript", "open('/x')"),
        ("application/json", "{\"a\": \"\\/x\"}"),
    ] {
        let found = followed(content_type, body, LinkKinds::NONE.with(LinkKind::Hidden));
        assert_eq!(found, [("/x".to_owned(), LinkKind::Hidden)], "{content_type}");
    }
    let page = page("application/javascript", "open('/x')", Some(LinkKinds::ALL));
    assert_eq!(page.outcome.as_deref(), Some(code::OK), "it has been read");
}

#[test]
fn jobs_that_do_not_ask_get_none() {
    for follow in [None, Some(LinkKinds::DECLARED)] {
        let page = page("text/html", "<a ping=x><p style='b: url(c)'>/d", follow);
        assert_eq!(page.links, []);
    }
    let page = page("text/css", "a { b: url(c) }", None);
    assert_eq!((page.outcome.as_deref(), page.links.len()), (Some(code::NOT_PARSED), 0));
}

#[test]
fn the_bounds_of_links_hold() {
    let body: String = (0..100).map(|n| format!("/page/{n} ")).collect();
    let url = Url::parse("https://a.example/").unwrap();
    let extract = ExtractSettings { follow: Some(LinkKinds::ALL), ..ExtractSettings::default() };
    let document =
        Document { url: &url, content_type: Some("text/plain"), charset: None, body: body.as_bytes() };
    let settings = Settings { max_links: 10, ..Settings::default() };
    let parsed = parse(&document, &extract, &settings);
    assert_eq!(parsed.page.links.len(), 10);
    assert!(parsed.cut.unwrap().contains("90"));
}
