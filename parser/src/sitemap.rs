//! Sitemaps: their entries are links like any other, with a date and a priority.

use crate::{parse::Parsed, settings::Settings};
use memchr::memmem;
use std::ops::ControlFlow;
use trawl_shared::{
    content::sitemap::{Entry, is_sitemap, read},
    model::{ExtractSettings, Link, LinkKind, code},
};
use url::Url;

/// Bytes in which an XML sitemap has named its root.
const HEAD: usize = 4096;

/// Reads a body as a sitemap. `None` where it is none: feeds have a reader of their own, and a list
/// of URLs counts where its URL says that it is a sitemap.
#[must_use]
pub fn parse(
    url: &Url,
    content_type: Option<&str>,
    body: &[u8],
    extract: &ExtractSettings,
    settings: &Settings,
) -> Option<Parsed> {
    if !may_be_sitemap(url, body) {
        return None;
    }
    let follow = extract.follow.map(|kinds| kinds.contains(LinkKind::Sitemap)).filter(|follow| !follow);
    let mut parsed = Parsed::of(url, code::OK);
    let (mut bytes, mut is_cut) = (0, false);
    let links = &mut parsed.page.links;
    let summary = read(body, url, content_type, |entry| {
        bytes += entry.loc.len();
        is_cut = links.len() >= settings.max_links || bytes > settings.max_link_bytes;
        if is_cut {
            return ControlFlow::Break(());
        }
        links.push(Link { follow, ..link(entry) });
        ControlFlow::Continue(())
    });
    let cut = summary.ok()?.cut;
    if is_cut {
        parsed.note_cut("entries of the sitemap were left out, past the bound");
    } else if let Some(why) = cut {
        parsed.note_cut(&format!("not all of the sitemap was read: {why}"));
    }
    Some(parsed)
}

/// Adds the sitemaps that the site's robots.txt names. They are followed even where the page asks
/// that its own links are not: the site named them elsewhere. Answers whether links are followed now.
pub fn add_named(parsed: &mut Parsed, named: Vec<String>, follow: bool) -> bool {
    if named.is_empty() {
        return follow;
    }
    if !follow {
        for link in &mut parsed.page.links {
            link.follow = Some(false);
        }
    }
    let link = |url| Link { url, kind: LinkKind::Sitemap, follow: Some(true), ..Link::default() };
    parsed.page.links.extend(named.into_iter().map(link));
    true
}

fn link(entry: Entry) -> Link {
    Link {
        url: entry.loc,
        kind: LinkKind::Sitemap,
        lastmod: entry.lastmod,
        priority: entry.priority.and_then(rank),
        ..Link::default()
    }
}

/// A sitemap's priority as a link's: 0.5, which stands for none, is 0, and 1.0 is 50.
#[expect(clippy::cast_possible_truncation, reason = "priorities are between 0 and 1")]
fn rank(priority: f32) -> Option<i32> {
    Some(((priority - 0.5) * 100.0).round() as i32).filter(|rank| *rank != 0)
}

/// Whether a body is worth a closer look, and passes it.
fn may_be_sitemap(url: &Url, body: &[u8]) -> bool {
    const GZIP: &[u8] = b"\x1f\x8b";
    const WIDE: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
    let head = &body[..body.len().min(HEAD)];
    let names_root = [&b"urlset"[..], b"sitemapindex"].iter().any(|root| memmem::find(head, root).is_some());
    let is_hidden = head.starts_with(GZIP) || WIDE.iter().any(|mark| head.starts_with(mark));
    if (names_root || is_hidden) && is_sitemap(body) {
        return true;
    }
    let name = url.path().rsplit('/').next().unwrap_or_default();
    let is_list = name.ends_with(".txt") || name.ends_with(".txt.gz");
    is_list && name.contains("sitemap")
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::model::LinkKinds;

    fn at(path: &str, body: &[u8], extract: &ExtractSettings) -> Option<Parsed> {
        let url = Url::parse("https://example.org").unwrap().join(path).unwrap();
        parse(&url, None, body, extract, &Settings { max_links: 3, ..Settings::default() })
    }

    #[test]
    fn entries_are_links_with_date_and_priority() {
        let body = b"<urlset><url><loc>/a</loc><lastmod>2024-05-01</lastmod><priority>0.8</priority></url>\
            <url><loc>/b</loc><priority>0.5</priority></url></urlset>";
        let links = at("/x", body, &ExtractSettings::default()).unwrap().page.links;
        let expected = Link {
            url: "https://example.org/a".to_owned(),
            kind: LinkKind::Sitemap,
            priority: Some(30),
            lastmod: Some("2024-05-01T00:00:00Z".parse().unwrap()),
            ..Link::default()
        };
        assert_eq!(links[0], expected);
        assert!(links[0].is_followed());
        assert_eq!((links[1].priority, links.len()), (None, 2));
        let only_anchors =
            ExtractSettings { follow: Some(LinkKinds::NONE.with(LinkKind::A)), ..ExtractSettings::default() };
        assert!(!at("/x", body, &only_anchors).unwrap().page.links[0].is_followed());
    }

    #[test]
    fn only_sitemaps_are_read() {
        let list =
            b"https://example.org/1\nhttps://example.org/2\nhttps://example.org/3\nhttps://example.org/4";
        let parsed = at("/sitemap-1.txt", list, &ExtractSettings::default()).unwrap();
        assert_eq!(parsed.page.links.len(), 3);
        assert!(parsed.cut.is_some());
        for (path, body) in [
            ("/urls.txt", &list[..]),
            ("/sitemap.txt", b"nothing"),
            ("/sitemap.xml", b"<html>urlset"),
            ("/feed", b"<rss><item><link>/a</link></item></rss>"),
            ("/x", b"\x1f\x8b\x08"),
        ] {
            assert!(at(path, body, &ExtractSettings::default()).is_none(), "{path}");
        }
    }

    #[test]
    fn named_sitemaps_are_followed_whatever_the_page_asks() {
        let body = b"<urlset><url><loc>/a</loc></url></urlset>";
        for follow in [true, false] {
            let mut parsed = at("/x", body, &ExtractSettings::default()).unwrap();
            assert!(add_named(&mut parsed, vec!["https://example.org/s.xml".to_owned()], follow));
            let followed: Vec<bool> = parsed.page.links.iter().map(Link::is_followed).collect();
            assert_eq!(followed, [follow, true]);
            assert_eq!(parsed.page.links[1].kind, LinkKind::Sitemap);
            assert_eq!(add_named(&mut parsed, Vec::new(), follow), follow);
        }
    }
}
