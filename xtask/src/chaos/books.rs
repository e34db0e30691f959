//! The books of a run: what there is, against what there must be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::web::Expected;

/// What the books are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The synthetic web alone: every URL is known.
    Whole,
    /// Among others, whose ends nobody foresaw: those of the web are compared, all must have ended.
    WebOnly,
}

/// Sites that are not of the web have addresses for names; each host of the web has a name.
const STRANGERS: &str = "http://127.0.0.1:";

/// A stored row, as far as it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    url: String,
    outcome: String,
    body: Option<String>,
}

/// A dead letter, as far as it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    pub(crate) code: String,
    pub(crate) topic: String,
    pub(crate) error: String,
    pub(crate) state: String,
}

impl Row {
    /// Reads an exported row.
    pub(crate) fn read(value: &Value) -> Self {
        Self {
            url: text(value, "url"),
            outcome: text(value, "outcome"),
            body: value["body_hash"].as_str().map(str::to_owned),
        }
    }
}

impl Letter {
    /// Reads a listed letter.
    pub(crate) fn read(value: &Value) -> Self {
        Self {
            id: text(value, "id"),
            url: value["url"].as_str().map(str::to_owned),
            code: text(value, "code"),
            topic: text(value, "topic"),
            error: text(value, "error"),
            state: text(value, "state"),
        }
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// What is wrong, by kind, in words; and the sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// URLs that the web has.
    pub(crate) urls: usize,
    /// Rows of pages, redirects and what is gone.
    pub(crate) pages: usize,
    /// Requests that the web saw.
    pub(crate) requests: usize,
    /// Letters that there are.
    pub(crate) letters: usize,
    /// URLs that left nothing of what they should.
    pub(crate) lost: Vec<String>,
    /// URLs that left it twice.
    pub(crate) doubled: Vec<String>,
    /// Rows of the wrong content, and rows of URLs that there are not.
    pub(crate) wrong: Vec<String>,
    /// Gaps that were too short.
    pub(crate) rude: Vec<String>,
    /// Letters without a cause.
    pub(crate) uncaused: Vec<Letter>,
    /// Where the audit does not add up.
    pub(crate) unbalanced: Vec<String>,
    /// Processes that ended by themselves or leaked, and what else a scenario finds.
    pub(crate) surprises: Vec<String>,
}

impl Books {
    /// Compares.
    pub(crate) fn close(
        scope: Scope,
        expected: &BTreeMap<String, Expected>,
        mut rows: Vec<Row>,
        mut letters: Vec<Letter>,
        (audit, excluded_by): (&Value, &Value),
        (rude, requests): (Vec<String>, usize),
    ) -> Self {
        if scope == Scope::WebOnly {
            rows.retain(|row| !row.url.starts_with(STRANGERS));
            letters.retain(|letter| letter.url.as_ref().is_none_or(|url| !url.starts_with(STRANGERS)));
        }
        let mut books = Self {
            urls: expected.len(),
            pages: rows.len(),
            letters: letters.len(),
            rude,
            requests,
            ..Self::default()
        };
        books.compare_rows(expected, &rows);
        books.compare_letters(expected, letters);
        if audit["balanced"] != true || audit["open"] != 0 {
            books.unbalanced.push(format!("the audit does not balance: {audit}"));
        }
        if scope == Scope::Whole {
            books.compare_states(expected, audit, excluded_by);
        }
        books
    }

    fn compare_rows(&mut self, expected: &BTreeMap<String, Expected>, rows: &[Row]) {
        let mut seen = BTreeSet::new();
        for row in rows {
            if !seen.insert(row.url.as_str()) {
                self.doubled.push(row.url.clone());
                continue;
            }
            let Row { url, outcome, body } = row;
            match expected.get(url) {
                Some(Expected::Row { outcome: right, .. }) if outcome != right => {
                    self.wrong.push(format!("{url} is {outcome}, not {right}"));
                }
                Some(Expected::Row { body: right, .. }) if right.is_some() && body != right => {
                    self.wrong.push(format!("{url} has the body {body:?}, not {right:?}"));
                }
                Some(Expected::Row { .. }) => {}
                _ => self.wrong.push(format!("{url} has a row ({outcome}) and should have none")),
            }
        }
        let with_row = expected.iter().filter(|(_, end)| matches!(end, Expected::Row { .. }));
        self.lost.extend(with_row.map(|(url, _)| url).filter(|url| !seen.contains(url.as_str())).cloned());
    }

    fn compare_letters(&mut self, expected: &BTreeMap<String, Expected>, letters: Vec<Letter>) {
        let mut seen = BTreeSet::new();
        for letter in letters {
            let url = letter.url.as_ref().filter(|url| expected.get(*url) == Some(&Expected::Letter));
            match url {
                Some(url) if !seen.insert(url.clone()) => self.doubled.push(format!("the letter of {url}")),
                Some(_) if letter.state == "open" => {}
                _ => self.uncaused.push(letter),
            }
        }
        let with_letter = expected.iter().filter(|(_, end)| **end == Expected::Letter);
        self.lost.extend(
            with_letter
                .filter(|(url, _)| !seen.contains(*url))
                .map(|(url, _)| format!("the letter of {url}")),
        );
    }

    fn compare_states(&mut self, expected: &BTreeMap<String, Expected>, audit: &Value, excluded_by: &Value) {
        let right = |state: &str| {
            let is = |end: &&Expected| match end {
                Expected::Row { outcome, .. } => *outcome == state,
                Expected::Letter => state == "dead",
                Expected::Excluded => state == "robots_disallowed",
            };
            expected.values().filter(is).count() as u64
        };
        for state in ["queued", "in_flight", "stored", "unchanged", "redirected", "gone", "dead"] {
            let found = audit["states"][state].as_u64().unwrap_or(0);
            if found != right(state) {
                self.unbalanced.push(format!("{found} URLs are {state}, not {}", right(state)));
            }
        }
        // Links that leave the web are out of scope or not to be followed; how many there are the web does not tell.
        let of_the_web = |rule: &str| !["scope", "nofollow"].contains(&rule);
        let rules = excluded_by.as_object().into_iter().flatten().filter(|(rule, _)| of_the_web(rule));
        let mut found: BTreeMap<&str, u64> =
            rules.map(|(rule, urls)| (rule.as_str(), urls.as_u64().unwrap_or(0))).collect();
        found.entry("robots_disallowed").or_default();
        for (rule, urls) in found.into_iter().filter(|(rule, urls)| *urls != right(rule)) {
            self.unbalanced.push(format!("{urls} URLs are excluded by {rule}, not {}", right(rule)));
        }
    }

    /// What is wrong, each kind with its name; nothing if the run passed.
    pub(crate) fn complaints(&self) -> Vec<(&'static str, Vec<String>)> {
        let uncaused = self.uncaused.iter().map(|letter| {
            let Letter { id, url, code, topic, error, state } = letter;
            format!("{id} ({state}) of {topic}: {code}: {} ({error})", url.as_deref().unwrap_or("no URL"))
        });
        [
            ("lost", self.lost.clone()),
            ("doubled", self.doubled.clone()),
            ("wrong", self.wrong.clone()),
            ("gap broken", self.rude.clone()),
            ("letter without a cause", uncaused.collect()),
            ("unbalanced", self.unbalanced.clone()),
            ("surprise", self.surprises.clone()),
        ]
        .into_iter()
        .filter(|(_, found)| !found.is_empty())
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> BTreeMap<String, Expected> {
        let row = |outcome, body: Option<&str>| Expected::Row { outcome, body: body.map(str::to_owned) };
        [
            ("a", row("stored", Some("1"))),
            ("b", row("gone", None)),
            ("c", Expected::Letter),
            ("d", Expected::Excluded),
        ]
        .map(|(url, end)| (url.to_owned(), end))
        .into()
    }

    fn close(rows: &[Value], letters: &[Value], states: Value) -> Books {
        let rows = rows.iter().map(Row::read).collect();
        let letters = letters.iter().map(Letter::read).collect();
        let audit = json!({"balanced": true, "open": 0, "states": states});
        let excluded_by = json!({"scope": 7, "robots_disallowed": 1});
        Books::close(Scope::Whole, &expected(), rows, letters, (&audit, &excluded_by), (Vec::new(), 0))
    }

    #[test]
    fn a_crawl_that_lost_nothing_has_no_complaints() {
        let rows = [
            json!({"url": "a", "outcome": "stored", "body_hash": "1"}),
            json!({"url": "b", "outcome": "gone"}),
        ];
        let letters = [json!({"id": "1", "url": "c", "code": "server_error", "state": "open"})];
        let books = close(&rows, &letters, json!({"stored": 1, "gone": 1, "dead": 1}));
        assert_eq!(books.complaints(), []);
    }

    #[test]
    fn what_is_missing_twice_or_wrong_is_named() {
        let rows = [
            json!({"url": "a", "outcome": "stored", "body_hash": "2"}),
            json!({"url": "a", "outcome": "stored", "body_hash": "1"}),
            json!({"url": "d", "outcome": "stored"}),
        ];
        let letters = [json!({"id": "1", "url": "a", "code": "storage", "state": "open"})];
        let books = close(&rows, &letters, json!({"stored": 1, "dead": 1}));
        assert_eq!(books.lost, ["b", "the letter of c"]);
        assert_eq!(books.doubled, ["a"]);
        assert_eq!(books.wrong.len(), 2, "{:?}", books.wrong);
        assert_eq!(books.uncaused.len(), 1);
        assert_eq!(books.unbalanced, ["0 URLs are gone, not 1"]);
    }
}
