//! The rules of one robots.txt that hold for one crawler.

use super::{
    agent::names,
    lines::{Line, lines},
    pattern::{Pattern, normalise_path},
};
use std::time::Duration;
use url::{Position, Url};

/// Longest crawl-delay that is believed.
const MAX_CRAWL_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a file says to one product token.
#[derive(Debug, Default)]
pub struct RobotsRules {
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
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
enum Kind {
    Disallow,
    Allow,
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
    /// Reads a file for the crawler that `product_token` names. Groups that name it (any case) are
    /// taken together; without one, those for `*` are.
    #[must_use]
    pub fn parse(text: &[u8], product_token: &str) -> Self {
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
                    let [us, all] = addressee(name, product_token);
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
        Self { rules, crawl_delay }
    }

    /// Whether `url` may be fetched: the longest pattern that matches decides.
    #[must_use]
    pub fn verdict(&self, url: &Url) -> Verdict {
        if self.rules.is_empty() {
            return Verdict::Allowed;
        }
        let path = &url[Position::BeforePath..Position::AfterQuery];
        // A crawler has to read the file to know that it may not (RFC 9309, section 2.2.2).
        if path == "/robots.txt" {
            return Verdict::Allowed;
        }
        let path = normalise_path(path);
        let decides = self
            .rules
            .iter()
            .filter(|rule| rule.pattern.matches(&path))
            .max_by_key(|rule| (rule.pattern.length(), rule.kind));
        match decides {
            Some(rule) if rule.kind == Kind::Disallow => {
                Verdict::Disallowed(format!("robots.txt line {}: Disallow: {}", rule.line, rule.written))
            }
            _ => Verdict::Allowed,
        }
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
        size_of::<Self>() + rules.sum::<usize>()
    }
}

impl Rule {
    fn new(kind: Kind, path: &[u8], line: u32) -> Self {
        Self { kind, pattern: Pattern::new(path), line, written: String::from_utf8_lossy(path).into() }
    }
}

/// Whether a `User-agent` value names us, and whether it names everybody.
fn addressee(name: &[u8], product_token: &str) -> [bool; 2] {
    let everybody = match name {
        [b'*'] => true,
        [b'*', next, ..] => next.is_ascii_whitespace(),
        _ => false,
    };
    [names(name, product_token), everybody]
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let number: f64 = std::str::from_utf8(value).ok()?.split_ascii_whitespace().next()?.parse().ok()?;
    let within = number.clamp(0.0, MAX_CRAWL_DELAY.as_secs_f64());
    (number >= 0.0).then(|| Duration::from_secs_f64(within))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        RobotsRules::parse(FILE.as_bytes(), agent).verdict(&url)
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
        let delay = |agent| RobotsRules::parse(FILE.as_bytes(), agent).crawl_delay();
        assert_eq!(delay("trawl"), Some(Duration::from_millis(2500)));
        assert_eq!(delay("somebody"), Some(Duration::from_secs(9)));
        assert_eq!(delay("other"), None);
        let one = |text: &str| RobotsRules::parse(text.as_bytes(), "x").crawl_delay();
        assert_eq!(
            one("User-agent: a\nCrawl-delay: 1\nUser-agent: *\nCrawl-delay: 2"),
            Some(Duration::from_secs(2))
        );
        for odd in ["-1", "soon", "NaN", ""] {
            assert_eq!(one(&format!("User-agent: *\nCrawl-delay: {odd}")), None, "{odd}");
        }
        assert_eq!(one("User-agent: *\nCrawl-delay: 1e300"), Some(MAX_CRAWL_DELAY));
    }
}
