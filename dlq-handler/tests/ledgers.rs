//! One suite, both databases.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::{collections::BTreeMap, sync::Arc};
use support::{at, death, deliver, deliver_records, found, garbage, id_of, recovery, task};
use trawl_dlq_handler::{
    LedgerHandler, State,
    filter::Field,
    store::{self, Change, Ledger, Query},
    transfer::Moved,
};
use trawl_shared::{
    message::{Envelope, Topic},
    model::{CanonicalUrl, JobId, TaskId},
    runtime::{BatchHandler, Failure},
    sql::Missing,
};

fn replayed() -> Change<'static> {
    Change { state: State::Replayed, at: at(50), by: "test", remark: None }
}

/// Everything that must hold of a ledger.
async fn conformance(ledger: &Arc<dyn Ledger>) {
    the_same_letter_twice_is_one_row(ledger).await;
    a_message_that_dies_again_opens_its_letter_again(ledger).await;
    a_message_that_dies_in_two_groups_has_two_letters(ledger).await;
    records_are_kept_byte_for_byte(ledger).await;
    letters_are_found_by_job_state_code_and_prefix(ledger).await;
    a_state_is_changed_unless_the_letter_died_again(ledger).await;
    a_replay_that_was_handled_closes_its_letter(ledger).await;
    an_edited_replay_keeps_both_payloads(ledger).await;
    letters_are_counted_by_what_they_share(ledger).await;
}

async fn the_same_letter_twice_is_one_row(ledger: &Arc<dyn Ledger>) {
    let job = JobId::fresh();
    let record = task(job, "http://a.example:8080/once");
    let id = id_of(&record, "scraper");
    deliver(ledger, [death(record.clone(), "scraper", 0, 10), death(record.clone(), "scraper", 0, 10)]).await;
    deliver(ledger, [death(record.clone(), "scraper", 0, 11)]).await;
    let of_job = Query::new(format!("job={job}").parse().unwrap(), 10);
    let letters = ledger.list(&of_job).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.id, letter.state, letter.generation, letter.attempts), (id, State::Open, 0, 2));
    assert_eq!(
        (letter.group.as_str(), letter.code.as_str(), letter.class.as_str()),
        ("scraper", "timeout", "network")
    );
    assert_eq!(letter.url.as_deref(), Some("http://a.example:8080/once"));
    assert_eq!(letter.host.as_deref(), Some("a.example:8080"));
    assert_eq!(letter.message, Envelope::read(&record).unwrap().id);
    assert_eq!(letter.died_at, at(10).as_millisecond());
    assert_eq!(ledger.summary(id).await.unwrap().as_ref(), Some(letter));
    let deaths = ledger.deaths(id).await.unwrap();
    assert_eq!(deaths.len(), 1);
    assert_eq!((deaths[0].source.partition, deaths[0].source.offset, deaths[0].history.len()), (3, 40, 2));
    assert_eq!((deaths[0].time, deaths[0].causes.len()), (Some(at(-5)), 2));
    let envelope = Envelope::read(&record).unwrap();
    assert_eq!(
        (letter.trace.clone(), letter.causation),
        (Some(format!("{:032x}", envelope.trace.trace_id)), None)
    );
    assert_eq!((letter.instance.as_str(), letter.version.as_str()), ("host-1", "0.1.0"));
    assert_eq!(ledger.events(id).await.unwrap().len(), 1, "one death, one line of history");
}

async fn a_message_that_dies_again_opens_its_letter_again(ledger: &Arc<dyn Ledger>) {
    let record = task(JobId::fresh(), "http://a.example/again");
    let id = id_of(&record, "scraper");
    deliver(ledger, [death(record.clone(), "scraper", 0, 10)]).await;
    assert!(ledger.change(id, 0, &replayed()).await.unwrap());
    deliver(ledger, [death(record.clone(), "scraper", 0, 10)]).await;
    assert_eq!(
        ledger.summary(id).await.unwrap().unwrap().state,
        State::Replayed,
        "a duplicate says nothing new"
    );

    deliver(ledger, [death(record.clone(), "scraper", 2, 30), death(record.clone(), "scraper", 1, 20)]).await;
    let letter = ledger.summary(id).await.unwrap().unwrap();
    assert_eq!((letter.state, letter.generation), (State::Open, 2));
    assert_eq!((letter.first_died_at, letter.died_at), (at(10).as_millisecond(), at(30).as_millisecond()));
    assert!(letter.error.starts_with("gave up after replay 2"), "{}", letter.error);
    let deaths: Vec<_> = ledger.deaths(id).await.unwrap().iter().map(|death| death.generation).collect();
    assert_eq!(deaths, [0, 1, 2], "in order, the late one too");
    let kept = Envelope::read(&ledger.record(id).await.unwrap().unwrap()).unwrap();
    assert_eq!((kept.replays, kept.history.len()), (2, 6), "the record of the last death");
}

async fn a_message_that_dies_in_two_groups_has_two_letters(ledger: &Arc<dyn Ledger>) {
    let job = JobId::fresh();
    let record = task(job, "http://a.example/both");
    deliver(ledger, [death(record.clone(), "storage", 0, 1), death(record.clone(), "url-manager", 0, 1)])
        .await;
    assert_eq!(found(&**ledger, &format!("job={job}")).await.len(), 2);
    let tasks = ledger.dead_tasks(job).await.unwrap();
    let url = CanonicalUrl::parse("http://a.example/both").unwrap();
    assert_eq!(tasks, [TaskId::derive(job, &url, 0)], "one task");
}

async fn records_are_kept_byte_for_byte(ledger: &Arc<dyn Ledger>) {
    let all = Query::new("".parse().unwrap(), 100);
    let before = ledger.list(&all).await.unwrap();
    let dead = death(garbage(), "parser", 0, 99);
    deliver(ledger, [dead.clone(), dead.clone()]).await;
    let letters = ledger.list(&all).await.unwrap();
    assert_eq!(letters.len(), before.len() + 1);
    let letter = letters.iter().find(|letter| !before.contains(letter)).unwrap();
    assert_eq!((letter.kind.as_deref(), letter.url.as_deref(), letter.job), (None, None, None));
    assert_eq!(ledger.record(letter.id).await.unwrap(), Some(garbage()));
    let looked = &ledger.deaths(letter.id).await.unwrap()[0].history;
    assert_eq!((looked.len(), looked[0].worker.as_str()), (1, "host-1"), "it was looked at once");

    // What can be read of the headers tells the task, although the payload tells nothing.
    let job = JobId::fresh();
    let mut record = task(job, "http://a.example/unreadable");
    record.payload = b"\x00\xff"[..].into();
    record.topic = Topic::ScrapedData;
    deliver(ledger, [death(record.clone(), "parser", 0, 1)]).await;
    assert_eq!(ledger.record(id_of(&record, "parser")).await.unwrap().unwrap().payload, record.payload);
    let url = CanonicalUrl::parse("http://a.example/unreadable").unwrap();
    assert_eq!(ledger.dead_tasks(job).await.unwrap(), [TaskId::derive(job, &url, 0)]);
}

async fn letters_are_found_by_job_state_code_and_prefix(ledger: &Arc<dyn Ledger>) {
    let job = JobId::fresh();
    let records = [1, 2, 3].map(|n| task(job, &format!("http://a.example/find/{n}")));
    for (second, record) in (1..).zip(&records) {
        deliver(ledger, [death(record.clone(), "scraper", 0, second)]).await;
    }
    let ids = records.each_ref().map(|record| id_of(record, "scraper"));
    ledger.change(ids[1], 0, &replayed()).await.unwrap();

    let list = async |more: &str| found(&**ledger, &format!("job={job} {more}")).await;
    let ids = records.each_ref().map(|record| id_of(record, "scraper"));
    assert_eq!(list("").await, [ids[2], ids[1], ids[0]], "last death first");
    assert_eq!(list("state=open").await, [ids[2], ids[0]]);
    assert_eq!(list("code=time* died>=2026-11-21T01:02:06").await, [ids[2]]);
    assert!(list("code=panic").await.is_empty());
    let filter = format!("job={job}").parse().unwrap();
    assert_eq!(ledger.count(&filter).await.unwrap(), 3);
    let first = ledger.ids(&filter, 0, 2).await.unwrap();
    let rest = ledger.ids(&filter, first[1].0, 2).await.unwrap();
    assert_eq!(
        first.iter().chain(&rest).map(|(_, id)| *id).collect::<Vec<_>>(),
        ids,
        "in the order they came"
    );
    assert_eq!(ledger.counts(Some(job)).await.unwrap(), BTreeMap::from([("open", 2), ("replayed", 1)]));

    let whole = ids[0].to_string();
    for prefix in [&whole[..], &whole[..20], &ids[0].0.simple().to_string()[..12]] {
        assert_eq!(ledger.ids_with_prefix(prefix, 5).await.unwrap(), [ids[0]], "{prefix}");
    }
    assert!(ledger.ids_with_prefix("zz", 5).await.unwrap().is_empty());
}

async fn a_state_is_changed_unless_the_letter_died_again(ledger: &Arc<dyn Ledger>) {
    let record = task(JobId::fresh(), "http://a.example/race");
    let id = id_of(&record, "scraper");
    deliver(ledger, [death(record.clone(), "scraper", 0, 1), death(record, "scraper", 1, 2)]).await;
    assert!(!ledger.change(id, 0, &replayed()).await.unwrap(), "it has died since");
    let discarded = Change { state: State::Discarded, at: at(9), by: "me", remark: Some("spam") };
    assert!(ledger.change(id, 1, &discarded).await.unwrap());
    let letter = ledger.summary(id).await.unwrap().unwrap();
    assert_eq!(
        (letter.state, letter.changed_by.as_str(), letter.remark.as_deref()),
        (State::Discarded, "me", Some("spam"))
    );
}

async fn a_replay_that_was_handled_closes_its_letter(ledger: &Arc<dyn Ledger>) {
    let record = task(JobId::fresh(), "http://a.example/back");
    let id = id_of(&record, "scraper");
    let state = async || ledger.summary(id).await.unwrap().unwrap().state;
    deliver_records(ledger, [recovery(&record, "scraper", 1, 5)]).await;
    assert_eq!(ledger.summary(id).await.unwrap(), None, "of another ledger");
    deliver(ledger, [death(record.clone(), "scraper", 0, 1)]).await;
    ledger.change(id, 0, &replayed()).await.unwrap();
    deliver(ledger, [death(record.clone(), "scraper", 1, 2)]).await;
    deliver_records(ledger, [recovery(&record, "scraper", 1, 3)]).await;
    assert_eq!(state().await, State::Open, "that replay has died since");
    // The word of a quick replay may come before anybody noted that it was sent.
    deliver_records(ledger, [recovery(&record, "scraper", 2, 60), recovery(&record, "scraper", 2, 60)]).await;
    assert_eq!(state().await, State::Resolved);
    assert!(ledger.change(id, 1, &replayed()).await.unwrap());
    assert_eq!(state().await, State::Resolved);
    let events = ledger.events(id).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.state, event.by.as_str())).collect();
    let expected = [
        (State::Open, "host-1"),
        (State::Open, "host-1"),
        (State::Replayed, "test"),
        (State::Replayed, "test"),
        (State::Resolved, "scraper/host-2"),
    ];
    assert_eq!(told, expected, "each once, in the order of their times");
    let (resolved, back) = ledger.replayed().await.unwrap();
    assert!(resolved == 1 && back > 0, "{resolved} {back}");

    // What was discarded stays so; a later death opens whatever there is.
    let discarded = Change { state: State::Discarded, at: at(70), by: "me", remark: None };
    ledger.change(id, 1, &discarded).await.unwrap();
    deliver_records(ledger, [recovery(&record, "scraper", 3, 71)]).await;
    assert_eq!(state().await, State::Discarded);
    deliver(ledger, [death(record, "scraper", 4, 80)]).await;
    assert_eq!(state().await, State::Open);
}

async fn an_edited_replay_keeps_both_payloads(ledger: &Arc<dyn Ledger>) {
    let record = task(JobId::fresh(), "http://a.example/edited");
    let id = id_of(&record, "scraper");
    let edited = trawl_shared::message::Record { payload: b"{\"edited\": 1}"[..].into(), ..record.clone() };
    deliver(ledger, [death(record.clone(), "scraper", 0, 1), death(edited.clone(), "scraper", 1, 2)]).await;
    assert_eq!(ledger.record(id).await.unwrap().unwrap().payload, edited.payload, "what a replay sends");
    assert_eq!(ledger.original(id).await.unwrap().unwrap().payload, record.payload);
    let deaths = ledger.deaths(id).await.unwrap();
    assert_eq!((&deaths[0].edited, &deaths[1].edited), (&None, &Some(edited.payload)));

    // And with all of that it moves to another ledger, once.
    let (_folder, other) = support::sqlite().await;
    let moved = Moved::load(&**ledger, id).await.unwrap().unwrap();
    let line = serde_json::to_string(&moved).unwrap();
    assert_eq!(Moved::read(&line).as_ref(), Ok(&moved));
    assert!(other.admit(&moved).await.unwrap());
    assert!(!other.admit(&moved).await.unwrap(), "known");
    assert_eq!(Moved::load(&*other, id).await.unwrap().unwrap(), moved);
    assert_eq!(other.record(id).await.unwrap(), ledger.record(id).await.unwrap());
}

async fn letters_are_counted_by_what_they_share(ledger: &Arc<dyn Ledger>) {
    let job = JobId::fresh();
    for (n, host) in [(1, "one.example"), (2, "two.example"), (3, "two.example")] {
        deliver(ledger, [death(task(job, &format!("http://{host}/{n}")), "scraper", 0, n)]).await;
    }
    let filter = format!("job={job}").parse().unwrap();
    let by = ["host", "job"].map(|name| Field::named(name).unwrap());
    let groups = ledger.groups(&filter, &by, 10).await.unwrap();
    let found: Vec<_> = groups.iter().map(|group| (group.key[0].as_deref(), group.letters)).collect();
    assert_eq!(found, [(Some("two.example"), 2), (Some("one.example"), 1)]);
    assert_eq!(groups[0].key[1], Some(job.to_string()));
    assert_eq!((groups[0].oldest, groups[0].newest), (at(2), at(3)));
    assert_eq!(ledger.groups(&filter, &by, 1).await.unwrap().len(), 1);
    assert_eq!(ledger.groups(&"code=none".parse().unwrap(), &[], 1).await.unwrap(), []);
    let steps = ledger.timeline(&filter, at(2), 1000).await.unwrap();
    assert_eq!(steps, BTreeMap::from([(0, 1), (1, 1)]));
}

async fn a_ledger_that_is_gone_holds_the_letters(ledger: Arc<dyn Ledger>) {
    ledger.close().await;
    let answer = LedgerHandler::new(ledger).handle(Vec::new()).await;
    assert!(matches!(answer, Err(Failure::Later { .. })), "{answer:?}");
}

#[tokio::test]
async fn sqlite() {
    let (_folder, ledger) = support::sqlite().await;
    conformance(&ledger).await;
    a_ledger_that_is_gone_holds_the_letters(ledger).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres() {
    let Some(database) = trawl_shared::sql::testing::ScratchDatabase::create().await else { return };
    let ledger = store::open(&database.url(), Missing::Create).await.unwrap();
    conformance(&ledger).await;
    a_ledger_that_is_gone_holds_the_letters(ledger).await;
    database.remove().await;
}
