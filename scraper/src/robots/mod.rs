//! robots.txt (RFC 9309): which URLs a crawler may fetch, and how often.
//!
//! [`rules`] reads and matches a file and knows no network, [`cache`] remembers files by origin,
//! [`fetch`] gets them. The matcher is our own because a refusal must name the line that refuses,
//! which the crates of the field keep to themselves.

mod agent;
mod cache;
mod fetch;
mod lines;
mod pattern;
mod rules;

pub use agent::product_token;
pub use cache::RobotsCache;
pub use rules::{Decider, Kind, RobotsRules, Verdict};

use crate::address::Blocked;
use std::{sync::Arc, time::Duration};
use trawl_shared::runtime::FailureClass;

/// Longest robots.txt that is read; RFC 9309 asks for 500 KiB at least.
pub const MAX_ROBOTS_BYTES: u64 = 500 * 1024;

/// What is known of an origin's robots.txt.
#[derive(Clone, Debug)]
pub enum Standing {
    /// There is a file.
    Rules(Arc<RobotsRules>),
    /// There is none: everything is allowed.
    Unrestricted,
    /// It can't be had for now, which forbids everything for now.
    Unreachable(Arc<Unreachable>),
    /// It is at an address that may not be dialled, and so is the site.
    Blocked(Arc<Blocked>),
}

/// Why a robots.txt can't be had.
#[derive(Debug, thiserror::Error)]
#[error("robots.txt can't be had, so nothing is fetched from there for now: {why}")]
pub struct Unreachable {
    /// Stable code.
    pub code: &'static str,
    /// Decides the wait before the next try.
    pub class: FailureClass,
    /// The wait that the host asked for.
    pub retry_after: Option<Duration>,
    /// What happened.
    pub why: String,
}
