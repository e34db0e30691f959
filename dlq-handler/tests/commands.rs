//! What the commands print, send and mark.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use clap::Parser;
use std::sync::{Arc, Mutex};
use support::{death, deliver, found, garbage, id_of, recovery, task};
use tokio_util::sync::CancellationToken;
use trawl_dlq_handler::{
    LetterId, State,
    cli::{DiscardArgs, ExportArgs, ImportArgs, ListArgs, ReplayArgs, ShowArgs, StatsArgs, WatchArgs},
    store::Ledger,
};
use trawl_shared::{
    broker::{MockProducer, Partition, Position, Producer, SendError},
    cli::{CliError, Exit},
    message::{Envelope, Record, Topic},
    model::JobId,
};

/// The arguments of one command, read as the command line is.
fn args<A: clap::Args>(words: &[&str]) -> A {
    #[derive(Parser)]
    struct Line<A: clap::Args> {
        #[command(flatten)]
        args: A,
    }
    Line::<A>::try_parse_from([&["test"], words].concat()).unwrap_or_else(|error| panic!("{error}")).args
}

async fn listed(ledger: &dyn Ledger, words: &[&str]) -> String {
    let mut out = Vec::new();
    args::<ListArgs>(words).run(ledger, words.contains(&"table"), &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

async fn shown(ledger: &dyn Ledger, words: &[&str]) -> Result<String, CliError> {
    let mut out = Vec::new();
    args::<ShowArgs>(words).run(ledger, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

/// A producer that takes so many records and no more.
fn producer(takes: usize) -> (Arc<dyn Producer>, Arc<Mutex<Vec<Record>>>) {
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
    (Arc::new(producer), taken)
}

async fn replay(
    ledger: &dyn Ledger,
    producer: &Arc<dyn Producer>,
    words: &[&str],
) -> Result<String, CliError> {
    let mut out = Vec::new();
    let connect = async || Ok(Arc::clone(producer));
    args::<ReplayArgs>(words).run(ledger, connect, 12, &CancellationToken::new(), &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn lists_are_for_people_and_for_programs() {
    let (_folder, ledger) = support::sqlite().await;
    assert_eq!(listed(&*ledger, &["--format", "table"]).await, "no letters\n");
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record, "scraper", 0, 1)]).await;

    let table = listed(&*ledger, &["--format", "table"]).await;
    let row = table.lines().nth(1).unwrap();
    assert!(
        row.starts_with(&id.short())
            && row.contains("\x1b[31mopen")
            && row.ends_with("http://a.example/page"),
        "{row}"
    );

    let text = listed(&*ledger, &[]).await;
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let heads = csv.headers().unwrap().clone();
    let row = csv.records().next().unwrap().unwrap();
    let cell = |name| &row[heads.iter().position(|head| head == name).unwrap()];
    assert_eq!((cell("id"), cell("died_at")), (&*id.to_string(), "2026-11-21T01:02:04Z"));
    assert_eq!(cell("error"), r"gave up after replay 0\u{1b}]0;owned\u{7}");

    for words in [&["--json"][..], &["--format", "json"]] {
        let json: serde_json::Value = serde_json::from_str(&listed(&*ledger, words).await).unwrap();
        assert_eq!((json["id"].as_str(), json["state"].as_str()), (Some(&*id.to_string()), Some("open")));
        assert_eq!((&json["died_at"], &json["replays"]), (&"2026-11-21T01:02:04Z".into(), &0.into()));
    }
}

#[tokio::test]
async fn letters_are_chosen_sorted_and_counted() {
    let (_folder, ledger) = support::sqlite().await;
    for (n, host) in [(1, "b.example"), (2, "a.example"), (3, "a.example")] {
        let mut letter = death(task(JobId::fresh(), &format!("http://{host}/{n}")), "scraper", 0, n);
        letter.reason.code = format!("code-{n}\x1b[2J");
        deliver(&ledger, [letter]).await;
    }
    let urls = async |words: &[&str]| -> Vec<String> {
        let text = listed(&*ledger, &[words, &["--json"]].concat()).await;
        let url = |line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["url"].as_str().unwrap().to_owned()
        };
        text.lines().map(url).collect()
    };
    assert_eq!(urls(&["--where", "host=a.*", "--where", "code=code-2*"]).await, ["http://a.example/2"]);
    assert_eq!(
        urls(&["--sort", "url"]).await,
        ["http://a.example/2", "http://a.example/3", "http://b.example/1"]
    );
    assert_eq!(urls(&["--sort", "-url", "--limit", "1"]).await, ["http://b.example/1"]);
    assert_eq!(urls(&["--since", "2026-11-21T01:02:06Z"]).await, ["http://a.example/3"]);

    let groups = listed(&*ledger, &["--group-by", "host,service", "--format", "table"]).await;
    let rows: Vec<&str> = groups.lines().collect();
    assert!(
        rows[0].contains("LETTERS") && rows[0].contains("HOST") && rows[1].contains("2  2026-11-21"),
        "{groups}"
    );
    assert!(rows[1].contains("a.example") && rows[1].contains("scraper"), "{groups}");
    let hostile = listed(&*ledger, &["--group-by", "code"]).await;
    assert!(hostile.contains(r"code-1\u{1b}[2J,1,") && !hostile.contains('\x1b'), "{hostile}");
    let json = listed(&*ledger, &["--group-by", "host", "--json", "--limit", "1"]).await;
    let group: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&group["host"], &group["letters"]), (&"a.example".into(), &2.into()));

    let mut out = Vec::new();
    args::<StatsArgs>(&[]).run(&*ledger, false, &mut out).await.unwrap();
    let stats = String::from_utf8(out).unwrap();
    assert!(
        stats.contains("open             3") && stats.contains("2  a.example") && !stats.contains('\x1b'),
        "{stats}"
    );
}

#[tokio::test]
async fn a_letter_shows_every_attempt_and_nothing_that_a_terminal_obeys() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record.clone(), "scraper", 0, 1), death(record, "scraper", 1, 2)]).await;
    let mut garbage = garbage();
    garbage.payload = [&garbage.payload[..], &b"\xf0\x28".repeat(500_000)].concat().into();
    deliver(&ledger, [death(garbage.clone(), "parser", 0, 3)]).await;

    let text = shown(&*ledger, &[&id.short()]).await.unwrap();
    assert!(!text.contains(['\x1b', '\x07']), "{text}");
    for expected in [
        "state     open",
        "url       http://a.example/page",
        "scraping-tasks/3 at 40, made 2026-11-21T01:01:58Z",
        "scraping-tasks/3 at 41",
        "timeout (network), after 2 attempts",
        "error     the crawl ended\nbecause   gave up after replay 0\\u{1b}]0;owned",
        "replay    1\n",
        "  4  2026-11-21T01:02:06Z  7 ms  timeout (network)  scraper/host-1",
        r"try 3: no answer\u{1b}[2J",
        "\nhistory\n  2026-11-21T01:02:04Z  open by host-1\n",
        "  ce_type: trawl.fetch-task.v1",
        "\"url\": \"http://a.example/page\"",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
    assert_eq!(text.matches("no answer").count(), 4 + 4, "each attempt once, and in the history's header");

    let garbled = found(&*ledger, "").await[0].to_string();
    let text = shown(&*ledger, &[&garbled]).await.unwrap();
    assert!(text.contains("x-foreign: 0xff00") && text.contains("00000000  80 00 1b 5b"), "{text}");
    assert!(text.len() < 10_000 && text.ends_with("... (--body shows the rest)\n"));
    assert!(shown(&*ledger, &[&garbled, "--body"]).await.unwrap().len() > 4_000_000);
    let json: serde_json::Value =
        serde_json::from_str(&shown(&*ledger, &[&garbled, "--json"]).await.unwrap()).unwrap();
    assert!(json["payload"]["hex"].as_str().unwrap().starts_with("80001b5b33316df028"));
    assert_eq!(json["headers"][1], serde_json::json!(["x-foreign", "again"]));

    let error = shown(&*ledger, &["ffffffffffff"]).await.unwrap_err();
    assert_eq!(
        (error.exit, error.to_string().as_str()),
        (Exit::NotFound, "there is no letter \"ffffffffffff\"")
    );
    assert_eq!(shown(&*ledger, &[""]).await.unwrap_err().exit, Exit::NotFound);
}

#[tokio::test]
async fn a_replay_is_the_same_message_as_if_never_tried() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    let id = id_of(&record, "scraper");
    deliver(&ledger, [death(record.clone(), "scraper", 1, 1)]).await;
    let (producer, taken) = producer(usize::MAX);
    assert_eq!(
        replay(&*ledger, &producer, &[&id.short(), "--dry-run"]).await.unwrap(),
        "1 would be sent again, at 20/s\n"
    );
    assert!(taken.lock().unwrap().is_empty());
    assert_eq!(replay(&*ledger, &producer, &[&id.short()]).await.unwrap(), "1 sent again\n");

    let sent = taken.lock().unwrap().pop().unwrap();
    let (before, after) = (Envelope::read(&record).unwrap(), Envelope::read(&sent).unwrap());
    assert_eq!((sent.topic, sent.partition, sent.key), (Topic::Retry, Some(0), record.key));
    assert_eq!(sent.payload, record.payload);
    assert_eq!(
        (after.id, after.kind, after.correlation, after.trace),
        (before.id, before.kind, before.correlation, before.trace)
    );
    assert_eq!((after.attempt, after.replays, after.history.len()), (0, 2, 4));
    assert_eq!(after.target.as_deref(), Some("scraper"));
    assert_eq!(after.origin.map(|source| (source.topic, source.offset)), Some((Topic::ScrapingTasks, 41)));
    assert!(after.not_before.is_some());
    assert_eq!(ledger.summary(id).await.unwrap().unwrap().state, State::Replayed);

    // Later, in the partition of that delay.
    assert_eq!(replay(&*ledger, &producer, &[&id.short(), "--after", "1h"]).await.unwrap(), "1 sent again\n");
    let later = taken.lock().unwrap().pop().unwrap();
    let due = Envelope::read(&later).unwrap().not_before.unwrap();
    assert!(
        due.duration_since(jiff::Timestamp::now()).as_mins() >= 59 && later.partition > Some(0),
        "{later:?}"
    );
}

#[tokio::test]
async fn what_has_no_envelope_goes_back_and_is_known_again() {
    let (_folder, ledger) = support::sqlite().await;
    deliver(&ledger, [death(garbage(), "parser", 0, 3)]).await;
    let (producer, taken) = producer(usize::MAX);
    let error = replay(&*ledger, &producer, &["--all", "--after", "1h"]).await.unwrap_err();
    assert!(error.exit == Exit::Usage && error.to_string().contains("leave out the delay"), "{error}");
    assert_eq!(replay(&*ledger, &producer, &["--all"]).await.unwrap(), "1 sent again\n", "open ones only");
    let sent = taken.lock().unwrap().pop().unwrap();
    assert_eq!(
        (sent.topic, &sent.key, &sent.payload),
        (Topic::ScrapedData, &garbage().key, &garbage().payload)
    );
    assert_eq!(sent.headers.iter().take(2).collect::<Vec<_>>(), garbage().headers.iter().collect::<Vec<_>>());
    // It stands elsewhere now, and dies there: the same letter, open again.
    let mut again = death(sent, "parser", 0, 9);
    again.reason.source.offset = 1234;
    deliver(&ledger, [again]).await;
    let letters = listed(&*ledger, &["--json"]).await;
    let letter: serde_json::Value = serde_json::from_str(&letters).unwrap();
    assert_eq!((&letter["state"], &letter["replays"]), (&"open".into(), &1.into()), "{letters}");
}

#[tokio::test]
async fn only_what_the_broker_took_is_marked() {
    let (_folder, ledger) = support::sqlite().await;
    let job = JobId::fresh();
    for n in 0..5 {
        deliver(&ledger, [death(task(job, &format!("http://a.example/{n}")), "scraper", 0, n)]).await;
    }
    let usage = replay(&*ledger, &producer(9).0, &[]).await.unwrap_err();
    assert!(usage.exit == Exit::Usage && usage.to_string().contains("--where"), "{usage}");
    let error = replay(&*ledger, &producer(2).0, &["--all", "--rate", "1000/s"]).await.unwrap_err();
    assert_eq!(error.exit, Exit::Broker);
    assert!(error.to_string().starts_with("2 sent, then the broker did not take letter"), "{error}");
    let counts = ledger.counts(Some(job)).await.unwrap();
    assert_eq!((counts["open"], counts["replayed"]), (3, 2));
    let some = replay(&*ledger, &producer(9).0, &["--where", "url=*/4", "--rate", "1000/s"]).await;
    assert_eq!(some.unwrap(), "1 sent again\n");
    assert_eq!(replay(&*ledger, &producer(9).0, &["--all"]).await.unwrap(), "2 sent again\n");
}

#[tokio::test]
async fn discarding_keeps_who_and_why() {
    let (_folder, ledger) = support::sqlite().await;
    let records = [1, 2].map(|n| task(JobId::fresh(), &format!("http://a.example/{n}")));
    let ids = records.each_ref().map(|record| id_of(record, "scraper"));
    deliver(&ledger, records.map(|record| death(record, "scraper", 0, 1))).await;
    let mut out = Vec::new();
    let discard = async |words: &[&str], out: &mut Vec<u8>| {
        args::<DiscardArgs>(&[words, &["--reason", "the site is gone"]].concat()).run(&*ledger, out).await
    };
    discard(&["--where", "host=*"], &mut out).await.unwrap();
    discard(&[&ids[0].to_string()], &mut out).await.unwrap();
    discard(&["--where", "host=*", "--dry-run"], &mut out).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&out), "2 discarded\n0 discarded\n0 would be discarded\n");
    let letter = ledger.summary(ids[0]).await.unwrap().unwrap();
    assert_eq!((letter.state, letter.remark.as_deref()), (State::Discarded, Some("the site is gone")));
    assert!(letter.changed_by.contains("command line"));
    assert_eq!(ledger.events(ids[0]).await.unwrap().len(), 2);
    assert_eq!(discard(&[&"0".repeat(12)], &mut out).await.unwrap_err().exit, Exit::NotFound);
    assert_eq!(discard(&[], &mut out).await.unwrap_err().exit, Exit::Usage, "never all of them by accident");
}

#[tokio::test]
async fn letters_move_to_another_cluster_byte_for_byte() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    deliver(&ledger, [death(record.clone(), "scraper", 0, 1), death(garbage(), "parser", 0, 2)]).await;
    support::deliver_records(&ledger, [recovery(&record, "scraper", 1, 9)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letters.jsonl");
    let name = file.to_str().unwrap();
    let mut out = Vec::new();
    args::<ExportArgs>(&["--out", name]).run(&*ledger, &mut out).await.unwrap();

    let (_other_folder, other) = support::sqlite().await;
    let import = async |out: &mut Vec<u8>| args::<ImportArgs>(&[name]).run(&*other, out).await;
    import(&mut out).await.unwrap();
    import(&mut out).await.unwrap();
    let line = |counts: [u8; 3]| {
        format!("{} letters entered, {} were known, {} could not be read\n", counts[0], counts[1], counts[2])
    };
    assert_eq!(String::from_utf8_lossy(&out), line([2, 0, 0]) + &line([0, 2, 0]));
    let story = async |ledger: &dyn Ledger, id: LetterId| {
        let summary = ledger.summary(id).await.unwrap();
        let record = ledger.record(id).await.unwrap();
        (summary, record, ledger.deaths(id).await.unwrap(), ledger.events(id).await.unwrap())
    };
    for id in found(&*ledger, "").await {
        assert_eq!(story(&*other, id).await, story(&*ledger, id).await);
    }
    std::fs::write(&file, "{\"id\": 1}\n\nnonsense\x1b[2J\n").unwrap();
    out.clear();
    assert_eq!(import(&mut out).await.unwrap_err().exit, Exit::BadInput);
    assert_eq!(String::from_utf8_lossy(&out), line([0, 0, 2]));
}

#[tokio::test]
async fn watching_prints_each_change_once() {
    let (_folder, ledger) = support::sqlite().await;
    let record = task(JobId::fresh(), "http://a.example/page");
    deliver(&ledger, [death(task(JobId::fresh(), "http://a.example/before"), "scraper", 0, 1)]).await;
    let stop = CancellationToken::new();
    // Whole lines of a writer that others look at meanwhile.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let out = Shared::default();
    let watched = (Arc::clone(&ledger), stop.clone(), out.clone());
    let watching = tokio::spawn(async move {
        let (ledger, stop, mut out) = watched;
        let watch = args::<WatchArgs>(&["--where", "url=*page", "--every", "50ms"]);
        watch.run(&*ledger, false, &stop, &mut out).await
    });
    let lines = async |wanted: usize| {
        let look = async {
            loop {
                let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
                if text.lines().count() >= wanted {
                    return text;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), look).await.unwrap()
    };
    // It looks for the first time, which is when what comes begins to be news.
    tokio::task::yield_now().await;
    deliver(&ledger, [death(record.clone(), "scraper", 0, 2)]).await;
    lines(1).await;
    support::deliver_records(&ledger, [recovery(&record, "scraper", 1, 9)]).await;
    let text = lines(2).await;
    assert!(
        text.contains("open  scraper  timeout  http://a.example/page") && text.contains("resolved"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 2, "{text}");
    stop.cancel();
    watching.await.unwrap().unwrap();
}
