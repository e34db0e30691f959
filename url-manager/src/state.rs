//! What becomes of a URL: its states, the facts that move it, and which fact wins.
//!
//! All of it is pure. The stores load rows, the functions here change them, the stores write them
//! back; so both databases, and the model that the tests compare them with, obey one set of rules.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};
use trawl_shared::model::{Outcome, code};

/// Where a URL stands. The numbers are in the database: they never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum UrlState {
    /// Waits for its turn.
    Queued = 0,
    /// Given away under a lease.
    InFlight = 1,
    /// See [`Outcome::Stored`].
    Stored = 2,
    /// See [`Outcome::Unchanged`].
    Unchanged = 3,
    /// See [`Outcome::Redirected`].
    Redirected = 4,
    /// See [`Outcome::Excluded`].
    Excluded = 5,
    /// See [`Outcome::Gone`].
    Gone = 6,
    /// See [`Outcome::Dead`].
    Dead = 7,
}

impl UrlState {
    /// All of them, in the order they are reported in.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::InFlight,
        Self::Stored,
        Self::Unchanged,
        Self::Redirected,
        Self::Excluded,
        Self::Gone,
        Self::Dead,
    ];

    /// The name used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Stored => Outcome::Stored.as_str(),
            Self::Unchanged => Outcome::Unchanged.as_str(),
            Self::Redirected => Outcome::Redirected.as_str(),
            Self::Excluded => Outcome::Excluded.as_str(),
            Self::Gone => Outcome::Gone.as_str(),
            Self::Dead => Outcome::Dead.as_str(),
        }
    }

    /// The terminal state, where it is one.
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Queued | Self::InFlight => None,
            Self::Stored => Some(Outcome::Stored),
            Self::Unchanged => Some(Outcome::Unchanged),
            Self::Redirected => Some(Outcome::Redirected),
            Self::Excluded => Some(Outcome::Excluded),
            Self::Gone => Some(Outcome::Gone),
            Self::Dead => Some(Outcome::Dead),
        }
    }
}

impl From<Outcome> for UrlState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stored => Self::Stored,
            Outcome::Unchanged => Self::Unchanged,
            Outcome::Redirected => Self::Redirected,
            Outcome::Excluded => Self::Excluded,
            Outcome::Gone => Self::Gone,
            Outcome::Dead => Self::Dead,
        }
    }
}

impl From<UrlState> for u8 {
    fn from(state: UrlState) -> Self {
        state as Self
    }
}

impl TryFrom<u8> for UrlState {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| *state as u8 == number);
        known.ok_or_else(|| format!("{number} is no state of a URL; a newer program may have written it"))
    }
}

impl fmt::Display for UrlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What decided a state, so that facts may come twice and in any order: the highest wins, an equal
/// one changes nothing.
///
/// A terminal fact beats a dead letter from before it (a fetch or a parse that was given up and was
/// replayed since); a dead letter *of* a terminal fact (the page that could not be stored) beats
/// that fact, until the fact itself is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Evidence(u32);

impl Evidence {
    /// Nothing but the frontier's own judgement.
    pub const NONE: Self = Self(0);
    /// A dead letter of a task or of a page that was not parsed.
    pub const LETTER: Self = Self(1);

    /// A terminal fact that came from the dead letters `replays` times.
    #[must_use]
    pub const fn fact(replays: u32) -> Self {
        Self(2 + 2 * clamped(replays))
    }

    /// A dead letter of a terminal fact with that many replays.
    #[must_use]
    pub const fn letter_of_fact(replays: u32) -> Self {
        Self(3 + 2 * clamped(replays))
    }

    /// The number in the database.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether a terminal fact decided.
    #[must_use]
    pub const fn is_fact(self) -> bool {
        self.0 >= 2 && self.0.is_multiple_of(2)
    }
}

/// Far more replays than anybody does, and no overflow in a signed column.
const fn clamped(replays: u32) -> u32 {
    if replays > 1 << 20 { 1 << 20 } else { replays }
}

/// How a URL ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Which fact says so.
    pub evidence: Evidence,
    /// The terminal state.
    pub outcome: Outcome,
    /// Why.
    pub code: Cow<'static, str>,
    /// One line for people.
    pub detail: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Where a redirect leads.
    pub redirect_to: Option<String>,
    /// Failed attempts, where the fact knows them.
    pub failures: Option<u32>,
}

/// What the frontier makes of a URL it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be fetched.
    Queue,
    /// It is kept out, for this reason (one of [`code`]).
    Exclude(&'static str),
}

/// A URL as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What to do with it.
    pub verdict: Verdict,
    /// Links between a seed and it.
    pub depth: u32,
    /// The row of the page it was found on; none for a seed.
    pub parent: Option<i64>,
    /// Redirects in a row that led to it.
    pub redirects: u8,
}

impl Offer {
    /// Whether this finding of a URL makes more of it than another one does.
    #[must_use]
    pub fn beats(self, other: Self) -> bool {
        let rank = |verdict| match verdict {
            Verdict::Queue => u8::MAX,
            Verdict::Exclude(code) => way(code).unwrap_or(0),
        };
        (rank(other.verdict), self.depth) < (rank(self.verdict), other.depth)
    }
}

/// The part of a row that changes. Serialised as an array, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UrlRow {
    /// `urls.id`
    pub id: i64,
    /// `urls.queue`
    pub queue: i64,
    /// Where it stands.
    pub state: UrlState,
    /// Links between a seed and it, on the shortest way found.
    pub depth: u32,
    /// The row of the page it was found on.
    pub parent: Option<i64>,
    /// Redirects in a row that led to it.
    pub redirects: u8,
    /// Fetches before this one.
    pub round: u32,
    /// What decided the state.
    pub evidence: Evidence,
    /// HTTP status of the last answer.
    pub status: Option<u16>,
    /// End of the lease, while in flight.
    pub lease_until: Option<i64>,
    /// Failed attempts.
    pub failures: u32,
    /// Why it ended, or what the last failed attempt died of.
    pub code: Option<String>,
    /// The same in one line for people.
    pub detail: Option<String>,
    /// Where a redirect leads.
    pub redirect_to: Option<String>,
}

impl UrlRow {
    /// A fact about the fetch. Answers whether it changed anything.
    pub fn end(&mut self, end: End) -> bool {
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
    pub fn offer(&mut self, offer: Offer) -> bool {
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
    pub fn requeue(&mut self) {
        self.state = UrlState::Queued;
        self.evidence = Evidence::NONE;
        self.lease_until = None;
    }

    /// An attempt failed and the task waits for another one. Answers whether that was news.
    pub fn wait(&mut self, lease_until: i64, failures: u32, code: &str, detail: &str) -> bool {
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
    pub fn exclude(&mut self, code: &'static str) {
        self.state = UrlState::Excluded;
        self.code = Some(code.to_owned());
        self.lease_until = None;
    }
}

/// Exclusions that depend on the way a URL was found or judged, so that a better way lifts them;
/// the higher one says more.
fn way(code: &str) -> Option<u8> {
    match code {
        code::NOFOLLOW => Some(0),
        code::SCOPE => Some(1),
        code::TOO_MANY_REDIRECTS => Some(2),
        code::DEPTH => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
