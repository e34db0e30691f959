//! Traps: corners of a site that never end. Each rule has a name (its code), a bound and a setting.
//!
//! Two rules look at the URL alone. Three count: URLs of a host that differ in nothing but a query, a date
//! or a page number have one [`Shape`], and what is past the bound of its kind stays out. Seeds are never
//! traps.

use crate::rules::Refusal;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashMap, sync::LazyLock};
use trawl_shared::model::{CanonicalUrl, code};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bounds of the rules; 0 switches a rule off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrapRules {
    /// `trap_long_url`: longest URL, in bytes.
    pub url_length: u32,
    /// `trap_repeating_path`: how often one segment may stand in a path.
    pub repeats: u32,
    /// `trap_query_variants`: URLs of a host that differ only in their query.
    pub query_variants: u32,
    /// `trap_calendar`: URLs of a host that differ only in dates.
    pub dates: u32,
    /// `trap_pagination`: URLs of a host that differ only in page numbers.
    pub pages: u32,
}

impl Default for TrapRules {
    fn default() -> Self {
        Self { url_length: 2048, repeats: 3, query_variants: 10_000, dates: 2_000, pages: 1_000 }
    }
}

/// What URLs have in common that differ in one thing only: the rule that counts them, and a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The code of the rule.
    pub code: &'static str,
    /// Of host and text, without what differs.
    pub hash: u64,
    /// How many URLs of this shape come in.
    pub bound: u32,
}

impl TrapRules {
    /// No rule at all.
    #[must_use]
    pub const fn off() -> Self {
        Self { url_length: 0, repeats: 0, query_variants: 0, dates: 0, pages: 0 }
    }

    /// The code of the rule that keeps a URL out by its look.
    #[must_use]
    pub fn refuses(&self, url: &CanonicalUrl) -> Option<&'static str> {
        let longest = self.url_length as usize;
        if longest > 0 && url.as_str().len() > longest {
            return Some(code::TRAP_LONG_URL);
        }
        let most = self.repeats as usize;
        let path = url.as_url().path();
        // A segment and its slash are two bytes at least.
        if most > 0 && path.len() > 2 * most && most_repeated(path) > most {
            return Some(code::TRAP_REPEATING_PATH);
        }
        None
    }

    /// The rule behind a code of [`TrapRules::refuses`], for people.
    #[must_use]
    pub fn describe(&self, url: &CanonicalUrl) -> Option<Refusal> {
        let code = self.refuses(url)?;
        let rule = match code {
            code::TRAP_LONG_URL => {
                format!("{} bytes long, at most {} are taken", url.as_str().len(), self.url_length)
            }
            _ => format!(
                "a path segment stands there {} times, at most {} are taken",
                most_repeated(url.as_url().path()),
                self.repeats
            ),
        };
        Some(Refusal { code, rule })
    }

    /// The bound that a counting rule has, by its code.
    #[must_use]
    pub fn bound(&self, code: &str) -> Option<u32> {
        match code {
            code::TRAP_QUERY_VARIANTS => Some(self.query_variants),
            code::TRAP_CALENDAR => Some(self.dates),
            code::TRAP_PAGINATION => Some(self.pages),
            _ => None,
        }
    }

    /// The shapes that a URL has, for the rules that count.
    pub fn shapes(&self, url: &CanonicalUrl) -> impl Iterator<Item = Shape> + use<> {
        let text = url.as_str();
        let query = url.as_url().query();
        let has_digit = || text.bytes().any(|byte| byte.is_ascii_digit());
        let shape = |code, bound, seed, text: &str| Shape {
            code,
            bound,
            hash: xxh3_64_with_seed(text.as_bytes(), seed),
        };
        let of_query = query.filter(|_| self.query_variants > 0).map(|query| {
            shape(code::TRAP_QUERY_VARIANTS, self.query_variants, 1, &text[..text.len() - query.len()])
        });
        let has_digit = (self.dates > 0 || self.pages > 0) && has_digit();
        let of_dates = Some(()).filter(|()| has_digit && self.dates > 0);
        let of_dates = of_dates
            .and_then(|()| undated(text))
            .map(|text| shape(code::TRAP_CALENDAR, self.dates, 2, &text));
        let of_pages = Some(()).filter(|()| has_digit && self.pages > 0);
        let of_pages = of_pages
            .and_then(|()| unpaged(text))
            .map(|text| shape(code::TRAP_PAGINATION, self.pages, 3, &text));
        [of_query, of_dates, of_pages].into_iter().flatten()
    }
}

/// How often the most frequent segment of a path stands in it.
fn most_repeated(path: &str) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.for_each(|segment| *counts.entry(segment).or_default() += 1);
    counts.into_values().max().unwrap_or(0)
}

/// A date that ends a path: behind it stands a file extension at most, or the query. An article below its
/// date has a name behind it, and is no calendar's.
static DATE_AT_END: LazyLock<Regex> = LazyLock::new(|| {
    let apart = r"[12]\d{3}[/_.-](?:0?[1-9]|1[0-2])(?:[/_.-](?:0?[1-9]|[12]\d|3[01]))?";
    let joined = r"(?:19|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])";
    let date = format!(r"(?-u)([/_.=-])(?:{apart}|{joined})(/|\.[a-z]{{2,5}})?(\?|$)");
    Regex::new(&date).expect("the pattern is constant, and a test reads it")
});

/// Dates and their parts in a query.
static DATE_IN_QUERY: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"(?i-u)([?&;](?:[a-z_]*date|day|week|month|year|yr|mon|d|m|y|from|to|since|until|start|end)=)([12]\d{3}[-./]?\d{1,2}(?:[-./]?\d{1,2})?|\d{1,4})(&|;|$)";
    Regex::new(date).expect("the pattern is constant, and a test reads it")
});

/// A page number, or where a page starts, in a query or behind `/page/` at the end of a path.
static PAGE: LazyLock<Regex> = LazyLock::new(|| {
    let page = r"(?i-u)([?&;](?:page|paged|pg|pagenum|page_no|pageno|start|offset|skip|from)=|/page[/-])\d+(/?(?:[?&;]|$))";
    Regex::new(page).expect("the pattern is constant, and a test reads it")
});

/// The text without its dates; none where it has none.
fn undated(text: &str) -> Option<String> {
    let path = DATE_AT_END.replace(text, "${1}#${2}${3}");
    // Two dates side by side share the `&` between them, so it takes two looks.
    let query = DATE_IN_QUERY.replace_all(&path, "${1}#${3}").into_owned();
    let query = DATE_IN_QUERY.replace_all(&query, "${1}#${3}");
    (query != text).then(|| query.into_owned())
}

/// The text without its page number; none where it has none.
fn unpaged(text: &str) -> Option<String> {
    match PAGE.replace_all(text, "${1}#${2}") {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> CanonicalUrl {
        CanonicalUrl::parse(text).unwrap()
    }

    #[test]
    fn the_look_of_a_url() {
        let rules = TrapRules::default();
        assert_eq!(rules.refuses(&url("http://a.example/a/b/a/b/a/b")), None);
        assert_eq!(rules.refuses(&url("http://a.example/a/b/a/b/a/b/a/")), Some(code::TRAP_REPEATING_PATH));
        let long = format!("http://a.example/{}", "x".repeat(2040));
        assert_eq!(rules.refuses(&url(&long)), Some(code::TRAP_LONG_URL));
        assert_eq!(TrapRules::off().refuses(&url(&long)), None);
        assert_eq!(
            rules.describe(&url(&long)).unwrap().to_string(),
            "2057 bytes long, at most 2048 are taken"
        );
        let described = rules.describe(&url("http://a.example/a/a/a/a")).unwrap();
        assert_eq!(described.to_string(), "a path segment stands there 4 times, at most 3 are taken");
    }

    #[track_caller]
    fn check_same(code: &str, texts: &[&str]) {
        let hash = |text: &str| {
            let found = TrapRules::default().shapes(&url(text)).find(|shape| shape.code == code);
            found.unwrap_or_else(|| panic!("{text} has no shape of {code}")).hash
        };
        assert!(texts.windows(2).all(|pair| hash(pair[0]) == hash(pair[1])), "{code}: {texts:?}");
    }

    #[test]
    fn urls_that_differ_in_one_thing_have_one_shape() {
        check_same(code::TRAP_QUERY_VARIANTS, &["http://a.example/x?a=1", "http://a.example/x?b&c=2"]);
        check_same(
            code::TRAP_CALENDAR,
            &[
                "http://a.example/cal/2024/05/17",
                "http://a.example/cal/2031-12-01",
                "http://a.example/cal/20990101",
            ],
        );
        check_same(
            code::TRAP_CALENDAR,
            &["http://a.example/c?year=2024&month=5&v=x", "http://a.example/c?year=1987&month=12&v=x"],
        );
        check_same(
            code::TRAP_CALENDAR,
            &["http://a.example/c?date=2024-05-17", "http://a.example/c?date=2025-01"],
        );
        check_same(
            code::TRAP_PAGINATION,
            &["http://a.example/l?page=7&q=x", "http://a.example/l?page=900000&q=x"],
        );
        check_same(code::TRAP_PAGINATION, &["http://a.example/l/page/7/", "http://a.example/l/page/8/"]);
    }

    #[test]
    fn most_urls_have_none() {
        for text in [
            "http://a.example/",
            "http://a.example/docs/chapter-07/section-3.html",
            "http://a.example/2024/05/17/a-long-headline",
            "http://a.example/article/2024056789",
            "http://a.example/article/12345",
            "http://a.example/?p=12345#x",
            "http://a.example/paper.pdf",
        ] {
            let mut shapes = TrapRules { query_variants: 0, ..TrapRules::default() }.shapes(&url(text));
            assert_eq!(shapes.next(), None, "{text}");
        }
    }
}
