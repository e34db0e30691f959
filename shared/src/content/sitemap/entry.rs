//! One entry of a sitemap, and how its parts are read.

use super::feed_date;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

/// Longest URL of an entry, in bytes.
const MAX_LOC: usize = 8 * 1024;

/// What a sitemap says of one URL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The URL: absolute, http or https, without a fragment; otherwise as written.
    pub loc: String,
    /// When it last changed.
    pub lastmod: Option<Timestamp>,
    /// How much it matters among its like, from 0 to 1.
    pub priority: Option<f32>,
    /// How often it changes.
    pub changefreq: Option<ChangeFreq>,
    /// Whether a sitemap stands there.
    pub index: bool,
}

/// How often a page changes, as its site believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeFreq {
    /// With each access.
    Always,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
    /// Not any more.
    Never,
}

/// The URL that a sitemap at `base` means by `text`. `None` where it is none to fetch.
pub(super) fn loc(text: &str, base: &Url) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let text = text.split('#').next().unwrap_or_default();
    if text.is_empty() || text.len() > MAX_LOC {
        return None;
    }
    match Url::parse(text) {
        Ok(url) if is_web(&url) => return Some(text.to_owned()),
        // `example.org:8080/x` has a scheme of that name, as far as one can tell.
        Ok(_) if !names_host(text, base) => return None,
        _ => {}
    }
    // `www.example.org/x`, written as people say it.
    let url = if names_host(text, base) {
        Url::parse(&format!("{}://{text}", base.scheme()))
    } else {
        base.join(text)
    };
    url.ok().filter(is_web).map(String::from)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// Whether it begins with a host: the sitemap's own, or one called `www`.
pub(super) fn names_host(text: &str, base: &Url) -> bool {
    let host = text.split(['/', '?', ':']).next().unwrap_or_default();
    let starts_with_www = host.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    starts_with_www || base.host_str().is_some_and(|own| host.eq_ignore_ascii_case(own))
}

/// The instant that a date means: W3C date and time in any of its precisions, or a date of RFC 2822
/// as feeds have it. A date without a time is its midnight, a time without a zone is in UTC.
pub(super) fn lastmod(text: &str) -> Option<Timestamp> {
    feed_date::parse(text.trim())
}

/// A priority between 0 and 1.
pub(super) fn priority(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|priority| (0.0..=1.0).contains(priority))
}

/// A word of the protocol, in any case.
pub(super) fn changefreq(text: &str) -> Option<ChangeFreq> {
    let words = [
        ("always", ChangeFreq::Always),
        ("hourly", ChangeFreq::Hourly),
        ("daily", ChangeFreq::Daily),
        ("weekly", ChangeFreq::Weekly),
        ("monthly", ChangeFreq::Monthly),
        ("yearly", ChangeFreq::Yearly),
        ("never", ChangeFreq::Never),
    ];
    let text = text.trim();
    words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, freq)| *freq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let base = Url::parse("https://example.org:8080/maps/sitemap.xml").unwrap();
        for (text, expected) in [
            (" http://a.example/x?y=1#z\n", Some("http://a.example/x?y=1")),
            ("HTTP://A.example", Some("HTTP://A.example")),
            ("www.a.example/x", Some("https://www.a.example/x")),
            ("example.org/x", Some("https://example.org/x")),
            ("example.org:8080/x", Some("https://example.org:8080/x")),
            ("/x", Some("https://example.org:8080/x")),
            ("x", Some("https://example.org:8080/maps/x")),
            ("//b.example/x", Some("https://b.example/x")),
            ("mailto:a@example.org", None),
            ("ftp://example.org/", None),
            ("http://", None),
            ("#x", None),
            ("  ", None),
        ] {
            assert_eq!(loc(text, &base).as_deref(), expected, "{text:?}");
        }
        assert_eq!(loc(&format!("http://a.example/{}", "x".repeat(MAX_LOC)), &base), None);
    }

    #[test]
    fn priorities_and_frequencies() {
        assert_eq!(priority(" 0.8 "), Some(0.8));
        assert_eq!(priority("1.1"), None);
        assert_eq!(priority("NaN"), None);
        assert_eq!(changefreq(" Daily\n"), Some(ChangeFreq::Daily));
        assert_eq!(changefreq("when we feel like it"), None);
    }
}
