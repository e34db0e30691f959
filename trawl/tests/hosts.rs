//! Nobody is hammered: what the servers see of three scrapers and two url-managers on a real Kafka and a real
//! PostgreSQL, while each of them is killed once.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use bench::web::{Preset, Profile};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};
use support::{Site, fleet::Fleet, wait_for};
use trawl_shared::sql::testing::ScratchDatabase;

/// The gap that the jobs ask for, in microseconds.
const GAP_US: u64 = 500_000;
const SCRAPERS: [&str; 3] = ["scraper-1", "scraper-2", "scraper-3"];
const MANAGERS: [&str; 2] = ["url-manager-1", "url-manager-2"];

/// Requests by host, as the server saw them: when they arrived, and how many were under way then.
fn requests(log: &Path) -> BTreeMap<String, Vec<(u64, u64)>> {
    let mut hosts: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    let text = std::fs::read_to_string(log).unwrap();
    // The last line may still be on its way.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let entry: Value = serde_json::from_str(line).unwrap();
        let number = |key: &str| entry[key].as_u64().unwrap();
        let host = entry["host"].as_str().unwrap().to_owned();
        hosts.entry(host).or_default().push((number("at_us"), number("in_flight")));
    }
    hosts.values_mut().for_each(|requests| requests.sort_unstable());
    hosts
}

/// No gap below the delay, nothing beside anything else.
#[track_caller]
fn check(hosts: &BTreeMap<String, Vec<(u64, u64)>>) {
    for (host, requests) in hosts {
        for pair in requests.windows(2) {
            let gap = pair[1].0 - pair[0].0;
            assert!(gap >= GAP_US, "{host} was asked at {} and again {gap} µs later", pair[0].0);
        }
        let most = requests.iter().map(|(_, in_flight)| *in_flight).max();
        assert_eq!(most, Some(1), "requests to {host} under way at once");
    }
}

#[test]
fn gaps_hold_while_scrapers_and_url_managers_die() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(database) = runtime.block_on(ScratchDatabase::create()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (one_log, many_log) = (folder.path().join("one.jsonl"), folder.path().join("many.jsonl"));
    // Answers take up to 40 ms, and every fiftieth ten times that.
    let profile = Profile { latency_ms: 40, ..Profile::preset(Preset::Docs) };
    let one = Site::logged(1, 500, profile.clone(), Some(&one_log));
    let many = Site::logged(200, 4_000, profile, Some(&many_log));
    let more = [
        ("TRAWL_SCRAPER_RESOLVE", format!("{},{}", one.resolve(), many.resolve())),
        ("TRAWL_URL_MANAGER_SHARD_LEASE_MS", "3000".to_owned()),
    ];
    let prefix = format!("hosts-{}.", std::process::id());
    let Some(mut fleet) = Fleet::new(&prefix, &database.url().expose(), folder.path(), &more) else {
        eprintln!("skipped: TRAWL_TEST_KAFKA_BROKERS is not set");
        runtime.block_on(database.remove());
        return;
    };
    let polite = ["--allow-private-addresses", "--delay", "500ms", "--per-host", "1"];
    for (job, site) in [("one", &one), ("many", &many)] {
        let seeds: Vec<&str> = site.seeds.iter().map(String::as_str).collect();
        fleet.run("url-manager", &[&["seed"], &seeds[..], &["--job", job], &polite].concat());
    }
    for service in ["storage", "parser"] {
        fleet.start(service);
    }
    MANAGERS.iter().for_each(|name| fleet.start_as(name, "url-manager"));
    SCRAPERS.iter().for_each(|name| fleet.start_as(name, "scraper"));

    let asked = |log: &Path| requests(log).values().map(Vec::len).sum::<usize>();
    // Whoever owns the one host is among the three; each that comes back takes partitions from the living.
    for (turn, scraper) in SCRAPERS.into_iter().enumerate() {
        let before = asked(&one_log);
        wait_for("the one host to be asked", 60, || (asked(&one_log) >= before + 8).then_some(()));
        fleet.kill(scraper);
        if let Some(manager) = MANAGERS.get(turn) {
            fleet.kill(manager);
            fleet.start_as(manager, "url-manager");
        }
        fleet.start_as(scraper, "scraper");
    }
    let before = asked(&one_log);
    wait_for("the one host to be asked after all that", 60, || (asked(&one_log) >= before + 8).then_some(()));
    wait_for("each of many hosts to be asked", 60, || {
        let hosts = requests(&many_log);
        (hosts.len() == 200 && hosts.values().all(|requests| requests.len() >= 5)).then_some(())
    });
    drop(fleet);
    check(&requests(&one_log));
    check(&requests(&many_log));
    runtime.block_on(database.remove());
}
