//! The same crawl as five processes on a real Kafka and a real PostgreSQL: the same rows as embedded,
//! also when each process is killed on the way; and the way of a dead letter back.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::sync::atomic::Ordering;
use support::{
    Site, audit,
    fleet::{Fleet, SERVICES},
    flip::flip_server,
    wait_for,
};
use trawl_shared::sql::testing::ScratchDatabase;

/// A fleet of its own, or `None` (and a line that says so) where there are no servers.
fn fleet(name: &str, logs: &std::path::Path, more: &[(&str, String)]) -> Option<(Fleet, ScratchDatabase)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(ScratchDatabase::create())?;
    let prefix = format!("{name}-{}.", std::process::id());
    let Some(fleet) = Fleet::new(&prefix, &database.url().expose(), logs, more) else {
        eprintln!("skipped: TRAWL_TEST_KAFKA_BROKERS is not set");
        return None;
    };
    Some((fleet, database))
}

fn remove(database: ScratchDatabase) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(database.remove());
}

#[test]
fn each_service_is_killed_once_and_every_page_is_stored_once() {
    let site = Site::wild(4, 500);
    let logs = tempfile::tempdir().unwrap();
    let more = [("TRAWL_SCRAPER_RESOLVE", site.resolve())];
    let Some((mut fleet, database)) = fleet("kills", logs.path(), &more) else { return };
    let seeds: Vec<&str> = site.seeds.iter().map(String::as_str).collect();
    let job = ["--job", "kills", "--allow-private-addresses", "--delay", "5ms", "--per-host", "4"];
    fleet.run("url-manager", &[&["seed"], &seeds[..], &job].concat());
    fleet.start_all();
    let ended = |fleet: &Fleet| {
        let counts = fleet.status("kills")["counts"].clone();
        ["stored", "redirected", "gone"].iter().map(|state| counts[state].as_u64().unwrap_or(0)).sum::<u64>()
    };
    let total = site.expected().len() as u64;
    for (round, service) in SERVICES.into_iter().enumerate() {
        let share = total * (round as u64 + 1) / 8;
        wait_for("the crawl to move on", 120, || (ended(&fleet) >= share).then_some(()));
        fleet.kill(service);
        fleet.start(service);
    }
    fleet.wait_until_done("kills", 300);
    wait_for("storage to catch up", 120, || (fleet.rows("kills").len() as u64 >= total).then_some(()));
    site.check(&fleet.rows("kills"));
    let audit = wait_for("the audit to balance", 60, || {
        let audit = audit(&["--job", "kills", "--database-url", &fleet.database]);
        (audit["balanced"] == true).then_some(audit)
    });
    assert_eq!(audit["states"]["dead"].as_u64().unwrap() as usize, site.dead().len(), "{audit}");
    drop(fleet);
    remove(database);
}

#[test]
fn a_dead_letter_tells_every_attempt_and_its_replay_stores_the_page() {
    let (port, well) = flip_server();
    let logs = tempfile::tempdir().unwrap();
    let more =
        [("TRAWL_RETRY_SERVER_ATTEMPTS", "3".to_owned()), ("TRAWL_RETRY_SERVER_BASE_MS", "50".to_owned())];
    let Some((mut fleet, database)) = fleet("letters", logs.path(), &more) else { return };
    let url = format!("http://127.0.0.1:{port}/");
    fleet.run("url-manager", &["seed", &url, "--job", "letters", "--allow-private-addresses"]);
    fleet.start_all();
    let letter: serde_json::Value = wait_for("the dead letter", 120, || {
        let text = fleet.run("dlq-handler", &["list", "--json"]);
        text.lines().next().map(|line| serde_json::from_str(line).unwrap())
    });
    assert_eq!(letter["code"], "server_error", "{letter}");
    let id = letter["id"].as_str().unwrap().to_owned();
    let shown = fleet.run("dlq-handler", &["show", &id]);
    assert_eq!(
        shown.matches("server_error (server)").count(),
        4,
        "the code once, then each of three attempts: {shown}"
    );
    wait_for("the frontier to know", 60, || (fleet.status("letters")["counts"]["dead"] == 1).then_some(()));
    let explained = fleet.run("url-manager", &["explain", &url, "--job", "letters"]);
    assert!(explained.contains("dead") && explained.contains("server_error"), "{explained}");

    well.store(true, Ordering::Relaxed);
    let replayed = fleet.run("dlq-handler", &["replay", &id, "--wait", "2m"]);
    assert_eq!(replayed, "1 sent again: 1 resolved, 0 dead again, 0 on their way\n");
    let shown = fleet.run("dlq-handler", &["show", &id]);
    assert!(shown.contains("\nstate     resolved, since ") && shown.contains("by scraper/"), "{shown}");
    wait_for("the page to be stored", 120, || (fleet.rows("letters").len() == 1).then_some(()));
    let audit = wait_for("the audit to balance", 60, || {
        let audit = audit(&["--job", "letters", "--database-url", &fleet.database]);
        (audit["balanced"] == true && audit["states"]["stored"] == 1).then_some(audit)
    });
    assert_eq!(audit["states"]["dead"], 0, "{audit}");
    drop(fleet);
    remove(database);
}

#[test]
fn what_can_not_be_reached_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let run = |service: &str, arguments: &[&str]| {
        let output = std::process::Command::new(support::binary(service))
            .args(arguments)
            .env("TRAWL_KAFKA_CONNECT_TIMEOUT_MS", "1500")
            .current_dir(folder.path())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, talk) = run("parser", &["run", "--brokers", "127.0.0.1:9"]);
    assert_eq!(code, 5, "{talk}");
    assert!(talk.contains("127.0.0.1:9") && talk.contains("kafka.brokers"), "{talk}");
    for service in ["url-manager", "storage", "dlq-handler"] {
        let (code, talk) = run(service, &["run", "--database-url", "postgres://u:hunter2@127.0.0.1:9/none"]);
        assert_eq!(code, 6, "{service}: {talk}");
        assert!(talk.contains("127.0.0.1:9") && !talk.contains("hunter2"), "{service}: {talk}");
    }
    for service in SERVICES {
        let (code, talk) = run(service, &["run", "--set", "kafka.broker=x"]);
        assert_eq!(code, 3, "{service}: {talk}");
        assert!(talk.contains("did you mean kafka.brokers?"), "{service}: {talk}");
    }
    std::fs::write(
        folder.path().join("seeds.txt"),
        "http://a.example/\n\nno url\nftp://b.example/\nhttp://c.example/\n",
    )
    .unwrap();
    let (code, talk) = run("url-manager", &["seed", "--file", "seeds.txt", "--job", "bad"]);
    assert_eq!(code, 4, "{talk}");
    assert!(
        talk.contains("seeds.txt:3") && talk.contains("seeds.txt:4") && !talk.contains("seeds.txt:2"),
        "{talk}"
    );
}
