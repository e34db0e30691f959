//! All of them at once: each fault is drawn from all that can be had together, and members come and go meanwhile.

use std::path::Path;

use anyhow::Result;

use super::{Fault, Name, Scenario};
use crate::chaos::books::Books;
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;

/// What can be had together. The clock needs a library in every process, and the outage takes three minutes.
const PARTS: [Name; 11] = [
    Name::Kill9,
    Name::Sigterm,
    Name::Zombie,
    Name::Broker,
    Name::Database,
    Name::Network,
    Name::Rebalance,
    Name::Duplicates,
    Name::Poison,
    Name::Slow,
    Name::Hostile,
];

pub(super) struct All(Vec<Box<dyn Scenario>>);

impl All {
    pub(super) fn new() -> Self {
        Self(PARTS.into_iter().filter_map(Name::scenario).collect())
    }
}

impl Scenario for All {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let last = self.0.len() as u64 - 1;
        self.0[draw.number(0..=last) as usize].inject(run, draw)
    }

    fn environment(&self, folder: &Path) -> Vec<(String, String)> {
        self.0.iter().flat_map(|part| part.environment(folder)).collect()
    }

    fn knows_all_urls(&self) -> bool {
        self.0.iter().all(|part| part.knows_all_urls())
    }

    fn forgives_unreachable_servers(&self) -> bool {
        true
    }

    fn pace(&self) -> std::ops::RangeInclusive<u64> {
        300..=2500
    }

    fn is_over(&self, run: &Run<'_>) -> bool {
        self.0.iter().all(|part| part.is_over(run))
    }

    fn check(&mut self, run: &Run<'_>, books: &mut Books) {
        self.0.iter_mut().for_each(|part| part.check(run, books));
    }
}
