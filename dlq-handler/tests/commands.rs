//! What the commands print, send and mark.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::sync::{Arc, Mutex};
use support::{death, deliver, garbage, id_of, task};
use trawl_dlq_handler::{
    State,
    cli::{DiscardArgs, Layout, ListArgs, ReplayArgs, ShowArgs},
    store::Ledger,
};
use trawl_shared::{
    broker::{MockProducer, Partition, Position, SendError},
    cli::{CliError, Exit},
    message::{Envelope, Record, Topic},
    model::JobId,
};

fn list(json: bool) -> ListArgs {
    ListArgs { job: None, state: None, code: None, limit: 10, json }
}

async fn listed(ledger: &dyn Ledger, args: ListArgs, layout: Layout) -> String {
    let mut out = Vec::new();
    args.run(ledger, layout, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

async fn shown(ledger: &dyn Ledger, args: ShowArgs) -> Result<String, CliError> {
    let mut out = Vec::new();
    args.run(ledger, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

/// A producer that takes so many records and no more.
fn producer(takes: usize) -> (MockProducer, Arc<Mutex<Vec<Record>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let records = Arc::clone(&taken);
    let mut producer = MockProducer::new();
    producer.expect_enqueue().returning(move |record| {
        let mut records = records.lock().unwrap();
        let taken = records.len() < takes;
        if taken {
            records.push(record);
        }
        Ok(Box::pin(async move {
            let partition = Partition { topic: Topic::Retry, number: 0 };
            if taken {
                Ok(Position { partition, offset: 0 })
            } else {
                Err(SendError::Timeout("no leader".into()))
            }
        }))
    });
    (producer, taken)
}

async fn replay(ledger: &dyn Ledger, producer: &MockProducer, ids: Vec<String>) -> Result<String, CliError> {
    let mut out = Vec::new();
    ReplayArgs { all: ids.is_empty(), ids }.run(ledger, producer, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn lists_are_for_people_and_for_programs() {
    let (_folder, ledger) = support::sqlite().await;
    assert_eq!(listed(&*ledger, list(false), Layout::Table).await, "no letters\n");
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record, "scraper", 0, 1)]).await;

    let table = listed(&*ledger, list(false), Layout::Table).await;
    let row = table.lines().nth(1).unwrap();
    assert!(
        row.starts_with(&id.short())
            && row.contains("\x1b[31mopen")
            && row.ends_with("http://a.example/page"),
        "{row}"
    );

    let tsv = listed(&*ledger, list(false), Layout::Tsv).await;
    let lines: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines[0].len(), lines[1].len());
    assert_eq!(lines[1][..4], [&id.to_string(), "open", "2026-11-21T01:02:04Z", "2"]);
    assert_eq!(lines[1][8], r"gave up after replay 0\u{1b}]0;owned\u{7}");

    let json: serde_json::Value =
        serde_json::from_str(&listed(&*ledger, list(true), Layout::Table).await).unwrap();
    assert_eq!((json["id"].as_str(), json["state"].as_str()), (Some(&*id.to_string()), Some("open")));
    assert_eq!(json["died_at"], "2026-11-21T01:02:04Z");
}

#[tokio::test]
async fn a_letter_shows_every_attempt_and_nothing_that_a_terminal_obeys() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record.clone(), "scraper", 0, 1), death(record, "scraper", 1, 2)]).await;
    deliver(&ledger, [death(garbage(), "parser", 0, 3)]).await;

    let args = |id: &str, json| ShowArgs { id: id.to_owned(), full: false, json };
    let text = shown(&*ledger, args(&id.short(), false)).await.unwrap();
    assert!(!text.contains(['\x1b', '\x07']), "{text}");
    for expected in [
        "state     open",
        "url       http://a.example/page",
        "scraping-tasks/3 at 40",
        "scraping-tasks/3 at 41",
        "timeout (network), after 2 attempts",
        "  4  2026-11-21T01:02:06Z  7 ms  timeout (network)  scraper/host-1",
        r"try 3: no answer\u{1b}[2J",
        "  ce_type: trawl.fetch-task.v1",
        "\"url\": \"http://a.example/page\"",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
    assert_eq!(text.matches("no answer").count(), 4 + 4, "each attempt once, and in the history's header");

    let garbled = ledger.list(&trawl_dlq_handler::store::Filter::default(), 1).await.unwrap()[0].id;
    let text = shown(&*ledger, args(&garbled.to_string(), false)).await.unwrap();
    assert!(text.contains("x-foreign: 0xff00") && text.contains("00000000  80 00 1b 5b"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&shown(&*ledger, args(&garbled.to_string(), true)).await.unwrap()).unwrap();
    assert_eq!(json["payload"]["hex"], "80001b5b33316d");
    assert_eq!(json["headers"][1], serde_json::json!(["x-foreign", "again"]));

    let error = shown(&*ledger, args("ffffffffffff", false)).await.unwrap_err();
    assert_eq!(
        (error.exit, error.to_string().as_str()),
        (Exit::NotFound, "there is no letter \"ffffffffffff\"")
    );
    let ambiguous = shown(&*ledger, args("", false)).await.unwrap_err();
    assert_eq!(ambiguous.exit, Exit::NotFound);
}

#[tokio::test]
async fn a_replay_is_the_same_message_as_if_never_tried() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record.clone(), "scraper", 1, 1)]).await;
    let (producer, taken) = producer(usize::MAX);
    assert_eq!(replay(&*ledger, &producer, vec![id.short()]).await.unwrap(), "1 sent again\n");

    let sent = taken.lock().unwrap().pop().unwrap();
    let (before, after) = (Envelope::read(&record).unwrap(), Envelope::read(&sent).unwrap());
    assert_eq!((sent.topic, sent.key, sent.payload), (Topic::Retry, record.key, record.payload));
    assert_eq!(
        (after.id, after.kind, after.correlation, after.trace),
        (before.id, before.kind, before.correlation, before.trace)
    );
    assert_eq!((after.attempt, after.replays, after.history.len()), (0, 2, 4));
    assert_eq!(after.target.as_deref(), Some("scraper"));
    assert_eq!(after.origin.map(|source| (source.topic, source.offset)), Some((Topic::ScrapingTasks, 41)));
    assert!(after.not_before.is_some());
    assert_eq!(ledger.summary(id).await.unwrap().unwrap().state, State::Replayed);

    // Without an envelope nobody can be addressed: back to where it came from, as it was.
    deliver(&ledger, [death(garbage(), "parser", 0, 3)]).await;
    assert_eq!(replay(&*ledger, &producer, vec![]).await.unwrap(), "1 sent again\n", "open ones only");
    assert_eq!(taken.lock().unwrap().pop(), Some(garbage()));
}

#[tokio::test]
async fn only_what_the_broker_took_is_marked() {
    let (_folder, ledger) = support::sqlite().await;
    let job = JobId::fresh();
    for n in 0..5 {
        deliver(&ledger, [death(task(job, &format!("http://a.example/{n}")), "scraper", 0, n)]).await;
    }
    let error = replay(&*ledger, &producer(2).0, vec![]).await.unwrap_err();
    assert_eq!(error.exit, Exit::Broker);
    assert!(error.to_string().starts_with("2 sent, then the broker did not take letter"), "{error}");
    let counts = ledger.counts(Some(job)).await.unwrap();
    assert_eq!((counts["open"], counts["replayed"]), (3, 2));
    assert_eq!(replay(&*ledger, &producer(9).0, vec![]).await.unwrap(), "3 sent again\n");
}

#[tokio::test]
async fn discarding_keeps_who_and_why() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record, "scraper", 0, 1)]).await;
    let mut out = Vec::new();
    let args = DiscardArgs { ids: vec![id.to_string()], reason: Some("the site is gone".into()) };
    args.run(&*ledger, &mut out).await.unwrap();
    assert_eq!(out, b"1 discarded\n");
    let letter = ledger.summary(id).await.unwrap().unwrap();
    assert_eq!((letter.state, letter.remark.as_deref()), (State::Discarded, Some("the site is gone")));
    assert!(letter.changed_by.contains("command line"));
    let unknown = DiscardArgs { ids: vec!["0".repeat(12)], reason: None };
    assert_eq!(unknown.run(&*ledger, &mut out).await.unwrap_err().exit, Exit::NotFound);
}
