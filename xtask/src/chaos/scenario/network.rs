//! The network between the services and a server: it is cut, it swallows everything, or it is slow.

use std::time::Duration;

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::line::Weather;
use crate::chaos::run::Run;

pub(super) struct Network;

impl Scenario for Network {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let to_broker = draw.coin();
        let weather = match draw.number(0..=2) {
            0 => Weather::Cut,
            1 => Weather::Silent,
            _ => Weather::Slow(Duration::from_millis(draw.number(20..=250))),
        };
        let time = draw.millis(500..=9000);
        let line = |run: &Run<'_>, weather| match to_broker {
            true => run.servers.broker.set(weather),
            false => run.servers.database.set(weather),
        };
        line(run, weather);
        run.pause(time)?;
        line(run, Weather::Fair);
        let what = match weather {
            Weather::Cut => "cut".to_owned(),
            Weather::Silent => "silent".to_owned(),
            Weather::Slow(delay) => format!("slow by {} ms", delay.as_millis()),
            Weather::Fair => "fair".to_owned(),
        };
        let server = if to_broker { "broker" } else { "database" };
        Ok(Fault::one(format!("network to the {server} {what} for {} ms", time.as_millis())))
    }
}
