//! Each host's robots.txt: the text that is served, and the verdict a crawler should reach.
//!
//! The verdict comes from the drawn rules, not from parsing the text, so a crawler's parser is checked against
//! something that shares no code with it.

use std::fmt::Write as _;

use super::Web;

/// One line of a group: the longest prefix that matches decides.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    prefix: String,
}

impl Web {
    /// A host's rules for crawlers that are not named; `None` where the host has no robots.txt.
    fn robots_rules(&self, host: u32) -> Option<Vec<Rule>> {
        let mut draw = self.draw("robots", &[host]);
        if !draw.happens(self.settings.profile.robots) {
            return None;
        }
        let sections: Vec<u32> = self.layout(host).sections().collect();
        let mut rules = Vec::new();
        for section in sections.iter().skip(1).filter(|section| *section % 9 == 4 || **section == 1) {
            let name = self.section_name(host, *section);
            rules.push(Rule { allow: false, prefix: format!("/{name}/") });
            if draw.happens(5000) {
                rules.push(Rule { allow: true, prefix: format!("/{name}/view?") });
            }
        }
        Some(rules)
    }

    /// The crawl delay that a host asks for, in milliseconds.
    pub fn crawl_delay_ms(&self, host: u32) -> Option<u32> {
        let profile = &self.settings.profile;
        self.robots_rules(host)?;
        self.draw("crawl delay", &[host]).happens(profile.delayed).then_some(profile.crawl_delay_ms)
    }

    /// The text of a host's robots.txt, if it has one.
    pub fn robots_txt(&self, host: u32) -> Option<String> {
        let rules = self.robots_rules(host)?;
        let mut text =
            String::from("# drawn from a seed\nUser-agent: shunned-bot\nDisallow: /\n\nUser-agent: *\n");
        if let Some(delay) = self.crawl_delay_ms(host) {
            let _ = writeln!(text, "Crawl-delay: {}", f64::from(delay) / 1000.0);
        }
        for Rule { allow, prefix } in rules {
            let _ = writeln!(text, "{}: {prefix}", if allow { "Allow" } else { "Disallow" });
        }
        Some(text)
    }

    /// Whether a crawler that is not named may ask for `target` (path and query).
    pub fn allows(&self, host: u32, target: &str) -> bool {
        let rules = self.robots_rules(host).unwrap_or_default();
        rules
            .iter()
            .filter(|rule| target.starts_with(&rule.prefix))
            .max_by_key(|rule| (rule.prefix.len(), rule.allow))
            .is_none_or(|rule| rule.allow)
    }
}
