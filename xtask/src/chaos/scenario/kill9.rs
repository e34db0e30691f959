//! `kill -9` of each service at random; now and then of two at once.

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::fleet::SERVICES;
use crate::chaos::run::Run;

pub(super) struct Kill9;

impl Scenario for Kill9 {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let first = *draw.pick(&SERVICES);
        let second = *draw.pick(&SERVICES);
        let mut victims = vec![first];
        if second != first && draw.number(0..=3) == 0 {
            victims.push(second);
        }
        for victim in &victims {
            run.fleet.kill(victim)?;
        }
        let away = draw.millis(0..=3000);
        run.pause(away)?;
        for victim in &victims {
            run.fleet.start(victim, victim, &[])?;
        }
        let what = format!("kill -9 of {}, back after {} ms", victims.join(" and "), away.as_millis());
        Ok(Fault { what, count: victims.len() as u64 })
    }
}
