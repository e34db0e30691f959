//! A slow consumer: a service gets a fraction of the time that it needs, so that its topic piles up before it.

use std::time::Duration;

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;

pub(super) struct Slow;

impl Scenario for Slow {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let victim = *draw.pick(&["parser", "storage", "url-manager", "dlq-handler", "scraper"]);
        let (rest, work) = (draw.millis(200..=900), draw.millis(20..=100));
        let turns = draw.number(5..=15);
        for _ in 0..turns {
            run.fleet.freeze(victim, true)?;
            run.pause(rest)?;
            run.fleet.freeze(victim, false)?;
            run.pause(work)?;
        }
        let time = (rest + work) * u32::try_from(turns)?;
        let share = work.as_millis() * 100 / (rest + work).as_millis();
        Ok(Fault::one(format!("{victim} gets {share} % of its time for {} ms", time.as_millis())))
    }

    fn pace(&self) -> std::ops::RangeInclusive<u64> {
        let second = Duration::from_secs(1).as_millis() as u64;
        second..=2 * second
    }
}
