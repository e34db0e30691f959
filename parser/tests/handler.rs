//! The service's handler: a page in, the end of its task out.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use bytes::Bytes;
use jiff::Timestamp;
use trawl_parser::{ParseHandler, Settings};
use trawl_shared::model::{
    CanonicalUrl, ExtractSettings, JobId, Link, LinkKind, Origin, Outcome, RobotsPolicy, ScrapedPage,
    TaskEnded, code,
};
use uuid::Uuid;

fn scraped(headers: &[(&str, &str)], body: &'static [u8]) -> ScrapedPage {
    let (job, url) = (JobId(Uuid::from_u128(1)), CanonicalUrl::parse("https://example.org/a/").unwrap());
    ScrapedPage {
        origin: Origin { depth: 2, ..Origin::of_seed(job, url) },
        status: 200,
        fetched_at: Timestamp::UNIX_EPOCH,
        took_ms: 12,
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        request_headers: Vec::new(),
        charset: None,
        truncated: false,
        mime: None,
        charset_source: None,
        address: None,
        sitemaps: Vec::new(),
        crawl_delay_ms: Some(1500),
        robots: RobotsPolicy::Obey,
        robot_name: None,
        extract: ExtractSettings::default(),
        kept_body: None,
        body: Bytes::from_static(body),
    }
}

fn end(page: ScrapedPage) -> TaskEnded {
    ParseHandler::new(Settings::default()).end(page)
}

const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

#[test]
fn a_page_ends_stored_with_its_facts() {
    let page = scraped(&[HTML], b"<title>Hello</title><a href=b>B</a>");
    let ended = end(page.clone());
    assert_eq!(ended.origin, page.origin);
    assert_eq!((ended.outcome, &*ended.code), (Outcome::Stored, code::OK));
    assert_eq!((ended.status, ended.fetched_at), (Some(200), Some(page.fetched_at)));
    assert_eq!(ended.content_type.as_deref(), Some(HTML.1));
    assert_eq!((ended.body_bytes, ended.crawl_delay_ms), (35, Some(1500)));
    assert!(ended.follow && ended.redirect_to.is_none() && ended.detail.is_none());
    let facts = ended.page.unwrap();
    assert_eq!((facts.url.as_str(), facts.title.as_deref()), ("https://example.org/a/", Some("Hello")));
    assert_eq!((facts.links[0].url.as_str(), facts.links[0].kind), ("https://example.org/a/b", LinkKind::A));
    assert_eq!(facts.text, None, "nobody asked for text");
}

#[test]
fn text_is_there_where_the_job_asks_for_it() {
    let extract = ExtractSettings { text: true, ..ExtractSettings::default() };
    let ended = end(ScrapedPage { extract, ..scraped(&[HTML], b"<p>Some <b>text</b>") });
    assert_eq!(ended.page.unwrap().text.as_deref(), Some("Some text"));
}

#[test]
fn other_types_end_stored_unread() {
    let ended = end(scraped(&[("content-type", "image/png")], b"\x89PNG <a href=b>"));
    assert_eq!((ended.outcome, &*ended.code), (Outcome::Stored, code::NOT_PARSED));
    assert_eq!((ended.page, ended.body_bytes), (None, 15));
}

#[test]
fn what_a_reader_can_make_nothing_of_is_stored_and_said() {
    let extract = ExtractSettings { text: true, ..ExtractSettings::default() };
    for (content_type, body) in
        [("application/pdf", b"%PDF-1.7 no PDF".as_slice()), ("application/json", b"{")]
    {
        let ended =
            end(ScrapedPage { extract: extract.clone(), ..scraped(&[("content-type", content_type)], body) });
        assert_eq!((ended.outcome, &*ended.code), (Outcome::Stored, code::UNREADABLE), "{content_type}");
        assert!(ended.detail.is_some() && ended.page.is_some(), "{content_type}");
    }
}

#[test]
fn an_undeclared_type_is_told_by_its_first_bytes() {
    assert!(end(scraped(&[], b"<!doctype html><title>x</title>")).page.is_some());
    assert!(end(scraped(&[], b"\x01\x02\x03")).page.is_none());
}

#[test]
fn the_transport_names_the_charset() {
    let page = ScrapedPage {
        charset: Some("koi8-r".to_owned()),
        ..scraped(&[HTML], b"<title>\xf0\xd2\xc9</title>")
    };
    assert_eq!(end(page).page.unwrap().title.as_deref(), Some("При"));
}

#[test]
fn robots_directives_bind_who_obeys() {
    let meta: &[u8] = b"<meta name=robots content='noindex, nofollow'><a href=b>";
    for (name, headers, body, follow) in [
        ("no directive", vec![HTML], b"<a href=b>".as_slice(), true),
        ("meta", vec![HTML], meta, false),
        ("header", vec![HTML, ("x-robots-tag", "none")], b"<a href=b>".as_slice(), false),
        (
            "second header",
            vec![("x-robots-tag", "noindex"), ("x-robots-tag", "trawl: nofollow")],
            meta,
            false,
        ),
        (
            "another robot's header",
            vec![HTML, ("x-robots-tag", "otherbot: nofollow")],
            b"<a href=b>".as_slice(),
            true,
        ),
        ("header of a type without reader", vec![("x-robots-tag", "nofollow")], b"words".as_slice(), false),
    ] {
        let ended = end(scraped(&headers, body));
        assert_eq!(ended.follow, follow, "{name}");
        assert_eq!(ended.outcome, Outcome::Stored, "{name}");
        let ignoring = end(ScrapedPage { robots: RobotsPolicy::Ignore, ..scraped(&headers, body) });
        assert!(ignoring.follow, "{name}, ignored");
    }
    let facts = end(scraped(&[HTML], meta)).page.unwrap();
    assert_eq!(facts.meta_robots.as_deref(), Some("noindex, nofollow"));
    assert_eq!(facts.links.len(), 1, "links are facts, followed or not");
}

#[test]
fn what_a_bound_left_out_is_said() {
    let settings = Settings { max_links: 1, ..Settings::default() };
    let ended = ParseHandler::new(settings).end(scraped(&[HTML], b"<a href=b><a href=c><a href=d>"));
    assert_eq!(ended.detail.as_deref(), Some("links left out, past the bound: 2"));
}

#[test]
fn a_page_may_speak_to_the_jobs_crawler_alone() {
    let page =
        |robot: &str, body| ScrapedPage { robot_name: Some(robot.to_owned()), ..scraped(&[HTML], body) };
    let meta = b"<meta name=ownbot content=nofollow><a href=/x>x</a>";
    assert!(!end(page("OwnBot", meta)).follow);
    assert!(end(page("otherbot", meta)).follow);
    let tagged = |robot: &str| ScrapedPage {
        robot_name: Some(robot.to_owned()),
        ..scraped(&[HTML, ("x-robots-tag", "ownbot: nofollow")], b"<a href=/x>x</a>")
    };
    assert!(!end(tagged("ownbot")).follow);
    assert!(end(tagged("trawl")).follow);
}

#[test]
fn sitemaps_become_links_wherever_they_are_named() {
    let named = |body: &'static [u8], content_type| ScrapedPage {
        sitemaps: vec!["https://example.org/sitemap.xml".to_owned()],
        ..scraped(&[("content-type", content_type)], body)
    };
    // A body without a reader still tells them.
    let ended = end(named(b"\x89PNG", "image/png"));
    assert_eq!(ended.page.unwrap().links[0].kind, LinkKind::Sitemap);
    let ended = end(named(b"<meta name=robots content=nofollow><a href=/x>x</a>", "text/html"));
    let links = &ended.page.unwrap().links;
    assert!(ended.follow);
    assert_eq!(links.iter().map(Link::is_followed).collect::<Vec<_>>(), [false, true]);

    let index = b"<sitemapindex><sitemap><loc>https://example.org/1.xml</loc></sitemap></sitemapindex>";
    let ended = end(scraped(&[("content-type", "application/octet-stream")], index));
    assert_eq!((&*ended.code, ended.page.unwrap().links[0].kind), ("ok", LinkKind::Sitemap));
}
