//! Cookies (RFC 6265), for jobs that want them: a jar for each job, in memory. Who restarts begins without cookies, as
//! a visitor with a new browser does. Tasks of one host are fetched in one place, so a site sees one jar; a cookie
//! for a whole domain is known where it was set.
//!
//! No crate was taken: those that keep a jar bring a second library of time, and read fewer dates than sites write.

mod cookie;
mod date;
mod jar;

pub use jar::Jar;

use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use trawl_shared::model::JobId;
use url::Url;

/// Jobs whose jars are kept; the one unused for longest makes room.
const MAX_JARS: usize = 64;

/// The jars of all jobs.
#[derive(Debug, Default)]
pub struct Jars {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_job: HashMap<JobId, (u64, Jar)>,
    clock: u64,
}

impl Jars {
    /// The `Cookie` header that a job sends to `url`, where it has cookies for it.
    #[must_use]
    pub fn header(&self, job: JobId, url: &Url, now: Timestamp) -> Option<String> {
        self.with(job, |jar| jar.header(url, now))
    }

    /// Keeps what an answer of `url` sets.
    pub fn keep<'a>(
        &self,
        job: JobId,
        url: &Url,
        set_cookies: impl Iterator<Item = &'a str>,
        now: Timestamp,
    ) {
        let mut set_cookies = set_cookies.peekable();
        if set_cookies.peek().is_some() {
            self.with(job, |jar| set_cookies.for_each(|text| jar.set(text, url, now)));
        }
    }

    fn with<T>(&self, job: JobId, act: impl FnOnce(&mut Jar) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let clock = state.clock;
        if state.by_job.len() >= MAX_JARS && !state.by_job.contains_key(&job) {
            let oldest = state.by_job.iter().min_by_key(|(_, (used, _))| *used).map(|(job, _)| *job);
            oldest.and_then(|job| state.by_job.remove(&job));
        }
        let (used, jar) = state.by_job.entry(job).or_default();
        *used = clock;
        act(jar)
    }
}
