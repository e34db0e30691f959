//! Counts that are kept, not counted: every move of a URL is booked in the transaction that makes it.

use crate::{
    job::{HostBudget, Job},
    jobs::{BYTES, HOSTS},
    state::UrlState,
    store::Input,
};
use std::collections::BTreeMap;

/// The moves of one transaction, summed up.
#[derive(Debug, Default)]
pub(crate) struct Books {
    jobs: BTreeMap<(i64, i64), i64>,
    queues: BTreeMap<i64, (i64, i64)>,
    exclusions: BTreeMap<(i64, String), i64>,
    /// Pages and bytes by queue and job.
    host_use: BTreeMap<(i64, i64), (i64, i64)>,
}

impl Books {
    /// A URL went from one state to another, or came in.
    pub(crate) fn moved(&mut self, job: i64, queue: i64, from: Option<UrlState>, to: UrlState) {
        if from == Some(to) {
            return;
        }
        self.add(job, queue, to, 1);
        if let Some(from) = from {
            self.add(job, queue, from, -1);
        }
    }

    /// URLs were leased by a statement that moves the counts of their queue itself.
    pub(crate) fn leased(&mut self, job: i64, urls: i64) {
        *self.jobs.entry((job, i64::from(UrlState::Queued as u8))).or_default() -= urls;
        *self.jobs.entry((job, i64::from(UrlState::InFlight as u8))).or_default() += urls;
    }

    /// A job got to a host it had not been to.
    pub(crate) fn new_host(&mut self, job: i64) {
        *self.jobs.entry((job, HOSTS)).or_default() += 1;
    }

    /// A rule keeps so many more URLs out.
    pub(crate) fn excluded(&mut self, job: i64, code: &str, urls: i64) {
        *self.exclusions.entry((job, code.to_owned())).or_default() += urls;
    }

    /// A page came in.
    pub(crate) fn stored(&mut self, job: &Job, queue: i64, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if job.spec.budgets.bytes.is_some() {
            *self.jobs.entry((job.row, BYTES)).or_default() += bytes;
        }
        if job.spec.budgets.host != HostBudget::default() {
            let used = self.host_use.entry((queue, job.row)).or_default();
            *used = (used.0 + 1, used.1.saturating_add(bytes));
        }
    }

    /// Jobs that have more to fetch than before.
    pub(crate) fn jobs_with_more(&self) -> impl Iterator<Item = i64> + '_ {
        let queued = i64::from(UrlState::Queued as u8);
        self.jobs
            .iter()
            .filter(move |((_, state), urls)| *state == queued && **urls > 0)
            .map(|((job, _), _)| *job)
    }

    fn add(&mut self, job: i64, queue: i64, state: UrlState, urls: i64) {
        *self.jobs.entry((job, i64::from(state as u8))).or_default() += urls;
        match state {
            UrlState::Queued => self.queues.entry(queue).or_default().0 += urls,
            UrlState::InFlight => self.queues.entry(queue).or_default().1 += urls,
            _ => {}
        }
    }

    /// What to add to queues: id, queued, leased.
    pub(crate) fn of_queues(&self) -> Input {
        let moved = self.queues.iter().filter(|(_, moves)| **moves != (0, 0));
        Input::table(
            moved.map(|(queue, (queued, leased))| [(*queue).into(), (*queued).into(), (*leased).into()]),
        )
    }

    /// What to add to exclusions: job, code, URLs.
    pub(crate) fn of_exclusions(&self) -> Input {
        let moved = self.exclusions.iter().filter(|(_, urls)| **urls != 0);
        Input::table(moved.map(|((job, code), urls)| [(*job).into(), code.as_str().into(), (*urls).into()]))
    }

    /// Exclusions of all jobs by code.
    pub(crate) fn exclusions(&self) -> BTreeMap<&str, i64> {
        let mut by_code = BTreeMap::new();
        self.exclusions
            .iter()
            .for_each(|((_, code), urls)| *by_code.entry(code.as_str()).or_default() += urls);
        by_code
    }

    /// What to add to the use of hosts: queue, job, pages, bytes.
    pub(crate) fn of_hosts(&self) -> Input {
        let used = self.host_use.iter();
        Input::table(used.map(|((queue, job), (pages, bytes))| {
            [(*queue).into(), (*job).into(), (*pages).into(), (*bytes).into()]
        }))
    }

    /// What to add to jobs: job, state, URLs.
    pub(crate) fn of_jobs(&self) -> Input {
        let moved = self.jobs.iter().filter(|(_, urls)| **urls != 0);
        Input::table(moved.map(|((job, state), urls)| [(*job).into(), (*state).into(), (*urls).into()]))
    }
}
