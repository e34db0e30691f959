//! One suite, both databases.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::{collections::BTreeMap, sync::Arc};
use support::{at, death, deliver, garbage, id_of, task};
use trawl_dlq_handler::{
    LedgerHandler, State,
    store::{self, Change, Filter, Ledger},
};
use trawl_shared::{
    message::{Envelope, Topic},
    model::{CanonicalUrl, JobId, TaskId},
    runtime::{BatchHandler, Failure},
    sql::Missing,
};

const REPLAYED: Change<'_> = Change { state: State::Replayed, by: "test", remark: None };

/// Everything that must hold of a ledger.
async fn conformance(ledger: &Arc<dyn Ledger>) {
    the_same_letter_twice_is_one_row(ledger).await;
    a_message_that_dies_again_opens_its_letter_again(ledger).await;
    a_message_that_dies_in_two_groups_has_two_letters(ledger).await;
    records_are_kept_byte_for_byte(ledger).await;
    letters_are_found_by_job_state_code_and_prefix(ledger).await;
    a_state_is_changed_unless_the_letter_died_again(ledger).await;
}

async fn the_same_letter_twice_is_one_row(ledger: &Arc<dyn Ledger>) {
    let job = JobId::fresh();
    let record = task(job, "http://a.example:8080/once");
    let id = id_of(&record, "scraper");
    deliver(ledger, [death(record.clone(), "scraper", 0, 10), death(record.clone(), "scraper", 0, 10)]).await;
    deliver(ledger, [death(record.clone(), "scraper", 0, 11)]).await;
    let letters = ledger.list(&Filter { job: Some(job), ..Filter::default() }, 10).await.unwrap();
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
}

async fn a_message_that_dies_again_opens_its_letter_again(ledger: &Arc<dyn Ledger>) {
    let record = task(JobId::fresh(), "http://a.example/again");
    let id = id_of(&record, "scraper");
    deliver(ledger, [death(record.clone(), "scraper", 0, 10)]).await;
    assert!(ledger.change(id, 0, &REPLAYED).await.unwrap());
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
    assert_eq!(ledger.list(&Filter { job: Some(job), ..Filter::default() }, 10).await.unwrap().len(), 2);
    let tasks = ledger.dead_tasks(job).await.unwrap();
    let url = CanonicalUrl::parse("http://a.example/both").unwrap();
    assert_eq!(tasks, [TaskId::derive(job, &url, 0)], "one task");
}

async fn records_are_kept_byte_for_byte(ledger: &Arc<dyn Ledger>) {
    let before = ledger.list(&Filter::default(), 100).await.unwrap();
    let dead = death(garbage(), "parser", 0, 99);
    deliver(ledger, [dead.clone(), dead.clone()]).await;
    let letters = ledger.list(&Filter::default(), 100).await.unwrap();
    assert_eq!(letters.len(), before.len() + 1);
    let letter = letters.iter().find(|letter| !before.contains(letter)).unwrap();
    assert_eq!((letter.kind.as_deref(), letter.url.as_deref(), letter.job), (None, None, None));
    assert_eq!(ledger.record(letter.id).await.unwrap(), Some(garbage()));

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
    ledger.change(ids[1], 0, &REPLAYED).await.unwrap();

    let list = async |state, code: Option<&str>, limit| -> Vec<_> {
        let filter = Filter { job: Some(job), state, code: code.map(Into::into) };
        ledger.list(&filter, limit).await.unwrap().iter().map(|letter| letter.id).collect()
    };
    assert_eq!(list(None, None, 10).await, [ids[2], ids[1], ids[0]], "last death first");
    assert_eq!(list(Some(State::Open), None, 10).await, [ids[2], ids[0]]);
    assert_eq!(list(None, Some("timeout"), 1).await, [ids[2]]);
    assert!(list(None, Some("panic"), 10).await.is_empty());
    assert_eq!(ledger.counts(Some(job)).await.unwrap(), BTreeMap::from([("open", 2), ("replayed", 1)]));
    let open = ledger.open_ids().await.unwrap();
    assert!(open.contains(&ids[0]) && !open.contains(&ids[1]));

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
    assert!(!ledger.change(id, 0, &REPLAYED).await.unwrap(), "it has died since");
    let discarded = Change { state: State::Discarded, by: "me", remark: Some("spam") };
    assert!(ledger.change(id, 1, &discarded).await.unwrap());
    let letter = ledger.summary(id).await.unwrap().unwrap();
    assert_eq!(
        (letter.state, letter.changed_by.as_str(), letter.remark.as_deref()),
        (State::Discarded, "me", Some("spam"))
    );
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
