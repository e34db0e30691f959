//! Hostile sites among the good ones: each answers in one of the ways that no server should. Whatever becomes of their own
//! URLs, each ends, and the good sites are crawled as if the others were not there.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::hostile::{HostileSite, Malice};
use crate::chaos::run::Run;

/// Sites of a run: each way once with a robots.txt, and once without.
const MOST: usize = 2 * Malice::ALL.len();

#[derive(Default)]
pub(super) struct Hostile {
    sites: Vec<HostileSite>,
}

impl Scenario for Hostile {
    fn environment(&self, _folder: &Path) -> Vec<(String, String)> {
        // Who says "come back in thirty years" is asked again in seconds, or no run would end.
        [
            ("TRAWL_SCRAPER_MAX_BACK_OFF_MS", "3000"),
            ("TRAWL_SCRAPER_ROBOTS_RETRY_MS", "3000"),
            ("TRAWL_RETRY_THROTTLED_ATTEMPTS", "4"),
            ("TRAWL_RETRY_THROTTLED_BASE_MS", "1000"),
            ("TRAWL_RETRY_THROTTLED_CAP_MS", "3000"),
            ("TRAWL_RETRY_THROTTLED_RETRY_AFTER_MS", "3000"),
            ("TRAWL_RETRY_NETWORK_BASE_MS", "500"),
            ("TRAWL_RETRY_NETWORK_FACTOR", "2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn knows_all_urls(&self) -> bool {
        false
    }

    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        if self.sites.len() >= MOST {
            run.pause(Duration::from_secs(1))?;
            return Ok(Fault { what: "no further site".to_owned(), count: 0 });
        }
        let malice = Malice::ALL[self.sites.len() % Malice::ALL.len()];
        let robots = draw.coin();
        let site = HostileSite::open(malice, robots)?;
        run.seed(&[site.url()])?;
        self.sites.push(site);
        let robots = if robots { ", also for robots.txt" } else { "" };
        Ok(Fault::one(format!("a site that answers with {malice:?}{robots}")))
    }

    fn pace(&self) -> std::ops::RangeInclusive<u64> {
        500..=2500
    }
}
