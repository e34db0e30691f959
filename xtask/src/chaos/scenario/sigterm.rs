//! SIGTERM, as every deployment sends it: the service finishes what it has, says goodbye to its groups, and exits with 0.

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::fleet::SERVICES;
use crate::chaos::run::Run;

pub(super) struct Sigterm;

impl Scenario for Sigterm {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let victim = *draw.pick(&SERVICES);
        let took = run.fleet.stop(victim)?;
        let away = draw.millis(0..=2000);
        run.pause(away)?;
        run.fleet.start(victim, victim, &[])?;
        let (took, away) = (took.as_millis(), away.as_millis());
        Ok(Fault::one(format!("SIGTERM to {victim}, gone after {took} ms, back after {away} ms more")))
    }
}
