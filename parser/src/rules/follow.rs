//! Which links of a page are followed, and how soon.

use super::field::MAX_MATCHES;
use crate::dom::{Match, Place, Query};
use regex::Regex;
use std::collections::HashMap;
use trawl_shared::model::{Link, LinkKind};

/// Selects links, by where they stand, by their URL, or both.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) query: Option<Query>,
    /// Where a selected element has its reference.
    pub(super) attribute: String,
    pub(super) regex: Option<Regex>,
    pub(super) priority: Option<i32>,
    pub(super) follow: bool,
}

/// What the rules say of links, by URL. The first rule that selects a link counts.
#[derive(Debug, Default)]
pub(super) struct Marks {
    by_url: HashMap<String, Mark>,
    by_regex: Vec<(Regex, Mark)>,
    /// Selected references in document order, for those that are no links of the page.
    selected: Vec<String>,
    follows_others: bool,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    follow: bool,
    priority: Option<i32>,
}

impl Marks {
    /// What these rules say of the page.
    pub(super) fn of(
        rules: &[Follow],
        follows_others: bool,
        top: Place<'_>,
        resolve: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut marks = Self { follows_others, ..Self::default() };
        for rule in rules {
            let mark = Mark { follow: rule.follow, priority: rule.priority };
            let Some(query) = &rule.query else {
                marks.by_regex.extend(rule.regex.clone().map(|regex| (regex, mark)));
                continue;
            };
            for found in top.find(query, MAX_MATCHES) {
                let url = match &found {
                    Match::Element(place) => place.attribute(&rule.attribute).and_then(resolve),
                    Match::Text(text) => resolve(text),
                };
                let Some(url) = url else { continue };
                if rule.regex.as_ref().is_some_and(|regex| !regex.is_match(&url)) {
                    continue;
                }
                if !marks.by_url.contains_key(&url) {
                    marks.selected.push(url.clone());
                    marks.by_url.insert(url, mark);
                }
            }
        }
        marks
    }

    /// Marks the links of the page, and adds what was selected and is no link yet.
    pub(super) fn write_to(&self, links: &mut Vec<Link>) {
        let mut new: Vec<&String> = Vec::new();
        for url in &self.selected {
            if self.by_url.get(url).is_some_and(|mark| mark.follow)
                && !links.iter().any(|link| link.url == *url)
            {
                new.push(url);
            }
        }
        links.extend(new.into_iter().map(|url| Link {
            url: url.clone(),
            kind: LinkKind::Data,
            ..Link::default()
        }));
        for link in links {
            match self.mark_of(&link.url) {
                Some(mark) => {
                    link.follow = Some(mark.follow).filter(|&follow| follow != link.kind.is_navigational());
                    link.priority = mark.priority.or(link.priority);
                }
                None if !self.follows_others && link.is_followed() => link.follow = Some(false),
                None => {}
            }
        }
    }

    fn mark_of(&self, url: &str) -> Option<Mark> {
        self.by_url
            .get(url)
            .copied()
            .or_else(|| self.by_regex.iter().find(|(regex, _)| regex.is_match(url)).map(|(_, mark)| *mark))
    }
}
