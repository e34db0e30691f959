//! A URL's row, and the rules that change it. All of them are pure.

use crate::state::{End, Evidence, Offer, UrlState, Verdict, way};
use serde::Deserialize;

/// The part of a row that changes. Serialised as an array, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UrlRow {
    /// `urls.id`
    pub(crate) id: i64,
    /// `urls.queue`
    pub(crate) queue: i64,
    /// Where it stands.
    pub(crate) state: UrlState,
    /// Links between a seed and it, on the shortest way found.
    pub(crate) depth: u32,
    /// The row of the page it was found on.
    pub(crate) parent: Option<i64>,
    /// Redirects in a row that led to it.
    pub(crate) redirects: u8,
    /// Fetches before this one.
    pub(crate) round: u32,
    /// What decided the state.
    pub(crate) evidence: Evidence,
    /// HTTP status of the last answer.
    pub(crate) status: Option<u16>,
    /// End of the lease, while in flight.
    pub(crate) lease_until: Option<i64>,
    /// Failed attempts.
    pub(crate) failures: u32,
    /// Why it ended, or what the last failed attempt died of.
    pub(crate) code: Option<String>,
    /// The same in one line for people.
    pub(crate) detail: Option<String>,
    /// Where a redirect leads.
    pub(crate) redirect_to: Option<String>,
}

impl UrlRow {
    /// A fact about the fetch. Answers whether it changed anything.
    pub(crate) fn end(&mut self, end: End) -> bool {
        if end.evidence <= self.evidence {
            return false;
        }
        self.evidence = end.evidence;
        self.state = end.outcome.into();
        self.code = Some(end.code.into_owned());
        self.detail = end.detail;
        self.status = end.status;
        self.redirect_to = end.redirect_to;
        self.lease_until = None;
        self.failures = end.failures.map_or(self.failures, |failures| failures.max(self.failures));
        true
    }

    /// The URL was found (again). Answers whether that changed anything: a shorter way is kept as
    /// long as the URL has not ended, and what only the way kept out comes in on a better one.
    pub(crate) fn offer(&mut self, offer: Offer) -> bool {
        let shorter = offer.depth < self.depth;
        let better = match (self.state, offer.verdict) {
            (UrlState::Queued | UrlState::InFlight, Verdict::Queue) => shorter,
            (UrlState::Excluded, verdict) if self.evidence == Evidence::NONE => {
                match (self.code.as_deref().and_then(way), verdict) {
                    (Some(_), Verdict::Queue) => {
                        self.state = UrlState::Queued;
                        self.code = None;
                        true
                    }
                    (Some(old), Verdict::Exclude(code)) => {
                        let new = way(code);
                        let better = new > Some(old) || (new == Some(old) && shorter);
                        if better {
                            self.code = Some(code.to_owned());
                        }
                        better
                    }
                    (None, _) => false,
                }
            }
            _ => false,
        };
        if better {
            (self.depth, self.parent, self.redirects) = (offer.depth, offer.parent, offer.redirects);
        }
        better
    }

    /// The lease is over, or what the URL ended as turned out to be lost: its turn comes again,
    /// under the same task id.
    pub(crate) fn requeue(&mut self) {
        self.state = UrlState::Queued;
        self.evidence = Evidence::NONE;
        self.lease_until = None;
    }

    /// The page is due again. Answers whether its turn comes: not while the fetch before is under way.
    pub(crate) fn revisit(&mut self) -> bool {
        let ended = self.state.outcome().is_some();
        if ended {
            self.requeue();
            self.round = self.round.saturating_add(1);
            self.failures = 0;
        }
        ended
    }

    /// An attempt failed and the task waits for another one. Answers whether that was news.
    pub(crate) fn wait(&mut self, lease_until: i64, failures: u32, code: &str, detail: &str) -> bool {
        if self.state != UrlState::InFlight {
            return false;
        }
        let longer = self.lease_until < Some(lease_until);
        let news = failures > self.failures;
        if longer {
            self.lease_until = Some(lease_until);
        }
        if news {
            self.failures = failures;
            self.code = Some(code.to_owned());
            self.detail = Some(detail.to_owned());
        }
        longer || news
    }

    /// The frontier itself takes a queued URL out.
    pub(crate) fn exclude(&mut self, code: &'static str) {
        self.state = UrlState::Excluded;
        self.code = Some(code.to_owned());
        self.lease_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_shared::model::{Outcome, code};

    fn row(state: UrlState, code: Option<&str>) -> UrlRow {
        UrlRow {
            id: 1,
            queue: 1,
            state,
            depth: 3,
            parent: Some(7),
            redirects: 0,
            round: 0,
            evidence: Evidence::NONE,
            status: None,
            lease_until: None,
            failures: 0,
            code: code.map(str::to_owned),
            detail: None,
            redirect_to: None,
        }
    }

    fn end(evidence: Evidence, outcome: Outcome) -> End {
        End {
            evidence,
            outcome,
            code: code::OK.into(),
            detail: None,
            status: None,
            redirect_to: None,
            failures: None,
        }
    }

    /// Every order of the same facts ends in the same state, and a repeated fact changes nothing.
    #[test]
    fn facts_commute() {
        let check = |facts: &[(Evidence, Outcome)], expected: UrlState| {
            for turn in 0..facts.len() {
                for facts in [facts.to_vec(), facts.iter().rev().copied().collect()] {
                    let mut row = row(UrlState::InFlight, None);
                    for (evidence, outcome) in facts[turn..].iter().chain(&facts[..turn]) {
                        row.end(end(*evidence, *outcome));
                        assert!(!row.end(end(*evidence, Outcome::Gone)));
                    }
                    assert_eq!(row.state, expected, "{facts:?}");
                }
            }
        };
        let stored = (Evidence::fact(0), Outcome::Stored);
        let given_up = (Evidence::LETTER, Outcome::Dead);
        let not_stored = (Evidence::letter_of_fact(0), Outcome::Dead);
        let replayed = (Evidence::fact(1), Outcome::Stored);
        check(&[given_up], UrlState::Dead);
        check(&[given_up, stored], UrlState::Stored);
        check(&[stored, not_stored], UrlState::Dead);
        check(&[stored, not_stored, replayed], UrlState::Stored);
    }

    #[test]
    fn a_better_way_brings_a_url_in() {
        let check = |state, code: Option<&str>, verdict, depth, expected: (UrlState, Option<&str>, u32)| {
            let mut row = row(state, code);
            let changed = row.offer(Offer { verdict, depth, parent: Some(9), redirects: 0 });
            assert_eq!((row.state, row.code.as_deref(), row.depth), expected, "{code:?} {verdict:?}");
            assert_eq!(changed, row.parent == Some(9));
        };
        use UrlState::{Excluded, Gone, InFlight, Queued};
        let exclude = Verdict::Exclude;
        check(Queued, None, Verdict::Queue, 2, (Queued, None, 2));
        check(Queued, None, Verdict::Queue, 4, (Queued, None, 3));
        check(Queued, None, exclude(code::DEPTH), 2, (Queued, None, 3));
        check(InFlight, None, Verdict::Queue, 1, (InFlight, None, 1));
        check(Gone, Some("http_404"), Verdict::Queue, 1, (Gone, Some("http_404"), 3));
        check(Excluded, Some(code::NOFOLLOW), Verdict::Queue, 5, (Queued, None, 5));
        check(Excluded, Some(code::DEPTH), Verdict::Queue, 2, (Queued, None, 2));
        check(Excluded, Some(code::SCOPE), Verdict::Queue, 4, (Queued, None, 4));
        check(Excluded, Some(code::NOFOLLOW), exclude(code::SCOPE), 4, (Excluded, Some(code::SCOPE), 4));
        check(Excluded, Some(code::SCOPE), exclude(code::NOFOLLOW), 1, (Excluded, Some(code::SCOPE), 3));
        check(Excluded, Some(code::BUDGET), Verdict::Queue, 1, (Excluded, Some(code::BUDGET), 3));
        let mut by_robots = row(InFlight, None);
        by_robots.end(End { code: code::NOFOLLOW.into(), ..end(Evidence::fact(0), Outcome::Excluded) });
        assert!(!by_robots.offer(Offer { verdict: Verdict::Queue, depth: 0, parent: None, redirects: 0 }));
    }

    #[test]
    fn a_lease_only_grows_and_only_in_flight() {
        let mut row = row(UrlState::InFlight, None);
        row.lease_until = Some(100);
        assert!(row.wait(200, 1, "timeout", "no answer"));
        assert!(!row.wait(150, 1, "timeout", "no answer"), "the same notice again");
        assert_eq!((row.lease_until, row.failures), (Some(200), 1));
        row.end(end(Evidence::fact(0), Outcome::Stored));
        assert!(!row.wait(300, 2, "timeout", "late"));
    }
}
