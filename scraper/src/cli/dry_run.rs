//! `scraper fetch --dry-run`: what scheme and address guard say of a URL, without a look-up or a connection.

use crate::address::Reach;
use serde::Serialize;
use url::{Host, Url};

/// What would be done about a URL.
#[derive(Debug, Serialize)]
pub struct Verdict<'a> {
    /// The URL as given.
    pub url: &'a str,
    /// `allow`: it would be asked for. `block`: its address is special. `reject`: it is no http or https URL. `resolve`:
    /// its host is a name, whose addresses are checked when they are known.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
}

/// Judges one URL.
pub(super) fn judge(text: &str, reach: Reach) -> Verdict<'_> {
    let (verdict, reason) = match Url::parse(text) {
        Err(error) => ("reject", format!("not a URL: {error}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            ("reject", format!("scheme {:?} is not crawled, only http and https are", url.scheme()))
        }
        Ok(url) => judge_host(&url, reach),
    };
    Verdict { url: text, verdict, reason }
}

fn judge_host(url: &Url, reach: Reach) -> (&'static str, String) {
    if let Err(blocked) = reach.check_literal(url) {
        return ("block", blocked.to_string());
    }
    match url.host() {
        Some(Host::Domain(host)) if reach == Reach::Public && is_local(host) => {
            ("block", format!("{host} is this machine itself"))
        }
        Some(Host::Domain(host)) => {
            ("resolve", format!("{host} is a name; its addresses are checked when it is dialled"))
        }
        Some(Host::Ipv4(ip)) => ("allow", format!("{ip} may be dialled")),
        Some(Host::Ipv6(ip)) => ("allow", format!("{ip} may be dialled")),
        None => ("reject", "the URL has no host".to_owned()),
    }
}

/// Names that mean this machine wherever one is (RFC 6761, section 6.3).
fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_has_its_reason() {
        for (url, verdict, word) in [
            ("https://example.org/x", "resolve", "example.org"),
            ("http://user:pw@8.8.8.8/", "allow", "8.8.8.8"),
            ("http://0x7f.1/", "block", "loopback"),
            ("http://a.localhost/", "block", "this machine"),
            ("ftp://example.org/", "reject", "ftp"),
            ("example.org", "reject", "not a URL"),
        ] {
            let found = judge(url, Reach::Public);
            assert_eq!(found.verdict, verdict, "{url}");
            assert!(found.reason.contains(word), "{}", found.reason);
        }
        assert_eq!(judge("http://127.0.0.1/", Reach::Anywhere).verdict, "allow");
        assert_eq!(judge("http://localhost/", Reach::Anywhere).verdict, "resolve");
    }
}
