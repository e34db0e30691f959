//! What comes out of sitemaps and feeds, whole, broken and hostile.

use super::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::Write;

fn base() -> Url {
    Url::parse("https://example.org/sitemap.xml").unwrap()
}

/// Entries as `loc lastmod priority changefreq index`.
fn lines(body: &[u8]) -> Vec<String> {
    let (entries, _) = read_all(body, &base(), None).unwrap();
    entries
        .iter()
        .map(|e| {
            let lastmod = e.lastmod.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let priority = e.priority.map_or_else(|| "-".to_owned(), |p| p.to_string());
            let freq = e.changefreq.map_or_else(|| "-".to_owned(), |f| format!("{f:?}"));
            format!("{} {lastmod} {priority} {freq} {}", e.loc, if e.index { "index" } else { "page" })
        })
        .collect()
}

fn locs(body: &str) -> Vec<String> {
    read_all(body.as_bytes(), &base(), None).unwrap().0.into_iter().map(|entry| entry.loc).collect()
}

#[test]
fn a_sitemap_with_all_there_is() {
    let body = br#"<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://x/image">
 <url><loc> https://example.org/a?x=1&amp;y=2 </loc><lastmod>2024-05-01</lastmod>
  <changefreq>weekly</changefreq><priority>0.8</priority>
  <image:image><image:loc>https://example.org/a.jpg</image:loc></image:image></url>
 <url><loc><![CDATA[/b]]></loc><priority>7</priority></url>
 <url><image xmlns="http://x"><loc>/c.jpg</loc></image></url>
</urlset>"#;
    assert_eq!(
        lines(body),
        [
            "https://example.org/a?x=1&y=2 2024-05-01T00:00:00Z 0.8 Weekly page",
            "https://example.org/b - - - page"
        ]
    );
}

#[test]
fn an_index_and_its_slips() {
    let body = b"<sm:sitemapindex xmlns:sm='x'><sm:sitemap><sm:loc>/1.xml</sm:loc><sm:loc>/2.xml</sm:loc>\
        <sm:lastmod>2024-05</sm:lastmod><sm:sitemap>https://example.org/3.xml</sm:sitemap></sm:sitemapindex>";
    assert_eq!(
        lines(body),
        [
            "https://example.org/1.xml - - - index",
            "https://example.org/2.xml 2024-05-01T00:00:00Z - - index",
            "https://example.org/3.xml - - - index"
        ]
    );
}

#[test]
fn feeds() {
    let rss = b"<rss><channel><link>/home</link><image><link>/logo</link></image>\
        <item><title>x</title><link>/1</link><pubDate>Thu, 17 Dec 2009 12:04:56 +0200</pubDate></item>\
        <item><guid>https://example.org/2</guid></item><item><guid isPermaLink='false'>https://x.org/3</guid></item>\
        </channel></rss>";
    assert_eq!(
        lines(rss),
        ["https://example.org/1 2009-12-17T10:04:56Z - - page", "https://example.org/2 - - - page"]
    );
    let rdf = b"<rdf:RDF><channel rdf:about='x'><link>/home</link></channel>\
        <item rdf:about='x'><link>/1</link><dc:date>2009-12-17</dc:date></item></rdf:RDF>";
    assert_eq!(lines(rdf), ["https://example.org/1 2009-12-17T00:00:00Z - - page"]);
    let atom = b"<feed xmlns='http://www.w3.org/2005/Atom'><link href='/home'/>\
        <entry><link rel='self' href='/self'/><link href='/1?a&amp;b'/><updated>2009-12-17T01:02:03Z</updated>\
        <author><uri>/me</uri></author></entry></feed>";
    assert_eq!(lines(atom), ["https://example.org/1?a&b 2009-12-17T01:02:03Z - - page"]);
}

#[test]
fn text_files() {
    let body = "\u{feff}https://example.org/a\r\nwww.example.org/b\nnot a url\n\nexample.org/c#d\nplain";
    let expected = ["https://example.org/a", "https://www.example.org/b", "https://example.org/c"];
    assert_eq!(locs(body), expected);
    for nothing in ["", "this is no sitemap", "{}", "\0\0"] {
        assert!(read_all(nothing.as_bytes(), &base(), None).is_err(), "{nothing:?}");
    }
}

#[test]
fn broken_markup_gives_what_can_be_read() {
    for (body, expected) in [
        ("<urlset><url><loc>/a</loc></url><url><loc>/b", &["https://example.org/a"][..]),
        ("<urlset><url><loc>/a</loc><image:im", &["https://example.org/a"]),
        (
            "<urlset><url><loc>/a</loc></url><url><loc>/b</loc><news:news><news:pub",
            &["https://example.org/a"],
        ),
        (
            "<urlset><url><loc>/a</url><url><loc>/b</loc></urlset>",
            &["https://example.org/a", "https://example.org/b"],
        ),
        ("<urlset><url><loc>/a<lastmod>x</lastmod></url></urlset>", &["https://example.org/a"]),
        ("<urlset><url><loc>/a?b=1&c=2&nbsp;</loc></url></urlset>", &["https://example.org/a?b=1&c=2"]),
        (
            "<urlset><url><loc><url>/a</url></loc></url><url><loc>/b</loc></url>",
            &["https://example.org/a", "https://example.org/b"],
        ),
        ("<urlset><url><news:news><x></url><url><loc>/b</loc></url>", &["https://example.org/b"]),
        (
            " \n<!-- x --><urlset></loc></url></urlset></urlset><url><loc>/a</loc></url>",
            &["https://example.org/a"],
        ),
    ] {
        assert_eq!(locs(body), expected, "{body}");
    }
    let (_, summary) = read_all(b"<urlset><url><loc>/a</loc></url><", &base(), None).unwrap();
    assert!(summary.cut.is_some_and(|why| why.contains("markup")), "the end is known to be missing");
}

#[test]
fn entities_of_a_dtd_stand_for_nothing() {
    let body = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>\
        <urlset><url><loc>https://example.org/&a;&f;x&#33;</loc></url></urlset>";
    assert_eq!(locs(body), ["https://example.org/x!"]);
}

#[test]
fn pages_are_no_sitemaps() {
    let error = read_all(b"<!doctype html><html><body>gone", &base(), None).unwrap_err();
    assert_eq!(error.to_string(), "no sitemap: it begins with <html>");
    assert!(is_sitemap(b" <?xml version='1.0'?><urlset>"));
    assert!(is_sitemap(b"\xff\xfe<\0s\0i\0t\0e\0m\0a\0p\0i\0n\0d\0e\0x\0>\0"));
    for other in [&b"<rss>"[..], b"<html>", b"", b"urlset"] {
        assert!(!is_sitemap(other));
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}

#[test]
fn packed_and_in_other_encodings() {
    let body = b"<?xml version='1.0' encoding='iso-8859-1'?><urlset><url><loc>/\xe9</loc></url></urlset>";
    let expected = ["https://example.org/%C3%A9 - - - page"];
    assert_eq!(lines(body), expected);
    let packed = gzip(body);
    assert_eq!(lines(&packed), expected);
    // The checksum is missing: what was unpacked counts.
    assert_eq!(lines(&packed[..packed.len() - 6]), expected);
    let wide: Vec<u8> =
        "\u{feff}<urlset><url><loc>/é</loc></url>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(lines(&wide), expected);
}

#[test]
fn bounds_hold() {
    let many: String = (0..MAX_ENTRIES + 5).map(|n| format!("https://example.org/{n}\n")).collect();
    let (entries, summary) = read_all(many.as_bytes(), &base(), None).unwrap();
    assert_eq!((entries.len(), summary.entries), (MAX_ENTRIES, MAX_ENTRIES));
    assert!(summary.cut.is_some_and(|why| why.contains("50000")));

    let first = b"<urlset><url><loc>/a</loc></url>".as_slice();
    let last = b"<url><loc>/b</loc></url></urlset>".as_slice();
    let padded = first.chain(io::repeat(b' ').take(MAX_BYTES)).chain(last);
    let mut found = Vec::new();
    let keep = |entry: Entry| {
        found.push(entry.loc);
        ControlFlow::Continue(())
    };
    read(padded, &base(), None, keep).unwrap();
    assert_eq!(found, ["https://example.org/a"]);
}

#[test]
fn whoever_reads_may_stop() {
    let summary =
        read(&b"http://a.example/\nhttp://b.example/"[..], &base(), None, |_| ControlFlow::Break(()));
    assert_eq!(summary.unwrap(), Summary { format: Format::Text, entries: 1, cut: None });
}

proptest! {
    #[test]
    fn any_markup_ends(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "<urlset>", "<sitemapindex>", "<rss>", "<feed>", "<url>", "</url>", "<loc>", "</loc>", "http://a.example/",
            "<sitemap>", "</sitemap>", "<item>", "<link>", "</link>", "<link href='/x'/>", "<entry>", "</entry>",
            "<lastmod>", "2024-01-01", "</lastmod>", "<x:loc>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&x;", "&#",
            "<!DOCTYPE x [", "]>", "<", ">", "é", "\0", " ", "<?xml", "?>", "<guid>", "</guid>", "\u{1f}",
        ]), 0..40),
        gzipped: bool,
    ) {
        let text = pieces.concat();
        let body = if gzipped { gzip(text.as_bytes()) } else { text.into_bytes() };
        if let Ok((entries, summary)) = read_all(&body, &base(), None) {
            prop_assert_eq!(entries.len(), summary.entries);
            for entry in entries {
                prop_assert!(Url::parse(&entry.loc).is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
            }
        }
        prop_assert!(!is_sitemap(&body) || body.len() > 7);
    }

    #[test]
    fn any_bytes_end(start in 0..4_usize, bytes: Vec<u8>) {
        let start = [&b""[..], b"\x1f\x8b\x08", b"<urlset>", b"\xfe\xff"][start];
        let entries = read_all(&[start, &bytes].concat(), &base(), None).map_or(0, |(entries, _)| entries.len());
        prop_assert!(entries <= bytes.len() * 1000);
    }
}
