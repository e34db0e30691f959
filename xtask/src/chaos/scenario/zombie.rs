//! A zombie: a service is frozen for longer than its session, loses its partitions to another member, wakes up, and does
//! not know.

use std::time::Duration;

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::fleet::{SERVICES, SESSION};
use crate::chaos::run::Run;

pub(super) struct Zombie;

impl Scenario for Zombie {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        // Every other time it is the scraper: a zombie there could ask a site beside its heir.
        let victim = if draw.coin() { "scraper" } else { *draw.pick(&SERVICES) };
        let heir = format!("{victim}-heir");
        // The heir is a member already when the other falls silent, so that it inherits in the middle of the work.
        run.fleet.start(&heir, victim, &[])?;
        run.pause(Duration::from_secs(3))?;
        let frozen = SESSION + draw.millis(500..=4000);
        run.fleet.freeze(victim, true)?;
        run.pause(frozen)?;
        run.fleet.freeze(victim, false)?;
        run.pause(Duration::from_secs(2))?;
        // Not by SIGTERM: how a member leaves is what `sigterm` and `rebalance` are about.
        run.fleet.kill(&heir)?;
        Ok(Fault::one(format!("{victim} frozen for {} ms beside an heir", frozen.as_millis())))
    }
}
