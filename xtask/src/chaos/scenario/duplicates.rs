//! Duplicate delivery: a service's group is set back to the beginning of its topic, and everything comes again.

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;

/// The service, and the groups of it that begin again.
const GROUPS: [(&str, &[&str]); 5] = [
    ("storage", &["storage"]),
    ("parser", &["parser"]),
    ("url-manager", &["url-manager", "url-manager.waiting", "url-manager.dead"]),
    ("dlq-handler", &["dlq-handler"]),
    ("scraper", &["scraper"]),
];

pub(super) struct Duplicates;

impl Scenario for Duplicates {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let (service, groups) = *draw.pick(&GROUPS);
        let group = *draw.pick(groups);
        let how = if draw.coin() {
            run.fleet.kill(service)?;
            "killed"
        } else {
            run.fleet.stop(service)?;
            "stopped"
        };
        run.fleet.start(service, service, &[&format!("groups.\"{group}\".replay=true")])?;
        let time = draw.millis(4000..=9000);
        run.pause(time)?;
        // The setting is for one run: without it the group goes on where it is.
        run.fleet.stop(service)?;
        run.fleet.start(service, service, &[])?;
        Ok(Fault::one(format!("{service} {how}, its group {group} set back, {} ms of it", time.as_millis())))
    }
}
