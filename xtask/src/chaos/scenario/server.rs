//! The broker or the database is stopped, or killed, and comes back some time later.

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;
use crate::services::{Service, Signal};

pub(super) struct Server(pub(super) Service);

impl Scenario for Server {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let how = if draw.coin() { Signal::Kill } else { Signal::Polite };
        run.servers.own.stop(self.0, how)?;
        let away = draw.millis(0..=6000);
        run.pause(away)?;
        run.servers.own.start(self.0)?;
        let how = if how == Signal::Kill { "kill -9 of" } else { "stop of" };
        Ok(Fault::one(format!("{how} {}, started after {} ms", self.0.name(), away.as_millis())))
    }

    fn pace(&self) -> std::ops::RangeInclusive<u64> {
        2000..=8000
    }
}
