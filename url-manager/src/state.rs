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

/// Exclusions that depend on the way a URL was found or judged, so that a better way (or another judgement)
/// lifts them; the higher one says more.
pub(crate) fn way(code: &str) -> Option<u8> {
    match code {
        code::NOFOLLOW => Some(0),
        code::SCOPE => Some(1),
        code::TOO_MANY_REDIRECTS => Some(2),
        code::DEPTH => Some(3),
        code::DENIED
        | code::EXTENSION
        | code::PATH_SEGMENTS
        | code::TRAP_LONG_URL
        | code::TRAP_REPEATING_PATH => Some(4),
        _ => None,
    }
}
