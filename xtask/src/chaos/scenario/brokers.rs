//! A cluster of three brokers that keep three copies: each is killed in turn, and the crawl must go on without it.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Fault, Scenario};
use crate::chaos::books::Books;
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;
use crate::layout::Layout;
use crate::services::{BROKERS, Cluster, copies_behind};

/// How long a crawl may stand still when a broker dies.
const STALL: Duration = Duration::from_secs(30);
/// The crawl is watched for this long after a death: longer than what could time out late.
const WATCHED: Duration = Duration::from_secs(35);
const AGREE_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const TOPICS: [&str; 5] = ["SCRAPING_TASKS", "SCRAPED_DATA", "PARSED_DATA", "RETRY", "DEAD_LETTER"];

/// The cluster, which the services are told instead of the one broker of all runs.
#[derive(Default)]
pub(super) struct Brokers {
    cluster: Option<Cluster>,
    turn: usize,
    complaints: Vec<String>,
}

impl Scenario for Brokers {
    fn prepare(&mut self, folder: &Path) -> Result<()> {
        self.cluster = Some(Cluster::launch(Layout::find()?.with_services(folder.join("cluster")))?);
        Ok(())
    }

    fn environment(&self, _folder: &Path) -> Vec<(String, String)> {
        let brokers = self.cluster.as_ref().and_then(|cluster| cluster.brokers().ok()).unwrap_or_default();
        let copies = TOPICS.map(|topic| (format!("TRAWL_TOPICS_{topic}_REPLICATION"), BROKERS.to_string()));
        [("TRAWL_KAFKA_BROKERS".to_owned(), brokers)].into_iter().chain(copies).collect()
    }

    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        // All die once before one dies again; who begins is drawn.
        if self.turn == 0 {
            self.turn = draw.number(0..=BROKERS as u64 - 1) as usize;
        }
        let victim = self.turn % BROKERS;
        self.turn += 1;
        let cluster = self.cluster.as_mut().context("there is no cluster")?;
        // Who kills a broker while another still catches up tests two deaths at once.
        all_copies_agree(cluster, run)?;
        cluster.kill(victim)?;
        let stall = longest_stall(run)?;
        let what = format!(
            "kill -9 of broker {}: the crawl stood still for {:.1} s at most",
            victim + 1,
            stall.as_secs_f64()
        );
        if stall >= STALL {
            self.complaints.push(format!("{what}, and not for less than {} s", STALL.as_secs()));
        }
        self.cluster.as_mut().context("there is no cluster")?.start(victim)?;
        Ok(Fault::one(what))
    }

    fn pace(&self) -> RangeInclusive<u64> {
        500..=2000
    }

    fn check(&mut self, _run: &Run<'_>, books: &mut Books) {
        books.surprises.append(&mut self.complaints);
    }
}

/// The longest time without one more URL that ended; a crawl that is done stands still by right.
fn longest_stall(run: &mut Run<'_>) -> Result<Duration> {
    let began = Instant::now();
    let (mut last, mut moved, mut longest) = (run.ended(), began, Duration::ZERO);
    while began.elapsed() < WATCHED && !run.is_done() {
        run.pause(LOOK_EVERY)?;
        let now = run.ended();
        longest = longest.max(moved.elapsed());
        if now > last {
            (last, moved) = (now, Instant::now());
        }
    }
    Ok(longest)
}

fn all_copies_agree(cluster: &Cluster, run: &mut Run<'_>) -> Result<()> {
    let brokers = cluster.brokers()?;
    let broker = brokers.split(',').next().unwrap_or_default();
    let began = Instant::now();
    while began.elapsed() < AGREE_WITHIN {
        if copies_behind(broker).is_ok_and(|copies| copies.lagging == 0 && copies.partitions > 0) {
            return Ok(());
        }
        run.pause(LOOK_EVERY)?;
    }
    bail!("the brokers' copies do not agree within {} s", AGREE_WITHIN.as_secs())
}
