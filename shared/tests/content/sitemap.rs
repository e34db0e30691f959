//! Sitemaps and feeds, whole and broken, from the suites of three readers.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use trawl_shared::content::sitemap::{Entry, Format, SitemapError, Summary, read_all};
use trawl_shared::corpora::{corpus, rows, score};
use url::Url;

#[derive(Deserialize)]
struct Row {
    id: String,
    source: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_b64: Option<String>,
    #[serde(default)]
    options: Option<Options>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    index: Option<bool>,
    #[serde(default)]
    entries: Option<Vec<Expected>>,
}

#[derive(Deserialize)]
struct Options {
    strict: bool,
}

#[derive(Deserialize)]
struct Expected {
    loc: String,
    #[serde(default)]
    lastmod: Option<String>,
}

impl Row {
    fn url(&self) -> Url {
        Url::parse(self.url.as_deref().unwrap_or("http://www.example.com/sitemap.xml")).unwrap()
    }

    fn read(&self) -> Result<(Vec<Entry>, Summary), SitemapError> {
        let body = match (&self.body, &self.body_b64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(base64)) => BASE64_STANDARD.decode(base64).unwrap(),
            (None, None) => Vec::new(),
        };
        read_all(&body, &self.url(), self.content_type.as_deref())
    }

    /// With `strict`, crawler-commons drops what does not stand below the sitemap. In Trawl that is the
    /// frontier's to judge, by the scope of the job.
    fn drops(&self, entry: &Entry) -> bool {
        let below = self.url().join(".").unwrap();
        self.options.as_ref().is_some_and(|options| options.strict)
            && !entry.index
            && !entry.loc.starts_with(below.as_str())
    }

    /// What is wrong with what was read.
    fn check(&self) -> Result<(), String> {
        let read = self.read();
        if self.error.is_some() {
            // Whether it is refused is a matter of taste; that nothing is expanded is not.
            let expanded =
                read.is_ok_and(|(entries, _)| entries.iter().any(|entry| entry.loc.contains("do-not-visit")));
            return if expanded { Err("an entity was expanded".to_owned()) } else { Ok(()) };
        }
        let expected = self.entries.as_deref().unwrap_or_default();
        let (entries, summary) = match read {
            Ok((entries, summary)) => (entries, Some(summary)),
            Err(_) if expected.is_empty() => (Vec::new(), None),
            Err(error) => return Err(error.to_string()),
        };
        let kept: Vec<&Entry> = entries.iter().filter(|entry| !self.drops(entry)).collect();
        let found: BTreeSet<&str> = kept.iter().map(|entry| entry.loc.as_str()).collect();
        let wanted: BTreeSet<&str> = expected.iter().map(|entry| entry.loc.as_str()).collect();
        if found != wanted {
            return Err(format!("{found:?}\n  is not {wanted:?}"));
        }
        for want in expected {
            let instant = want.lastmod.as_deref().and_then(|text| {
                let midnight = || format!("{text}T00:00:00Z").parse().ok();
                text.parse::<jiff::Timestamp>().ok().or_else(midnight)
            });
            let of_loc = |entry: &&&Entry| entry.loc == want.loc;
            if instant.is_some() && kept.iter().find(of_loc).is_none_or(|entry| entry.lastmod != instant) {
                return Err(format!("{} has not changed at {:?}", want.loc, want.lastmod));
            }
        }
        let is_index = summary.is_some_and(|summary| summary.format == Format::Index);
        if self.index.is_some_and(|index| index != is_index) {
            return Err(format!("index: {is_index}"));
        }
        Ok(())
    }
}

#[test]
fn sitemaps() {
    let Some(folder) = corpus("sitemaps") else { return };
    let rows: Vec<Row> = rows(&folder.join("public.jsonl"));
    let mut scores = BTreeMap::<&str, (usize, usize)>::new();
    for row in &rows {
        let (passed, total) = scores.entry(&row.source).or_default();
        *total += 1;
        match row.check() {
            Ok(()) => *passed += 1,
            Err(why) => println!("{}: {why}", row.id),
        }
    }
    for (source, (passed, total)) in scores {
        score(&format!("sitemaps of {source}"), passed, total, 95.0);
    }
}
