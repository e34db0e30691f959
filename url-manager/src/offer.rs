//! From links to the few URLs that have to be looked up: the first half of the seen-test.

use crate::{
    input::{FoundLink, Links},
    job::Job,
    key::UrlKey,
    seen::{Finding, LinkHash, Seen},
    state::{Offer, Verdict},
};
use std::collections::{HashMap, hash_map::Entry};
use trawl_shared::model::{CanonicalUrl, HostKey, code};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A URL that was found and may be new.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// `jobs.id`
    pub(crate) job: i64,
    pub(crate) host: HostKey,
    pub(crate) key: UrlKey,
    pub(crate) url: CanonicalUrl,
    pub(crate) offer: Offer,
    /// As its first finding asks: larger is sooner.
    pub(crate) priority: i16,
}

/// Where links were found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) job: &'a Job,
    /// The page's row.
    pub(crate) parent: i64,
    /// The page's depth.
    pub(crate) depth: u32,
    /// Whether the page lets its links be followed.
    pub(crate) follow: bool,
}

/// What a batch of pages found: each URL once, as the best of its findings.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    candidates: Vec<Candidate>,
    by_key: HashMap<(i64, UrlKey), usize>,
    links: HashMap<LinkHash, Finding>,
}

impl Harvest {
    /// Takes the links of a page.
    pub(crate) fn page(&mut self, place: Place<'_>, links: &Links, seen: &mut Seen) {
        // A widened scope judges anew, so what was seen under the old one is not known any more.
        let seed = (place.job.row.cast_unsigned() << 24) ^ place.job.generation.cast_unsigned();
        let obeys = place.job.obeys_robots();
        let depth = place.depth.saturating_add(1);
        for FoundLink { url: text, nofollow, priority } in links.iter() {
            let hash = xxh3_128_with_seed(text, seed);
            let follow = !obeys || (place.follow && !nofollow);
            let finding = Finding { depth, follow };
            if seen.knows(hash, finding) || !self.is_news(hash, finding) {
                continue;
            }
            match std::str::from_utf8(text).ok().and_then(|text| place.job.spec.urls.parse(text).ok()) {
                Some(url) => self.link(place, url, depth, follow, priority),
                // `mailto:` and the like can't become anything better, on whatever page they stand.
                None => {
                    self.links.insert(hash, Finding { depth: 0, follow: true });
                }
            }
        }
    }

    /// Whether the link was not found as well as this in the batch; keeps the better finding.
    fn is_news(&mut self, link: LinkHash, finding: Finding) -> bool {
        match self.links.entry(link) {
            Entry::Vacant(new) => {
                new.insert(finding);
                true
            }
            Entry::Occupied(mut known) => {
                let old = *known.get();
                if finding.beats(old) {
                    known.insert(finding);
                }
                !old.covers(finding)
            }
        }
    }

    fn link(&mut self, place: Place<'_>, url: CanonicalUrl, depth: u32, follow: bool, priority: i16) {
        let verdict = if follow { place.job.judge(&url, depth, 0) } else { Verdict::Exclude(code::NOFOLLOW) };
        let offer = Offer { verdict, depth, parent: Some(place.parent), redirects: 0 };
        self.add_with(place.job, url, offer, priority);
    }

    /// Takes one URL.
    pub(crate) fn add(&mut self, job: &Job, url: CanonicalUrl, offer: Offer) {
        self.add_with(job, url, offer, 0);
    }

    fn add_with(&mut self, job: &Job, url: CanonicalUrl, offer: Offer, priority: i16) {
        let key = UrlKey::of(&url);
        match self.by_key.entry((job.row, key)) {
            Entry::Occupied(at) => {
                let candidate = &mut self.candidates[*at.get()];
                if offer.beats(candidate.offer) {
                    candidate.offer = offer;
                }
                candidate.priority = candidate.priority.max(priority);
            }
            Entry::Vacant(at) => {
                at.insert(self.candidates.len());
                let host = url.host_key();
                self.candidates.push(Candidate { job: job.row, host, key, url, offer, priority });
            }
        }
    }

    /// What has to be looked up.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Remembers the links, once what they led to is committed.
    pub(crate) fn remember(&self, seen: &mut Seen) {
        for (link, finding) in &self.links {
            seen.remember(*link, *finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{job::JobSpec, rules::CompiledRules, scope::Scope};
    use trawl_shared::model::{JobId, RobotsPolicy};

    fn job(max_depth: Option<u32>) -> Job {
        let spec = JobSpec { max_depth, ..JobSpec::default() };
        let scope = Scope::new(spec.scope, ["a.example".to_owned()]);
        let rules = CompiledRules::default();
        Job { row: 1, id: JobId::fresh(), spec, scope, rules, generation: 0, created_at: 0 }
    }

    fn found(harvest: &Harvest) -> Vec<(&str, Verdict, u32)> {
        harvest.candidates().iter().map(|c| (c.url.as_str(), c.offer.verdict, c.offer.depth)).collect()
    }

    #[test]
    fn each_url_once_as_the_best_of_its_findings() {
        let job = job(Some(4));
        let place = Place { job: &job, parent: 9, depth: 2, follow: true };
        let mut seen = Seen::new(1024);
        let mut harvest = Harvest::default();
        let links = Links::of(&[
            ("http://a.example/x", true),
            ("http://a.example/x", false),
            ("http://a.example/./x", false),
            ("http://b.example/", false),
            ("mailto:a@b", false),
            ("http://a.example/no", true),
        ]);
        harvest.page(place, &links, &mut seen);
        let expected = [
            ("http://a.example/x", Verdict::Queue, 3),
            ("http://b.example/", Verdict::Exclude(code::SCOPE), 3),
            ("http://a.example/no", Verdict::Exclude(code::NOFOLLOW), 3),
        ];
        assert_eq!(found(&harvest), expected);

        harvest.remember(&mut seen);
        let mut again = Harvest::default();
        again.page(place, &links, &mut seen);
        assert_eq!(found(&again), []);
        again.page(Place { depth: 0, ..place }, &links, &mut seen);
        assert_eq!(found(&again).len(), 3, "a shorter way is news");
        let mut wider = job.clone();
        wider.generation = 1;
        let mut again = Harvest::default();
        again.page(Place { job: &wider, ..place }, &links, &mut seen);
        assert_eq!(found(&again).len(), 3, "so is a wider scope");
    }

    #[test]
    fn pages_and_jobs_say_whether_to_follow() {
        let mut job = job(Some(1));
        let links = Links::of(&[("http://a.example/x", true)]);
        let look = |job: &Job, depth, follow| {
            let mut harvest = Harvest::default();
            harvest.page(Place { job, parent: 9, depth, follow }, &links, &mut Seen::new(16));
            harvest.candidates()[0].offer.verdict
        };
        assert_eq!(look(&job, 0, true), Verdict::Exclude(code::NOFOLLOW));
        job.spec.fetch.robots = RobotsPolicy::Ignore;
        assert_eq!(look(&job, 0, false), Verdict::Queue);
        assert_eq!(look(&job, 1, true), Verdict::Exclude(code::DEPTH));
    }
}
