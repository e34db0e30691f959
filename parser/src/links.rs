//! From the links a page writes to the links it means.

use crate::resolve::Resolver;
use std::borrow::Cow;
use trawl_shared::model::{Link, LinkKind};

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
    /// Links that lead elsewhere (`mailto:`, `javascript:`) or nowhere.
    pub other: usize,
    /// Links behind the bound in bytes.
    pub cut: usize,
}

/// Resolves the links of a page, as many as take `max_bytes`: a long `<base href>` times many short
/// links can be a thousand times the page.
#[must_use]
pub fn resolve_all(raw: Vec<RawLink<'_>>, resolver: &Resolver<'_>, max_bytes: usize) -> Links {
    let mut links = Links { kept: Vec::with_capacity(raw.len()), ..Links::default() };
    let mut bytes = 0;
    let total = raw.len();
    for (index, link) in raw.into_iter().enumerate() {
        let Some(url) = resolver.resolve(&link.href) else {
            links.other += 1;
            continue;
        };
        bytes += url.len() + link.href.len() + link.text.len() + link.rel.as_ref().map_or(0, |rel| rel.len());
        if bytes > max_bytes {
            links.cut = total - index;
            break;
        }
        let raw = if *link.href == url { String::new() } else { link.href.into_owned() };
        let rel = link.rel.map(Cow::into_owned);
        links.kept.push(Link { url, raw, text: link.text, rel, kind: link.kind, ..Link::default() });
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn resolved(base: &str, hrefs: &[&'static str], max_bytes: usize) -> Links {
        let base = Url::parse(base).unwrap();
        let raw = hrefs.iter().map(|href| RawLink::new(LinkKind::A, Cow::Borrowed(*href))).collect();
        resolve_all(raw, &Resolver::new(&base, encoding_rs::UTF_8), max_bytes)
    }

    #[test]
    fn raw_is_left_out_where_it_says_nothing_new() {
        let links = resolved("https://example.org/", &["https://example.org/a", "b"], usize::MAX);
        assert_eq!(links.kept[0].raw, "");
        assert_eq!(links.kept[1].raw, "b");
    }

    #[test]
    fn what_is_no_web_link_is_counted() {
        let links = resolved("https://example.org/", &["mailto:a@b", "/x", "http://["], usize::MAX);
        assert_eq!((links.kept.len(), links.other, links.cut), (1, 2, 0));
    }

    #[test]
    fn the_bound_is_on_what_comes_out() {
        let base = format!("https://example.org/{}/", "x".repeat(4000));
        let links = resolved(&base, &["a", "b", "c", "d"], 10_000);
        assert_eq!((links.kept.len(), links.cut), (2, 2));
    }
}
