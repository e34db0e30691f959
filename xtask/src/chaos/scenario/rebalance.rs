//! A rebalance storm: members join and leave every few seconds, some in order and some not.

use std::ops::RangeInclusive;

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;

/// Most members that come and go at one time.
const MOST: usize = 3;

/// The members that came, in order.
#[derive(Default)]
pub(super) struct Rebalance {
    guests: Vec<String>,
    born: u64,
}

impl Scenario for Rebalance {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let leaves = self.guests.len() == MOST || (!self.guests.is_empty() && draw.coin());
        if !leaves {
            let service = *draw.pick(&["scraper", "parser", "storage", "url-manager"]);
            self.born += 1;
            let guest = format!("{service}-guest-{}", self.born);
            run.fleet.start(&guest, service, &[])?;
            self.guests.push(guest.clone());
            return Ok(Fault::one(format!("{guest} joins")));
        }
        let guest = self.guests.remove(draw.number(0..=self.guests.len() as u64 - 1) as usize);
        if draw.coin() {
            run.fleet.kill(&guest)?;
            return Ok(Fault::one(format!("{guest} is killed")));
        }
        run.fleet.stop(&guest)?;
        Ok(Fault::one(format!("{guest} leaves")))
    }

    fn pace(&self) -> RangeInclusive<u64> {
        500..=3000
    }
}
