//! The rules of one robots.txt that hold for one crawler.

use super::{
    MAX_ROBOTS_BYTES,
    agent::names,
    lines::{Line, lines},
    pattern::{Escapes, Path, Pattern},
};
use encoding_rs::Encoding;
use std::{fmt, time::Duration};
use url::{Position, Url};

/// Longest crawl-delay that is believed.
const MAX_CRAWL_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Most sitemaps of one file; more belong into an index.
const MAX_SITEMAPS: usize = 500;

/// What a file says to one crawler.
#[derive(Debug, Default)]
pub struct RobotsRules {
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
    sitemaps: Vec<Box<str>>,
}

#[derive(Debug)]
struct Rule {
    kind: Kind,
    pattern: Pattern,
    line: u32,
    written: Box<str>,
}

/// `Allow` stands above `Disallow`: of two rules of one length it wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What matches may not be fetched.
    Disallow,
    /// What matches may be fetched.
    Allow,
}

/// The line of a file that decides about a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decider<'r> {
    /// Which way.
    pub kind: Kind,
    /// The path as written.
    pub written: &'r str,
    /// The line's number, from 1.
    pub line: u32,
}

impl fmt::Display for Decider<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.written)
    }
}

/// Whether a URL may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// No, because of this line.
    Disallowed(String),
}

/// What groups of one kind (ours, or everybody's) have said so far.
#[derive(Default)]
struct Groups {
    named: bool,
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
}

impl RobotsRules {
    /// Reads a file for the crawler that the product tokens name. Groups that name one of them (any
    /// case) are taken together; without one, those for `*` are. Of a file longer than
    /// [`MAX_ROBOTS_BYTES`] the lines up to there count.
    #[must_use]
    pub fn parse(text: &[u8], product_tokens: &[&str]) -> Self {
        let text = bounded(text);
        match Encoding::for_bom(text) {
            // No robots.txt should be in UTF-16, and some are; others only have its mark.
            Some((encoding, mark)) if encoding != encoding_rs::UTF_8 => {
                let is_wide = memchr::memchr(0, text).is_some();
                let utf8 =
                    if is_wide { encoding.decode(text).0 } else { String::from_utf8_lossy(&text[mark..]) };
                Self::parse_utf8(utf8.as_bytes(), product_tokens)
            }
            _ => Self::parse_utf8(text, product_tokens),
        }
    }

    fn parse_utf8(text: &[u8], product_tokens: &[&str]) -> Self {
        let mut sitemaps = Vec::new();
        let mut ours = Groups::default();
        let mut everybodys = Groups::default();
        // Which of the two the current group speaks to, for rules and for crawl-delay apart: a
        // crawl-delay is no rule to RFC 9309 and ends no list of agents, but the next agent does
        // not mean to share it.
        let (mut rules_for, mut delay_for) = ([false; 2], [false; 2]);
        let (mut in_rules, mut in_delay) = (false, false);
        for (number, line) in lines(text) {
            match line {
                Line::Agent(name) => {
                    if std::mem::take(&mut in_rules) {
                        rules_for = [false; 2];
                        delay_for = [false; 2];
                    }
                    if std::mem::take(&mut in_delay) {
                        delay_for = [false; 2];
                    }
                    let [us, all] = addressee(name, product_tokens);
                    ours.named |= us;
                    rules_for = [rules_for[0] | us, rules_for[1] | all];
                    delay_for = [delay_for[0] | us, delay_for[1] | all];
                }
                Line::Allow(path) | Line::Disallow(path) => {
                    in_rules = true;
                    let kind = if matches!(line, Line::Allow(_)) { Kind::Allow } else { Kind::Disallow };
                    for (groups, meant) in [(&mut ours, rules_for[0]), (&mut everybodys, rules_for[1])] {
                        if meant && !path.is_empty() {
                            groups.rules.push(Rule::new(kind, path, number));
                        }
                    }
                }
                Line::Sitemap([]) => {}
                Line::Sitemap(url) => sitemaps.push(String::from_utf8_lossy(url).into()),
                Line::CrawlDelay(value) => {
                    in_delay = true;
                    for (groups, meant) in [(&mut ours, delay_for[0]), (&mut everybodys, delay_for[1])] {
                        if meant && groups.crawl_delay.is_none() {
                            groups.crawl_delay = seconds(value);
                        }
                    }
                }
            }
        }
        let Groups { rules, crawl_delay, .. } = if ours.named { ours } else { everybodys };
        Self { rules, crawl_delay, sitemaps }
    }

    /// Whether `url` may be fetched.
    #[must_use]
    pub fn verdict(&self, url: &Url) -> Verdict {
        match self.decider(url) {
            Some(rule) if rule.kind == Kind::Disallow => {
                Verdict::Disallowed(format!("robots.txt line {}: {rule}", rule.line))
            }
            _ => Verdict::Allowed,
        }
    }

    /// The line that decides about `url`: the longest pattern that matches. Without one the URL may
    /// be fetched.
    #[must_use]
    pub fn decider(&self, url: &Url) -> Option<Decider<'_>> {
        if self.rules.is_empty() {
            return None;
        }
        let path = &url[Position::BeforePath..Position::AfterQuery];
        // A crawler has to read the file to know that it may not (RFC 9309, section 2.2.2).
        if path == "/robots.txt" {
            return None;
        }
        let path = Path::new(path);
        self.rules
            .iter()
            .filter(|rule| rule.pattern.matches(&path))
            .max_by_key(|rule| (rule.pattern.length(), rule.kind))
            .map(|rule| Decider { kind: rule.kind, written: &rule.written, line: rule.line })
    }

    /// The sitemaps that the file names, absolute as seen from `url` (any of its origin), each once.
    #[must_use]
    pub fn sitemaps(&self, url: &Url) -> Vec<String> {
        let Ok(base) = url.join("/robots.txt") else { return Vec::new() };
        let mut found: Vec<String> = Vec::new();
        for written in &self.sitemaps {
            let sitemap = base.join(written).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            if let Some(sitemap) = sitemap.map(String::from)
                && found.len() < MAX_SITEMAPS
                && !found.contains(&sitemap)
            {
                found.push(sitemap);
            }
        }
        found
    }

    /// The gap between requests that the site asks for.
    #[must_use]
    pub const fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }

    /// Bytes it takes in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let rules =
            self.rules.iter().map(|rule| size_of::<Rule>() + rule.pattern.length() + rule.written.len());
        let sitemaps = self.sitemaps.iter().map(|url| size_of::<Box<str>>() + url.len());
        size_of::<Self>() + rules.sum::<usize>() + sitemaps.sum::<usize>()
    }
}

impl Rule {
    fn new(kind: Kind, path: &[u8], line: u32) -> Self {
        let escapes = if kind == Kind::Allow { Escapes::Kept } else { Escapes::Decoded };
        Self {
            kind,
            pattern: Pattern::new(path, escapes),
            line,
            written: String::from_utf8_lossy(path).into(),
        }
    }
}

/// The lines of a file that are read.
fn bounded(text: &[u8]) -> &[u8] {
    let most = usize::try_from(MAX_ROBOTS_BYTES).unwrap_or(usize::MAX);
    match text.get(..most) {
        // A line that is cut through would forbid more than it says.
        Some(read) if text.len() > most => &read[..memchr::memrchr2(b'\n', b'\r', read).unwrap_or_default()],
        _ => text,
    }
}

/// Whether a `User-agent` value names us, and whether it names everybody.
fn addressee(name: &[u8], product_tokens: &[&str]) -> [bool; 2] {
    let everybody = match name {
        [b'*'] => true,
        [b'*', next, ..] => next.is_ascii_whitespace(),
        _ => false,
    };
    [product_tokens.iter().any(|token| names(name, token)), everybody]
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let number: f64 = std::str::from_utf8(value).ok()?.split_ascii_whitespace().next()?.parse().ok()?;
    let within = number.clamp(0.0, MAX_CRAWL_DELAY.as_secs_f64());
    (number >= 0.0).then(|| Duration::from_secs_f64(within))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "\
User-agent: other
Disallow: /
User-agent: trawl
User-agent: friend
Crawl-delay: 2.5
Disallow: /private/ # not this
Allow: /private/open
Disallow: /same
Allow: /same

User-agent: *
Disallow: /all
Crawl-delay: 9
";

    fn verdict(agent: &str, path: &str) -> Verdict {
        let url = Url::parse(&format!("https://a.example{path}")).unwrap();
        RobotsRules::parse(FILE.as_bytes(), &[agent]).verdict(&url)
    }

    #[test]
    fn the_longest_match_of_the_right_group_decides() {
        assert_eq!(
            verdict("Trawl", "/private/x"),
            Verdict::Disallowed("robots.txt line 6: Disallow: /private/".to_owned())
        );
        assert_eq!(verdict("trawl", "/private/open/x"), Verdict::Allowed);
        assert_eq!(verdict("trawl", "/same"), Verdict::Allowed);
        assert_eq!(verdict("trawl", "/all"), Verdict::Allowed);
        assert!(matches!(verdict("somebody", "/all"), Verdict::Disallowed(_)));
        assert_eq!(verdict("other", "/robots.txt"), Verdict::Allowed);
    }

    #[test]
    fn crawl_delay_belongs_to_the_agents_right_above_it() {
        let delay = |agent| RobotsRules::parse(FILE.as_bytes(), &[agent]).crawl_delay();
        assert_eq!(delay("trawl"), Some(Duration::from_millis(2500)));
        assert_eq!(delay("somebody"), Some(Duration::from_secs(9)));
        assert_eq!(delay("other"), None);
        let one = |text: &str| RobotsRules::parse(text.as_bytes(), &["x"]).crawl_delay();
        assert_eq!(
            one("User-agent: a\nCrawl-delay: 1\nUser-agent: *\nCrawl-delay: 2"),
            Some(Duration::from_secs(2))
        );
        for odd in ["-1", "soon", "NaN", ""] {
            assert_eq!(one(&format!("User-agent: *\nCrawl-delay: {odd}")), None, "{odd}");
        }
        assert_eq!(one("User-agent: *\nCrawl-delay: 1e300"), Some(MAX_CRAWL_DELAY));
    }

    #[test]
    fn the_deciding_line_is_known() {
        let rules = RobotsRules::parse(FILE.as_bytes(), &["trawl"]);
        let at = |path: &str| Url::parse("https://a.example").unwrap().join(path).unwrap();
        let decider = rules.decider(&at("/private/open")).map(|rule| (rule.line, rule.to_string()));
        assert_eq!(decider, Some((7, "Allow: /private/open".to_owned())));
        assert_eq!(rules.decider(&at("/elsewhere")), None);
        assert_eq!(rules.decider(&at("/robots.txt")), None);
    }

    #[test]
    fn several_names_take_the_groups_of_all() {
        let rules = RobotsRules::parse(FILE.as_bytes(), &["nobody", "trawl", "other"]);
        assert!(matches!(rules.verdict(&Url::parse("https://a.example/x").unwrap()), Verdict::Disallowed(_)));
    }

    #[test]
    fn sitemaps_belong_to_all_and_become_absolute() {
        let text = "Sitemap: /a.xml\nUser-agent: x\nsitemap:https://b.example/b.xml # z\nDisallow: /\n\
            SITEMAP: /a.xml\nSitemap: ftp://c.example/\nUser-agent: y\nAllow: /";
        let rules = RobotsRules::parse(text.as_bytes(), &["x"]);
        let url = Url::parse("http://a.example:81/d/e?f").unwrap();
        assert_eq!(rules.sitemaps(&url), ["http://a.example:81/a.xml", "https://b.example/b.xml"]);
        // The line parts no group.
        assert!(matches!(rules.verdict(&url), Verdict::Disallowed(_)));
    }

    #[test]
    fn marks_of_encodings_are_read() {
        let text = "\u{feff}User-agent: *\nDisallow: /x";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [text.as_bytes(), &wide, b"\xff\xfe\nUser-agent: *\nDisallow: /x"] {
            let rules = RobotsRules::parse(text, &["x"]);
            assert!(matches!(
                rules.verdict(&Url::parse("http://a.example/x").unwrap()),
                Verdict::Disallowed(_)
            ));
        }
    }

    #[test]
    fn what_is_too_long_counts_up_to_the_last_whole_line() {
        let most = usize::try_from(MAX_ROBOTS_BYTES).unwrap();
        let mut text = "User-agent: *\nDisallow: /first\n".to_owned();
        text.push_str(&"#".repeat(most - text.len() - "\nDisallow: /".len()));
        text.push_str("\nDisallow: /last\n");
        let rules = RobotsRules::parse(text.as_bytes(), &["x"]);
        let allowed =
            |path: &str| rules.verdict(&Url::parse("http://a.example").unwrap().join(path).unwrap());
        assert_eq!(allowed("/other"), Verdict::Allowed);
        assert!(matches!(allowed("/first"), Verdict::Disallowed(_)));
    }

    proptest! {
        #[test]
        fn any_file_is_read(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "User-agent:", "Disallow:", "Allow: ", "Crawl-delay:", "Sitemap:", "*", "$", "/", "a", "%", "%4", "%41",
                "\n", "\r", "\r\n", "#", ":", " ", "\0", "é", "\u{feff}", "x", "1", ".", "-", "http://a.example/sitemap.xml",
            ]), 0..60),
            path in "/[a-z%0-9*$?]{0,20}",
        ) {
            let rules = RobotsRules::parse(pieces.concat().as_bytes(), &["x", "a"]);
            let url = Url::parse("http://a.example").unwrap().join(&path).unwrap();
            prop_assert_eq!(
                rules.decider(&url).is_some_and(|rule| rule.kind == Kind::Disallow),
                rules.verdict(&url) != Verdict::Allowed
            );
            prop_assert!(rules.sitemaps(&url).iter().all(|sitemap| sitemap.starts_with("http")));
        }
    }
}
