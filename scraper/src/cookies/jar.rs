//! The cookies of one job.

use super::cookie::Cookie;
use jiff::Timestamp;
use std::{collections::HashMap, fmt};
use url::Url;

/// Cookies of one domain (RFC 6265, section 6.1 asks for 50 at least).
const MAX_PER_DOMAIN: usize = 64;
/// Cookies of one jar.
const MAX_COOKIES: usize = 16_384;

/// A jar of cookies.
#[derive(Default)]
pub struct Jar {
    by_domain: HashMap<String, Vec<Cookie>>,
    count: usize,
    created: u64,
}

impl fmt::Debug for Jar {
    /// How many: what cookies hold lets people in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jar").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Jar {
    /// Keeps what a `Set-Cookie` value of an answer of `url` sets; what the rules refuse is ignored.
    pub fn set(&mut self, text: &str, url: &Url, now: Timestamp) {
        let Some(mut cookie) = Cookie::parse(text, url, now) else { return };
        let kept = self.by_domain.entry(cookie.domain.clone()).or_default();
        let others = self.count - kept.len();
        cookie.created = self.created;
        self.created += 1;
        if let Some(at) = kept.iter().position(|other| other.is_same(&cookie)) {
            if kept[at].secure && url.scheme() != "https" {
                // Who sits on the line may not put one of theirs in its place.
                return;
            }
            cookie.created = kept[at].created;
            kept.remove(at);
        }
        kept.retain(|other| !other.is_over(now));
        if !cookie.is_over(now) {
            if kept.len() >= MAX_PER_DOMAIN {
                kept.remove(0);
            }
            if others + kept.len() < MAX_COOKIES {
                kept.push(cookie);
            }
        }
        self.count = others + kept.len();
    }

    /// The value of `Cookie` for a request of `url`: longest paths first, then oldest (RFC 6265, section 5.4).
    #[must_use]
    pub fn header(&self, url: &Url, now: Timestamp) -> Option<String> {
        let host = url.host_str()?;
        let mut found: Vec<&Cookie> = above(host)
            .filter_map(|domain| self.by_domain.get(domain))
            .flatten()
            .filter(|cookie| cookie.is_for(url, now))
            .collect();
        found.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.created));
        let pairs: Vec<String> =
            found.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// A host and the names above it.
fn above(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |name| name.split_once('.').map(|(_, above)| above))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// What is sent to `asked` after `set` came from `from`.
    fn sent(from: &str, set: &[&str], asked: &str) -> String {
        let now = at("2026-01-01T00:00:00Z");
        let mut jar = Jar::default();
        for text in set {
            jar.set(text, &Url::parse(from).unwrap(), now);
        }
        jar.header(&Url::parse(asked).unwrap(), now).unwrap_or_default()
    }

    #[test]
    fn cookies_go_where_they_belong() {
        let from = "https://www.a.example/x/y";
        for (set, asked, expected) in [
            ("k=v", "https://www.a.example/x/z", "k=v"),
            ("k=v", "https://www.a.example/", ""),
            ("k=v; path=/", "https://www.a.example/", "k=v"),
            ("k=v; path=/", "https://a.example/", ""),
            ("k=v; path=/; domain=a.example", "https://b.a.example/", "k=v"),
            ("k=v; path=/; domain=.a.example", "https://a.example/", "k=v"),
            ("k=v; path=/; domain=b.example", "https://b.example/", ""),
            ("k=v; path=/; domain=example", "https://www.a.example/", ""),
            ("k=v; path=/; secure", "http://www.a.example/", ""),
            ("k=v; path=/x; Max-Age=0", "https://www.a.example/x", ""),
            ("__Host-k=v; path=/; secure", "https://www.a.example/", "__Host-k=v"),
            ("__Host-k=v; path=/", "https://www.a.example/", ""),
            ("__Secure-k=v; path=/", "https://www.a.example/", ""),
        ] {
            assert_eq!(sent(from, &[set], asked), expected, "{set} {asked}");
        }
        assert_eq!(sent("http://a.co.uk/", &["k=v; domain=co.uk"], "http://b.co.uk/"), "");
        assert_eq!(sent("http://127.0.0.1/", &["k=v; domain=0.0.1"], "http://127.0.0.1/"), "");
    }

    #[test]
    fn longer_paths_and_older_cookies_come_first() {
        let set = ["a=1; path=/", "b=2; path=/x", "c=3; path=/", "a=4; path=/"];
        assert_eq!(sent("http://a.example/x/y", &set, "http://a.example/x/y"), "b=2; a=4; c=3");
    }

    #[test]
    fn a_cookie_ends_when_it_says() {
        let url = Url::parse("http://a.example/").unwrap();
        let mut jar = Jar::default();
        jar.set("k=v; Expires=Thu, 01 Jan 2026 00:01:00 GMT", &url, at("2026-01-01T00:00:00Z"));
        assert!(jar.header(&url, at("2026-01-01T00:00:59Z")).is_some());
        assert!(jar.header(&url, at("2026-01-01T00:01:00Z")).is_none());
    }

    #[test]
    fn a_jar_has_bounds() {
        let now = at("2026-01-01T00:00:00Z");
        let mut jar = Jar::default();
        for n in 0..30_000 {
            let url = Url::parse(&format!("http://h{}.example/", n % 1000)).unwrap();
            jar.set(&format!("k{n}=v"), &url, now);
        }
        assert_eq!(jar.count, MAX_COOKIES);
        let all: usize = jar.by_domain.values().map(Vec::len).sum();
        assert_eq!(all, jar.count);
        let url = Url::parse("http://full.example/").unwrap();
        let mut jar = Jar::default();
        for n in 0..MAX_PER_DOMAIN + 5 {
            jar.set(&format!("k{n}=v"), &url, now);
        }
        assert_eq!(jar.count, MAX_PER_DOMAIN);
        assert!(
            !jar.header(&url, now).unwrap().contains("k4=") && jar.header(&url, now).unwrap().contains("k5=")
        );
        assert!(!format!("{jar:?}").contains("k5"));
    }
}
