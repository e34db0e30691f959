//! What is done to the fleet, step by step, and what must come out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::brokers;
use super::journal::{Journal, wait_for};
use super::site::Site;
use super::stack::{SERVICES, Stack};
use crate::cli::FleetOptions;

pub(super) const JOB: &str = "fleet-test";
/// Gap between two requests to a host while things are done to the fleet; none afterwards. The crawl lasts ten
/// minutes at this pace, which is longer than all that is done to it.
const DELAY: &str = "1s";
/// A crawl that moves stores this many more pages...
const MOVES: u64 = 20;
/// ...within this time. A member that was killed is missed after its session time-out of 45 s.
const MOVES_WITHIN: Duration = Duration::from_secs(150);
/// A connection that is cut in silence is missed after a minute; then the health check, every 10 s, believes the third
/// bad answer.
const NOTICED_WITHIN: Duration = Duration::from_secs(180);
const SETTLES_WITHIN: Duration = Duration::from_secs(600);

/// How a run ended that found no fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Everything was done.
    Passed,
    /// Our image was not built in the time that there was.
    NotBuilt,
}

/// Runs the fleet from the first build to the audit.
pub(super) fn tell(stack: &Stack, site: &Site, options: &FleetOptions, journal: &mut Journal) -> Result<End> {
    journal.step("build the image from the Dockerfile, and the site's");
    let within = options.build_within.map(|minutes| Duration::from_secs(60 * minutes));
    if !stack.build(&["url-manager", "site"], within)? {
        return Ok(End::NotBuilt);
    }
    the_image_is_as_promised(stack, journal)?;

    journal.step("docker compose up: all healthy, in order");
    let began = Instant::now();
    stack.compose(&["up", "--detach", "--wait", "--wait-timeout", "300"])?;
    journal.note(format_args!("healthy after {:.1} s", began.elapsed().as_secs_f64()));
    the_containers_are_as_promised(stack)?;

    journal.step("docker compose run --rm url-manager seed");
    let seeds = site.seeds();
    let seeds: Vec<&str> = seeds.iter().map(String::as_str).collect();
    let job = ["--job", JOB, "--delay", DELAY, "--allow-private-addresses", "--quiet"];
    stack.run("url-manager", &[&["seed"], &seeds[..], &job].concat())?;
    let mut crawl = Crawl { stack, stored: 0 };
    crawl.moves(journal)?;

    if options.cluster {
        brokers::each_dies_once(stack, journal)?;
    } else {
        disturb(stack, &mut crawl, journal)?;
    }

    journal.step("the rest without a delay: docker compose run --rm url-manager jobs update --delay 0s");
    stack.run("url-manager", &["jobs", "update", JOB, "--delay", "0s"])?;
    let status = wait_for("the crawl to be done", SETTLES_WITHIN, || {
        let status = stack.status(JOB)?;
        Ok((status["done"] == true).then_some(status))
    })?;
    journal.note(format_args!("counts: {}", status["counts"]));
    for (state, expected) in site.ends() {
        ensure!(
            status["counts"][state] == expected,
            "{state}: {} URLs, and not {expected}",
            status["counts"][state]
        );
    }
    everything_is_there(stack, site, journal)?;
    Ok(End::Passed)
}

/// Whoever is gone for a while is missed by nobody.
fn disturb(stack: &Stack, crawl: &mut Crawl<'_>, journal: &mut Journal) -> Result<()> {
    let scaled = ["up", "--detach", "--no-build", "--wait", "--scale", "scraper=3", "--scale", "parser=2"];
    journal.step("docker compose up --scale scraper=3 --scale parser=2");
    stack.compose(&scaled)?;
    for (service, expected) in [("scraper", 3), ("parser", 2)] {
        let found = stack.containers(service)?.len();
        ensure!(found == expected, "{found} containers of {service} run, and not {expected}");
    }
    crawl.moves(journal)?;

    journal.step("docker kill a container of each service, then docker compose up");
    for service in SERVICES {
        stack.engine.docker(&["kill", &stack.container(service)?])?;
    }
    stack.compose(&scaled)?;
    crawl.moves(journal)?;
    for server in ["kafka", "postgres"] {
        journal.step(format_args!("docker compose restart {server}"));
        stack.compose(&["restart", server])?;
        crawl.moves(journal)?;
    }

    let service = "storage";
    let container = stack.container(service)?;
    journal.step(format_args!(
        "cut {service} off the network until its health check says so, then reconnect it"
    ));
    stack.engine.docker(&["network", "disconnect", &stack.network(), &container])?;
    wait_for("the health check to notice", NOTICED_WITHIN, || {
        Ok((stack.health(&container)? == "unhealthy").then_some(()))
    })?;
    journal.note("unhealthy");
    stack.engine.docker(&["network", "connect", "--alias", service, &stack.network(), &container])?;
    wait_for("the service to be well again", NOTICED_WITHIN, || {
        Ok((stack.health(&container)? == "healthy").then_some(()))
    })?;
    journal.note("healthy again");
    crawl.moves(journal)
}

/// The crawl as it is seen from outside.
struct Crawl<'a> {
    stack: &'a Stack,
    stored: u64,
}

impl Crawl<'_> {
    /// Waits until more pages are stored, and refuses a crawl that is over: it would prove nothing.
    fn moves(&mut self, journal: &Journal) -> Result<()> {
        let before = stored(self.stack).unwrap_or(self.stored);
        let began = Instant::now();
        self.stored = wait_for("the crawl to move on", MOVES_WITHIN, || {
            let status = self.stack.status(JOB)?;
            ensure!(
                status["done"] != true,
                "the crawl is over too early; the site is too small for this machine"
            );
            let now = status["counts"]["stored"].as_u64().context("no count")?;
            Ok((now >= before + MOVES).then_some(now))
        })?;
        journal.note(format_args!(
            "{} pages stored, {MOVES} more after {:.1} s",
            self.stored,
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }
}

/// Pages of the job that are stored.
pub(super) fn stored(stack: &Stack) -> Result<u64> {
    stack.status(JOB)?["counts"]["stored"].as_u64().context("no count")
}

fn the_image_is_as_promised(stack: &Stack, journal: &Journal) -> Result<()> {
    let image = stack.compose(&["config", "--images"])?;
    let name = image.lines().find(|name| name.starts_with("trawl:")).context("the services have no image")?;
    let known: Value = serde_json::from_str(&stack.engine.docker(&["image", "inspect", name])?)?;
    let (size, config) = (&known[0]["Size"], &known[0]["Config"]);
    journal.note(format_args!("{name}: {} MB", size.as_u64().context("no size")? / 1_000_000));
    ensure!(config["User"] == "65532:65532", "the image runs as {}", config["User"]);
    ensure!(config["Healthcheck"]["Test"][0] == "CMD", "its health check needs a shell");
    for label in ["title", "description", "licenses", "version"] {
        ensure!(
            config["Labels"][format!("org.opencontainers.image.{label}")].is_string(),
            "no label {label}"
        );
    }
    Ok(())
}

fn the_containers_are_as_promised(stack: &Stack) -> Result<()> {
    for service in SERVICES {
        let known = stack.inspect(&stack.container(service)?)?;
        ensure!(known["HostConfig"]["ReadonlyRootfs"] == true, "{service} may write to its root");
        ensure!(known["HostConfig"]["Memory"].as_u64() > Some(0), "{service} has no limit of memory");
        let told = known["Config"]["Env"].to_string();
        ensure!(!told.contains("w/rd"), "the password stands in the environment of {service}");
        let open = known["HostConfig"]["PortBindings"].to_string();
        ensure!(
            !open.contains("0.0.0.0") && !open.contains("\"HostIp\":\"\""),
            "{service} is open to all: {open}"
        );
    }
    Ok(())
}

fn everything_is_there(stack: &Stack, site: &Site, journal: &mut Journal) -> Result<()> {
    journal.step("docker compose run --rm storage export: every page once");
    let expected = site.pages();
    let rows = wait_for("storage to catch up", SETTLES_WITHIN, || {
        let rows = stack.run("storage", &["export", "--job", JOB, "--format", "jsonl"])?;
        let urls: Vec<String> = rows
            .lines()
            .map(|row| Ok(serde_json::from_str::<Value>(row)?))
            .filter(|row: &Result<Value>| row.as_ref().map_or(true, |row| row["outcome"] == "stored"))
            .map(|row| Ok(row?["url"].as_str().context("a row without its URL")?.to_owned()))
            .collect::<Result<_>>()?;
        Ok((urls.len() >= expected.len()).then_some(urls))
    })?;
    journal.note(format_args!("{} rows of stored pages", rows.len()));
    let distinct: BTreeSet<_> = rows.iter().collect();
    ensure!(distinct.len() == rows.len(), "{} rows are there twice", rows.len() - distinct.len());
    ensure!(distinct == expected.iter().collect(), "the rows are not those of the site's pages");

    journal.step("explain, list, and docker compose run --rm trawl audit");
    let explained = stack.run("url-manager", &["explain", &site.seeds()[0], "--job", JOB])?;
    ensure!(explained.contains("stored"), "{explained}");
    let letters = stack.run("dlq-handler", &["list", "--json"])?;
    ensure!(letters.is_empty(), "dead letters: {letters}");
    let audit = stack.run("trawl", &["audit", "--job", JOB])?;
    journal.note(audit.replace('\n', "; "));
    ensure!(audit.ends_with("balanced") && !audit.contains("not balanced"), "the audit does not balance");
    Ok(())
}
