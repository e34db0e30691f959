//! Links in the header of a response: `Link` (RFC 8288), which says what `<link>` says, and `Refresh`, which does what
//! `<meta http-equiv=refresh>` does. They are relative to the page itself, whatever its `<base>`.

use crate::{
    facts::refresh_url,
    hidden,
    links::{self, RawLink},
    parse::Parsed,
    resolve::Resolver,
    settings::Settings,
};
use encoding_rs::UTF_8;
use std::borrow::Cow;
use trawl_shared::model::{ExtractSettings, LinkKind};
use url::Url;

/// Most links taken from one header; a page needs a few.
const MAX_LINKS: usize = 500;

/// Adds the links of a header to those of the page. A canonical URL counts where the page names none.
pub fn add(
    headers: &[(String, String)],
    url: &Url,
    extract: &ExtractSettings,
    settings: &Settings,
    parsed: &mut Parsed,
) {
    let resolver = Resolver::new(url, UTF_8);
    let values = |wanted: &'static str| {
        headers.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str())
    };
    let mut raw: Vec<RawLink<'_>> = values("link").flat_map(links).take(MAX_LINKS).collect();
    let canonical = raw.iter().find(|link| link.rel.as_deref().is_some_and(is_canonical));
    if let Some(canonical) = canonical
        && parsed.page.canonical.is_none()
    {
        parsed.page.canonical = resolver.resolve(&canonical.href);
    }
    let refresh = values("refresh").find_map(refresh_url);
    raw.extend(refresh.map(|target| RawLink::new(LinkKind::Refresh, Cow::Borrowed(target))));
    parsed.page.links.extend(links::resolve_all(raw, &resolver, extract, settings.max_link_bytes).kept);
    hidden::add_headers(headers, url, extract, settings, parsed);
}

fn is_canonical(rel: &str) -> bool {
    rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("canonical"))
}

/// The links of a `Link` header. Those with an `anchor` speak of another document and are no links of this one.
fn links(value: &str) -> Vec<RawLink<'_>> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((_, behind)) = rest.split_once('<')
        && let Some((target, parameters)) = behind.split_once('>')
    {
        let end = end_of_link(parameters);
        let (parameters, after) = parameters.split_at(end);
        rest = after;
        if parameter(parameters, "anchor").is_none() {
            let rel = parameter(parameters, "rel").map(Cow::Borrowed);
            links.push(RawLink { rel, ..RawLink::new(LinkKind::Link, Cow::Borrowed(target.trim())) });
        }
    }
    links
}

/// Where the comma stands that ends a link, outside of strings.
fn end_of_link(parameters: &str) -> usize {
    let mut quoted = false;
    let is_end = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    parameters.find(is_end).unwrap_or(parameters.len())
}

/// The value of a parameter, without its quotes.
fn parameter<'v>(parameters: &'v str, wanted: &str) -> Option<&'v str> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::model::{LinkKinds, code};

    fn page(headers: &[(&str, &str)], follow: Option<LinkKinds>) -> Parsed {
        let url = Url::parse("https://a.example/b/c").unwrap();
        let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let extract = ExtractSettings { follow, ..ExtractSettings::default() };
        let mut parsed = Parsed::of(&url, code::OK);
        add(&headers, &url, &extract, &Settings::default(), &mut parsed);
        parsed
    }

    fn found(parsed: &Parsed) -> Vec<(&str, LinkKind, Option<&str>)> {
        parsed.page.links.iter().map(|link| (&*link.url, link.kind, link.rel.as_deref())).collect()
    }

    #[test]
    fn link_headers_are_read_as_lists() {
        let parsed = page(
            &[
                ("link", "</n>; rel=\"next\"; title=\"a, b\" , <d>;rel=preload;as=style,<e>"),
                ("server", "<no>"),
                ("link", "<https://c.example/>; REL=Canonical, <x>; rel=next; anchor=\"#f\""),
            ],
            None,
        );
        let expected = [
            ("https://a.example/n", LinkKind::Link, Some("next")),
            ("https://a.example/b/d", LinkKind::Link, Some("preload")),
            ("https://a.example/b/e", LinkKind::Link, None),
            ("https://c.example/", LinkKind::Link, Some("Canonical")),
        ];
        assert_eq!(found(&parsed), expected);
        assert_eq!(parsed.page.canonical.as_deref(), Some("https://c.example/"));
        assert!(!parsed.page.links[0].is_followed());
    }

    #[test]
    fn a_refresh_is_followed() {
        let parsed = page(&[("refresh", "5; url=/next")], None);
        assert_eq!(found(&parsed), [("https://a.example/next", LinkKind::Refresh, None)]);
        assert!(parsed.page.links[0].is_followed());
        assert_eq!(found(&page(&[("refresh", "5"), ("link", "no link")], None)), []);
    }

    #[test]
    fn other_addresses_are_for_jobs_that_want_hidden_ones() {
        let headers =
            [("content-location", "d"), ("content-security-policy", "default-src 'self'; report-uri /r")];
        assert_eq!(found(&page(&headers, None)), []);
        let parsed = page(&headers, Some(LinkKinds::NONE.with(LinkKind::Hidden)));
        let urls: Vec<_> = parsed.page.links.iter().map(|link| (&*link.url, link.follow)).collect();
        assert_eq!(urls, [("https://a.example/b/d", Some(true)), ("https://a.example/r", Some(true))]);
    }
}
