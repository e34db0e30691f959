//! A real Prometheus server scrapes a running fleet without a complaint, every query of every dashboard has an answer
//! after a crawl, and `promtool` takes the rules. Left out where there is no Prometheus, Kafka or PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use bench::web::{Preset, Profile};
use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::Duration,
};
use support::{
    Site,
    fleet::{Fleet, SERVICES},
    prometheus::{Server, has},
    wait_for,
    watch::{alerts, dashboards, root},
};
use trawl_shared::sql::testing::ScratchDatabase;

#[test]
fn promtool_takes_the_rules() {
    if !has("promtool") {
        return;
    }
    let rules = fs::read_dir(root().join("deploy/prometheus/rules")).unwrap();
    for path in rules.map(|entry| entry.unwrap().path()) {
        let checked = Command::new("promtool").args(["check", "rules"]).arg(&path).output().unwrap();
        let talk = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {talk}", path.display());
    }
}

/// Where a service serves its metrics, as its log says.
fn address(logs: &Path, service: &str) -> Option<String> {
    let log = fs::read_to_string(logs.join(format!("{service}.log"))).ok()?;
    let (_, behind) = log.split_once("/status on http://")?;
    Some(behind.split_whitespace().next()?.to_owned())
}

/// A collector that takes every span and keeps none: with spans come exemplars. It ends with the process.
fn collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                // A half-read request is no loss: the answer closes the connection in good order.
                stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                let mut taken = [0; 64 * 1024];
                while stream.read(&mut taken).is_ok_and(|bytes| bytes > 0) {}
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn a_server_scrapes_a_fleet_and_every_panel_has_data() {
    if !has("prometheus") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(database) = runtime.block_on(ScratchDatabase::create()) else { return };
    // Some of its pages die.
    let wild = Profile::preset(Preset::Wild);
    let site = Site::serve(4, 300, Profile { crawl_delay_ms: 10, latency_ms: 2, broken: 300, ..wild });
    let folder = tempfile::tempdir().unwrap();
    let more = [
        ("TRAWL_SCRAPER_RESOLVE", site.resolve()),
        ("TRAWL_RETRY_SERVER_ATTEMPTS", "2".to_owned()),
        ("TRAWL_RETRY_SERVER_BASE_MS", "50".to_owned()),
        ("TRAWL_TELEMETRY_TRACES_ENDPOINT", collector()),
        ("TRAWL_TELEMETRY_TRACES_RATIO", "1.0".to_owned()),
    ];
    let prefix = format!("prometheus-{}.", std::process::id());
    let Some(mut fleet) = Fleet::new(&prefix, &database.url().expose(), folder.path(), &more) else {
        eprintln!("skipped: TRAWL_TEST_KAFKA_BROKERS is not set");
        return;
    };
    fleet.start_all();
    let at = |service| (service, wait_for("its address", 60, || address(folder.path(), service)));
    let targets = SERVICES.map(|service| (service.to_owned(), at(service).1));
    let server = Server::start(folder.path(), &targets);
    wait_for("the server", 60, || server.is_ready().then_some(()));
    wait_for("every service to be scraped", 60, || {
        (server.query(r#"count(up{job="trawl"} == 1)"#) == [5.0]).then_some(())
    });

    let seeds: Vec<&str> = site.seeds.iter().map(String::as_str).collect();
    let job = ["--job", "watched", "--allow-private-addresses", "--delay", "10ms", "--per-host", "2"];
    fleet.run("url-manager", &[&["seed"], &seeds[..], &job].concat());
    fleet.wait_until_done("watched", 300);
    // The gauges of crawls are renewed now and then; what stored the last page is scraped within a second.
    let done = |state: &str| format!(r#"max(trawl_crawl_urls{{crawl="watched", state="{state}"}})"#);
    let counts = fleet.status("watched")["counts"].clone();
    for state in ["stored", "queued", "in_flight"] {
        let there = counts[state].as_u64().unwrap_or(0);
        wait_for("the gauges of the crawl", 60, || {
            (server.query(&done(state)).first().map(|count| *count as u64) == Some(there)).then_some(())
        });
    }
    wait_for("storage to catch up", 60, || {
        (server.query("max(trawl_consumer_lag_messages)") == [0.0]).then_some(())
    });

    let (mut empty, mut asked) = (BTreeSet::new(), 0);
    for (name, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                let ready = expression.replace("$__rate_interval", "5m").replace("$crawl", ".*");
                let values = server.query(&ready);
                let title = panel["title"].as_str().unwrap();
                println!("{name} / {title}: {values:.3?}");
                asked += 1;
                // "or vector(0)" is there for a fleet that never had the trouble; this one had most of it.
                if values.is_empty() {
                    empty.insert(format!("{name} / {title}: {ready}"));
                }
            }
        }
    }
    println!("prometheus: {}/{asked} queries of the dashboards have data", asked - empty.len());
    assert!(empty.is_empty(), "no data: {empty:#?}");

    // The same numbers as the frontier's own, and traces behind the slow ones.
    assert!(counts["dead"].as_u64().unwrap() > 0, "{counts}");
    let dead = server.query("sum(trawl_messages_dead_lettered_total)");
    assert_eq!(dead, [counts["dead"].as_f64().unwrap()], "{counts}");
    let exemplars = server.exemplars("trawl_fetch_duration_seconds_bucket");
    assert!(!exemplars.is_empty() && exemplars.iter().all(|trace| trace.len() == 32), "{exemplars:?}");

    // A fleet that is well raises nothing critical, however short the patience.
    for alert in alerts() {
        let found = server.query(alert["expr"].as_str().unwrap());
        if alert["labels"]["severity"] == "critical" {
            assert!(found.is_empty(), "{}: {found:?}", alert["alert"]);
        }
    }
    for target in server.api("/api/v1/targets")["activeTargets"].as_array().unwrap() {
        assert_eq!((&target["health"], &target["lastError"]), (&"up".into(), &"".into()), "{target}");
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
    drop((server, fleet));
    runtime.block_on(database.remove());
}
