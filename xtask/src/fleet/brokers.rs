//! Three brokers, each killed once while the crawl runs: how long it stands still.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::journal::{Journal, wait_for};
use super::stack::Stack;
use super::story::stored;
use crate::services::{self, pause};

const BROKERS: [&str; 3] = ["kafka", "kafka-2", "kafka-3"];
/// How long a crawl may stand still when a broker dies.
const STALL: Duration = Duration::from_secs(30);
/// The crawl is watched for this long after each death: longer than anything that could time out late.
const WATCHED: Duration = Duration::from_secs(60);
const BACK_WITHIN: Duration = Duration::from_secs(180);

/// Kills each broker, watches, and brings it back before the next one dies.
pub(super) fn each_dies_once(stack: &Stack, journal: &mut Journal) -> Result<()> {
    for broker in BROKERS {
        all_copies_agree(stack, journal)?;
        journal.step(format_args!("docker kill {broker}"));
        stack.engine.docker(&["kill", &stack.container(broker)?])?;
        let stall = longest_stall(stack, journal)?;
        journal.note(format_args!("the crawl stood still for {:.1} s at most", stall.as_secs_f64()));
        ensure!(stall < STALL, "that is longer than {} s", STALL.as_secs());
        journal.step(format_args!("docker compose up {broker}"));
        stack.compose(&["up", "--detach", "--no-build", "--wait", broker])?;
    }
    Ok(())
}

/// The longest time without one more stored page.
fn longest_stall(stack: &Stack, journal: &Journal) -> Result<Duration> {
    let began = Instant::now();
    let (mut last, mut moved, mut longest) = (stored(stack)?, began, Duration::ZERO);
    while began.elapsed() < WATCHED || moved.elapsed() > Duration::from_secs(5) {
        ensure!(moved.elapsed() < 4 * STALL, "nothing moves any more");
        // A look that fails is no page more: the pause goes on until one succeeds.
        let now = stored(stack).unwrap_or(last);
        longest = longest.max(moved.elapsed());
        if now > last {
            (last, moved) = (now, Instant::now());
        }
        pause(Duration::from_millis(100));
    }
    journal.note(format_args!("{last} pages stored"));
    Ok(longest)
}

/// Waits until each partition has all its copies: who kills a broker earlier tests two deaths at once.
fn all_copies_agree(stack: &Stack, journal: &mut Journal) -> Result<()> {
    let behind = wait_for("all copies to agree", BACK_WITHIN, || {
        let known = stack.inspect(&stack.container(BROKERS[0])?)?;
        let address = known["NetworkSettings"]["Networks"][stack.network()]["IPAddress"]
            .as_str()
            .context("the broker has no address")?
            .to_owned();
        let behind = services::copies_behind(&format!("{address}:9092"))?;
        Ok((behind.lagging == 0 && behind.partitions > 0).then_some(behind))
    })?;
    journal.note(format_args!("all copies of {} partitions agree", behind.partitions));
    Ok(())
}
