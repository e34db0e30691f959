//! What a polite crawler should find: every URL reachable from the roots, and what each should end in.
//!
//! The walk follows the drawn links and fates; it reads no HTML, no robots.txt and no HTTP, so it can convict a
//! crawler's parser, robots reader and fetcher alike. Links that leave the web are not listed: they are never fetched.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::{Fate, Place, Web};

/// Why a URL is not kept although it could be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Excluded {
    /// The host's robots.txt forbids it.
    Robots,
    /// It is no HTML: it may be fetched, but it is no page.
    Type,
}

/// What a URL should end in, for a crawler that retries what may pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// A page that can be had, perhaps after some failures.
    Stored,
    /// A redirect to another URL of this list.
    Redirected {
        /// The URL that its `Location` names.
        to: String,
    },
    /// 404 or 410.
    Gone {
        /// Which of the two.
        status: u16,
    },
    /// Not a page for this crawler.
    Excluded {
        /// Why not.
        why: Excluded,
    },
    /// It never answers well.
    Dead {
        /// What it answers.
        status: u16,
    },
}

/// One URL and what it should end in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TruthRow {
    /// The URL.
    pub url: String,
    /// What it should end in.
    #[serde(flatten)]
    pub end: End,
}

/// A row with the body that the URL answers with when it is well.
#[derive(Debug, Serialize)]
pub(crate) struct HashedRow {
    #[serde(flatten)]
    row: TruthRow,
    /// XXH3-128 of the body in hex; none where the URL never answers well, or with a redirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// [`truth`] with the hashes of bodies, which takes the drawing of each page.
pub(crate) fn hashed_truth(web: &Web) -> impl Iterator<Item = HashedRow> + '_ {
    walk(web).map(|(host, place, end)| {
        let body = match (&end, place) {
            (End::Stored, Place::Page(page) | Place::Hop { page, .. }) => {
                Some(web.html(host, page).into_bytes())
            }
            (End::Excluded { why: Excluded::Type }, Place::File(number)) => Some(web.file_body(host, number)),
            _ => None,
        };
        let body = body.map(|body| format!("{:032x}", xxh3_128(&body)));
        HashedRow { row: TruthRow { url: web.url(host, place), end }, body }
    })
}

/// Every URL reachable from the roots, by host and place.
pub fn truth(web: &Web) -> Vec<TruthRow> {
    walk(web).map(|(host, place, end)| TruthRow { url: web.url(host, place), end }).collect()
}

/// Every place reachable from the roots and its end, in order.
fn walk(web: &Web) -> impl Iterator<Item = (u32, Place, End)> + use<> {
    let mut ends: BTreeMap<(u32, Place), Option<End>> = BTreeMap::new();
    let mut queue: VecDeque<(u32, Place)> = (0..web.hosts()).map(|host| (host, Place::Page(0))).collect();
    ends.extend(queue.iter().map(|key| (*key, None)));
    while let Some((host, place)) = queue.pop_front() {
        let (end, found) = web.visit(host, place);
        ends.insert((host, place), Some(end));
        for key in found {
            ends.entry(key).or_insert_with(|| {
                queue.push_back(key);
                None
            });
        }
    }
    ends.into_iter().filter_map(|((host, place), end)| Some((host, place, end?)))
}

impl Web {
    /// What one URL ends in and what is found there.
    fn visit(&self, host: u32, place: Place) -> (End, Vec<(u32, Place)>) {
        if !self.allows(host, &self.path(host, place)) {
            return (End::Excluded { why: Excluded::Robots }, Vec::new());
        }
        if let Some((_, target_host, target)) = self.next_stop(host, place) {
            return (End::Redirected { to: self.url(target_host, target) }, vec![(target_host, target)]);
        }
        let page = match place {
            Place::Page(page) | Place::Hop { page, .. } => page,
            Place::File(_) | Place::Robots => return (End::Excluded { why: Excluded::Type }, Vec::new()),
        };
        match self.fate(host, page) {
            Fate::Gone(status) => (End::Gone { status }, Vec::new()),
            Fate::Broken => (End::Dead { status: 500 }, Vec::new()),
            Fate::Well | Fate::Flaky { .. } | Fate::Throttled | Fate::Moved { .. } => {
                (End::Stored, self.links(host, page).targets(host).collect())
            }
        }
    }
}
