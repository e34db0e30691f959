//! From the links a page writes to the links it means.

use crate::resolve::{Resolver, scheme};
use std::borrow::Cow;
use trawl_shared::model::{ExtractSettings, Link, LinkKind, OtherLinks};

/// Longest anchor text, in characters.
pub const MAX_ANCHOR_TEXT: usize = 500;

/// A link in the page's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLink<'d> {
    /// The element it comes from.
    pub kind: LinkKind,
    /// The decoded attribute.
    pub href: Cow<'d, str>,
    /// The decoded `rel`.
    pub rel: Option<Cow<'d, str>>,
    /// Anchor text, ready.
    pub text: String,
}

impl<'d> RawLink<'d> {
    /// A link without text and `rel`.
    #[must_use]
    pub const fn new(kind: LinkKind, href: Cow<'d, str>) -> Self {
        Self { kind, href, rel: None, text: String::new() }
    }
}

/// The links of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The http(s) links in document order.
    pub kept: Vec<Link>,
    /// Links that lead elsewhere or nowhere.
    pub other: OtherLinks,
    /// Links behind the bound in bytes.
    pub cut: usize,
}

/// Resolves the links of a page, as many as take `max_bytes`: a long `<base href>` times many short
/// links can be a thousand times the page. Where the job chose the kinds it follows, links are marked.
/// What the page wrote is kept where the job asks for it and it says more than the URL.
#[must_use]
pub fn resolve_all(
    raw: Vec<RawLink<'_>>,
    resolver: &Resolver<'_>,
    extract: &ExtractSettings,
    max_bytes: usize,
) -> Links {
    let mut links = Links { kept: Vec::with_capacity(raw.len()), ..Links::default() };
    let mut bytes = 0;
    let total = raw.len();
    for (index, link) in raw.into_iter().enumerate() {
        let Some(url) = resolver.resolve(&link.href) else {
            links.count_other(&link.href);
            continue;
        };
        bytes += url.len() + link.href.len() + link.text.len() + link.rel.as_ref().map_or(0, |rel| rel.len());
        if bytes > max_bytes {
            links.cut = total - index;
            break;
        }
        let says_more = extract.raw_links && *link.href != url;
        let raw = if says_more { link.href.into_owned() } else { String::new() };
        let rel = link.rel.map(Cow::into_owned);
        let follow = extract.follow.map(|kinds| kinds.contains(link.kind));
        let follow = follow.filter(|&follow| follow != link.kind.is_navigational());
        links.kept.push(Link { url, raw, text: link.text, rel, kind: link.kind, follow, ..Link::default() });
    }
    links
}

impl Links {
    fn count_other(&mut self, href: &str) {
        let other = &mut self.other;
        let count = match scheme(href.trim_matches(|c: char| c <= ' ')) {
            Some(scheme) if scheme.eq_ignore_ascii_case("javascript") => &mut other.javascript,
            Some(scheme) if scheme.eq_ignore_ascii_case("mailto") => &mut other.mailto,
            _ => &mut other.other,
        };
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::model::LinkKinds;
    use url::Url;

    fn resolved(base: &str, hrefs: &[&'static str], max_bytes: usize) -> Links {
        let extract = ExtractSettings { raw_links: true, ..ExtractSettings::default() };
        let base = Url::parse(base).unwrap();
        let raw = hrefs.iter().map(|href| RawLink::new(LinkKind::A, Cow::Borrowed(*href))).collect();
        resolve_all(raw, &Resolver::new(&base, encoding_rs::UTF_8), &extract, max_bytes)
    }

    #[test]
    fn raw_is_left_out_where_it_says_nothing_new() {
        let links = resolved("https://example.org/", &["https://example.org/a", "b"], usize::MAX);
        assert_eq!(links.kept[0].raw, "");
        assert_eq!(links.kept[1].raw, "b");
    }

    #[test]
    fn what_is_no_web_link_is_counted() {
        let hrefs = ["mailto:a@b", "/x", "http://[", " JavaScript:void(0)", "tel:1", "MAILTO:c@d"];
        let links = resolved("https://example.org/", &hrefs, usize::MAX);
        assert_eq!((links.kept.len(), links.cut), (1, 0));
        assert_eq!(links.other, OtherLinks { javascript: 1, mailto: 2, other: 2 });
    }

    #[test]
    fn links_are_marked_where_the_job_differs_from_their_kind() {
        let base = Url::parse("https://example.org/").unwrap();
        let raw = [LinkKind::A, LinkKind::Frame, LinkKind::Img, LinkKind::Script];
        let raw = raw.map(|kind| RawLink::new(kind, Cow::Borrowed("x"))).into();
        let follow = Some(LinkKinds::NONE.with(LinkKind::A).with(LinkKind::Img));
        let extract = ExtractSettings { follow, ..ExtractSettings::default() };
        let links = resolve_all(raw, &Resolver::new(&base, encoding_rs::UTF_8), &extract, usize::MAX);
        assert!(links.kept.iter().all(|link| link.raw.is_empty()), "raw is for those who ask");
        let marks: Vec<_> = links.kept.iter().map(|link| link.follow).collect();
        assert_eq!(marks, [None, Some(false), Some(true), None]);
    }

    #[test]
    fn the_bound_is_on_what_comes_out() {
        let base = format!("https://example.org/{}/", "x".repeat(4000));
        let links = resolved(&base, &["a", "b", "c", "d"], 10_000);
        assert_eq!((links.kept.len(), links.cut), (2, 2));
    }
}
