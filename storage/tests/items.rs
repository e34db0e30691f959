//! Items, names of jobs and questions: one suite, both databases.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use support::{delivered_as, ended, job, page, take};
use trawl_shared::{
    model::{JobId, MessageId, Outcome, TaskEnded},
    runtime::BatchHandler,
    sql::Missing,
};
use trawl_storage::{
    StoreHandler,
    duplicates::{alike, fingerprints},
    keep_items,
    row::Item,
    store::{self, PageStore, Question},
};

async fn conformance(store: &Arc<dyn PageStore>) {
    items_are_those_of_the_newest_result(store).await;
    items_of_other_rules_stand_beside(store).await;
    a_seed_names_its_job(store).await;
    questions_are_answered(store).await;
    pages_alike_are_listed(store).await;
}

async fn pages_alike_are_listed(store: &Arc<dyn PageStore>) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let saying = |path: &str, text: &str, simhash: &str| {
        let mut ended = page(job, &format!("http://a.example/{path}"));
        let facts = ended.page.as_mut().unwrap();
        (facts.content_hash, facts.simhash) = (Some(text.to_owned()), Some(simhash.to_owned()));
        ended
    };
    let pages = [
        saying("1", "x", "00000000000000ff"),
        saying("2", "y", "ff000000000000ff"),
        page(job, "http://a.example/none"),
        saying("print/1", "x", "00000000000000ff"),
        saying("3", "z", "00000000000000fe"),
    ];
    take(&handler, &pages).await;
    let known = fingerprints(&**store, Some(job)).await.unwrap();
    assert_eq!(known.len(), 4);
    let urls = |bits| -> Vec<Vec<String>> {
        let groups = alike(known.clone(), bits).into_iter();
        groups.map(|group| group.pages.into_iter().map(|page| page.url).collect()).collect()
    };
    assert_eq!(urls(0), [["http://a.example/1", "http://a.example/print/1"]]);
    assert_eq!(urls(3), [["http://a.example/1", "http://a.example/print/1", "http://a.example/3"]]);
}

fn with_items(job: JobId, url: &str, rules: &str, items: &[Value]) -> TaskEnded {
    let mut ended = page(job, url);
    let facts = ended.page.as_mut().unwrap();
    facts.rules = Some(rules.to_owned());
    facts.items = items.to_vec();
    ended
}

fn of(job: JobId) -> Question {
    Question { job: Some(job), ..Question::default() }
}

async fn items(store: &Arc<dyn PageStore>, question: &Question, rules: Option<&str>) -> Vec<(String, Value)> {
    let items: Vec<Item> = store.items(question, rules).try_collect().await.unwrap();
    items.into_iter().map(|item| (item.kind, serde_json::from_str(&item.data).unwrap())).collect()
}

async fn items_are_those_of_the_newest_result(store: &Arc<dyn PageStore>) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let book = json!({"type": "book", "price": 1.5, "tags": ["a", "b"]});
    let first = with_items(job, "http://a.example/shop", "r1", &[book.clone(), json!({"title": "no type"})]);
    take(&handler, &[first.clone(), page(job, "http://a.example/none")]).await;
    take(&handler, &[first]).await;
    let expected = [("book".to_owned(), book), (String::new(), json!({"title": "no type"}))];
    assert_eq!(items(store, &of(job), None).await, expected);
    // A later result of the same task has fewer.
    let mut later = with_items(job, "http://a.example/shop", "r1", &[json!({"type": "note"})]);
    later.fetched_at = Some("2026-11-22T00:00:00Z".parse().unwrap());
    let answers = handler.handle(vec![delivered_as(&later, MessageId::root())]).await.unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(items(store, &of(job), None).await, [("note".to_owned(), json!({"type": "note"}))]);
}

async fn items_of_other_rules_stand_beside(store: &Arc<dyn PageStore>) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let old = with_items(job, "http://a.example/", "old", &[json!({"type": "a"})]);
    take(&handler, std::slice::from_ref(&old)).await;
    let item = |position, kind: &str| Item {
        job,
        task: old.origin.task,
        rules: "new".into(),
        position,
        kind: kind.into(),
        url: "http://a.example/".into(),
        fetched_at: None,
        data: json!({"type": kind}).to_string(),
    };
    keep_items(&**store, job, "new", &[old.origin.task], &[item(0, "b"), item(1, "c")]).await.unwrap();
    keep_items(&**store, job, "new", &[old.origin.task], &[item(0, "d")]).await.unwrap();
    assert_eq!(items(store, &of(job), None).await, [("d".to_owned(), json!({"type": "d"}))]);
    assert_eq!(items(store, &of(job), Some("old")).await, [("a".to_owned(), json!({"type": "a"}))]);
}

async fn a_seed_names_its_job(store: &Arc<dyn PageStore>) {
    let (handler, older, newer) = (StoreHandler::new(Arc::clone(store)), job(), job());
    for job in [older, newer] {
        let mut seed = ended(job, "http://a.example/", Outcome::Redirected);
        seed.origin.job_name = Some("a name, \"quoted\"".into());
        take(&handler, &[seed, page(job, "http://a.example/page")]).await;
    }
    assert_eq!(store.job_named("a name, \"quoted\"").await.unwrap(), Some(newer));
    assert_eq!(store.job_named(&older.to_string()).await.unwrap(), Some(older));
    assert_eq!(store.job_named("another").await.unwrap(), None);
}

async fn questions_are_answered(store: &Arc<dyn PageStore>) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let at = |url: &str, time: &str| {
        let mut page = with_items(job, url, "r", &[json!({"type": "x", "of": url})]);
        page.fetched_at = Some(time.parse().unwrap());
        page
    };
    let pages = [
        at("http://a.example/1", "2026-11-20T00:00:00Z"),
        at("http://a.example:8080/2", "2026-11-21T00:00:00Z"),
        at("http://a.example/3?http://b.example/", "2026-11-22T00:00:00Z"),
        at("http://b.example/4", "2026-11-22T00:00:00Z"),
    ];
    take(&handler, &pages).await;
    store.index().await.unwrap();
    store.index().await.unwrap();
    let since = Some(1_795_219_200_000);
    for (host, since, expected) in [
        (Some("a.example"), None, vec![0, 2]),
        (Some("a.example:8080"), None, vec![1]),
        (None, since, vec![1, 2, 3]),
        (Some("a.example"), since, vec![2]),
        (Some("c.example"), None, vec![]),
    ] {
        let question = Question { job: Some(job), host: host.map(str::to_owned), since };
        let expected: Vec<&str> =
            expected.into_iter().map(|at: usize| pages[at].origin.url.as_str()).collect();
        let found: Vec<_> = store.pages(&question).try_collect().await.unwrap();
        assert_eq!(found.iter().map(|page| page.url.as_str()).collect::<Vec<_>>(), expected, "{question:?}");
        assert!(found.iter().all(|page| host.is_none_or(|host| page.host() == host)));
        let found = items(store, &question, None).await;
        assert_eq!(found.iter().map(|(_, item)| item["of"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn sqlite() {
    let (_folder, store) = support::sqlite().await;
    conformance(&store).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres() {
    let Some(database) = trawl_shared::sql::testing::ScratchDatabase::create().await else { return };
    let store = store::open(&database.url(), Missing::Create).await.unwrap();
    conformance(&store).await;
    store.close().await;
    database.remove().await;
}
