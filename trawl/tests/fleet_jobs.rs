//! Jobs of a fleet on a real Kafka and a real PostgreSQL, changed while they run: a pause is a pause for the site.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use support::{audit, fleet::Fleet, wait_for};
use trawl_shared::sql::testing::ScratchDatabase;

/// Pages of the site.
const PAGES: usize = 400;
/// What a pause may take to reach the site.
const BOUND: Duration = Duration::from_secs(5);

/// When each page was asked for.
type Requests = Arc<Mutex<Vec<Instant>>>;

/// A site whose pages lead to the next ones.
fn site() -> (u16, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Requests::default();
    let log = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut request).is_ok_and(|n| n > 2) {}
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match path.strip_prefix('/').map(str::parse::<usize>) {
                Some(Ok(number)) => {
                    log.lock().unwrap().push(Instant::now());
                    let next = (number + 1..=number + 8).filter(|next| *next < PAGES);
                    ("200 OK", next.map(|next| format!("<a href=/{next}>{next}</a>")).collect::<String>())
                }
                _ => ("404 Not Found", "none".to_owned()),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (port, requests)
}

#[test]
fn a_pause_reaches_the_site_within_seconds_and_a_resume_goes_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(database) = runtime.block_on(ScratchDatabase::create()) else { return };
    let logs = tempfile::tempdir().unwrap();
    let prefix = format!("pause-{}.", std::process::id());
    let Some(mut fleet) = Fleet::new(&prefix, &database.url().expose(), logs.path(), &[]) else {
        eprintln!("skipped: TRAWL_TEST_KAFKA_BROKERS is not set");
        return;
    };
    let (port, requests) = site();
    let count = || requests.lock().unwrap().len();
    let seed = format!("http://127.0.0.1:{port}/0");
    let job = ["--job", "pause", "--allow-private-addresses", "--delay", "40ms", "--per-host", "2"];
    fleet.run("url-manager", &[&["seed", &seed], &job[..]].concat());
    fleet.start_all();
    wait_for("the crawl to run", 120, || (count() >= 60).then_some(()));

    fleet.run("url-manager", &["jobs", "pause", "pause"]);
    let paused = Instant::now();
    // Silence can only be listened to: as long again as a pause may take.
    wait_for("the silence", 60, || (paused.elapsed() >= 2 * BOUND).then_some(()));
    let last = *requests.lock().unwrap().last().unwrap();
    let late = last.saturating_duration_since(paused);
    println!("last request {} ms after the pause, {} of {PAGES} pages", late.as_millis(), count());
    assert!(late < BOUND && count() < PAGES, "{late:?} and {} pages", count());
    assert_eq!(fleet.status("pause")["state"], "paused");

    let before = count();
    fleet.run("url-manager", &["jobs", "resume", "pause"]);
    wait_for("the crawl to go on", 60, || (count() > before).then_some(()));
    fleet.wait_until_done("pause", 240);
    let audit = wait_for("the audit to balance", 60, || {
        let audit = audit(&["--job", "pause", "--database-url", &fleet.database]);
        (audit["balanced"] == true).then_some(audit)
    });
    assert_eq!(audit["states"]["stored"], PAGES, "{audit}");
    assert_eq!(count(), PAGES, "each page once");
    drop(fleet);
    runtime.block_on(database.remove());
}
