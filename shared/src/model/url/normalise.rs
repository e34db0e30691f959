//! From text to text: what a line of `url-manager canonicalize` becomes.

use super::{
    HostKey, MAX_URL_LENGTH, Resolved, UrlError, UrlProfile, UrlRules, registrable_domain, resolve,
    rules::drop_credentials,
};
use serde::Serialize;
use url::{Host, ParseError, Position, Url};

/// A URL and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Normalised {
    /// The URL as browsers resolve it.
    pub resolved: String,
    /// The URL by the rules.
    pub canonical: String,
    /// See [`HostKey`]; none where the scheme is not crawled.
    pub host_key: Option<String>,
    /// See [`registrable_domain`].
    pub registrable_domain: Option<String>,
}

/// Resolves a text and applies rules to it.
///
/// By the profile `crawler-commons` any scheme has a canonical form and a text without a scheme is read
/// as `http://`, as that library does; else only what can be crawled has one. `unicode_hosts` writes
/// host names as people read them.
///
/// # Errors
/// When the text is no URL, or none that can be crawled.
pub fn normalise(
    text: &str,
    base: Option<&Url>,
    profile: UrlProfile,
    rules: &UrlRules,
    unicode_hosts: bool,
) -> Result<Normalised, UrlError> {
    let lenient = profile == UrlProfile::CrawlerCommons;
    let resolved = match resolve(base, text) {
        Err(ParseError::RelativeUrlWithoutBase) if lenient => {
            resolve(None, &format!("http://{}", text.trim()))
        }
        resolved => resolved,
    };
    let resolved = resolved.map_err(UrlError::Syntax)?;
    let mut url = resolved.stand_in().clone();
    let crawled = matches!(url.scheme(), "http" | "https");
    if !crawled && !lenient {
        return Err(UrlError::Scheme(url.scheme().to_owned()));
    }
    drop_credentials(&mut url);
    if !url.cannot_be_a_base() {
        rules.apply(&mut url);
    }
    let canonical = spelled(&resolved, &url, text, lenient, unicode_hosts);
    if crawled && canonical.len() > MAX_URL_LENGTH {
        return Err(UrlError::TooLong(canonical.len()));
    }
    let host = resolved.host().filter(|host| !host.is_empty());
    Ok(Normalised {
        host_key: host.filter(|_| crawled).map(|host| HostKey::new(host, url.port()).to_string()),
        registrable_domain: host.and_then(registrable_domain).map(str::to_owned),
        resolved: resolved.href(),
        canonical,
    })
}

fn spelled(resolved: &Resolved, url: &Url, text: &str, lenient: bool, unicode_hosts: bool) -> String {
    let with_host =
        |host: &str| format!("{}{host}{}", &url[..Position::BeforeHost], &url[Position::AfterHost..]);
    let canonical = resolved.spell(url);
    match url.host() {
        // Both spellings of `file:` are in use and mean the same: whoever wrote one gets that one.
        None if url.scheme() == "file" => {
            let path = text.trim().get(5..).unwrap_or_default();
            let short = path.starts_with('/') && !path.starts_with("//");
            if short { canonical.replacen("file://", "file:", 1) } else { canonical }
        }
        Some(Host::Domain(name)) if unicode_hosts => with_host(&idna::domain_to_unicode(name).0),
        // RFC 5952, section 5: an IPv4 address within an IPv6 address is written as one.
        Some(Host::Ipv6(ip)) if lenient && ip.to_ipv4_mapped().is_some() => with_host(&format!("[{ip}]")),
        _ => canonical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str, profile: UrlProfile, unicode_hosts: bool) -> Result<String, UrlError> {
        normalise(text, None, profile, &UrlRules::of(profile), unicode_hosts).map(|url| url.canonical)
    }

    #[test]
    fn profiles_differ_in_what_they_take() {
        use UrlProfile::{Crawl, CrawlerCommons};
        for (text, expected) in [
            ("a.example/x?b&a", Some("http://a.example/x?a&b")),
            ("file:/a/../b", Some("file:/b")),
            ("file:///b", Some("file:///b")),
            ("mailto:a@b", Some("mailto:a@b")),
            ("http://u@a.XN--zzz1//x", Some("http://a.xn--zzz1/x")),
            ("http://", None),
            ("http://[::FFFF:7f00:1]", Some("http://[::ffff:127.0.0.1]/")),
        ] {
            assert_eq!(canonical(text, CrawlerCommons, false).ok().as_deref(), expected, "{text}");
            let crawled = text.starts_with("http://") && expected.is_some();
            assert_eq!(canonical(text, Crawl, false).is_ok(), crawled, "{text}");
        }
        assert_eq!(canonical("http://xn--bcher-kva.de/", Crawl, true).unwrap(), "http://bücher.de/");
    }

    #[test]
    fn keys_follow_the_host() {
        let rules = UrlRules::default();
        let base = Url::parse("https://www.example.co.uk:8443/a/").unwrap();
        let url = normalise("../b#c", Some(&base), UrlProfile::Crawl, &rules, false).unwrap();
        assert_eq!(url.resolved, "https://www.example.co.uk:8443/b#c");
        assert_eq!(url.canonical, "https://www.example.co.uk:8443/b");
        assert_eq!(url.host_key.as_deref(), Some("www.example.co.uk:8443"));
        assert_eq!(url.registrable_domain.as_deref(), Some("example.co.uk"));
    }
}
