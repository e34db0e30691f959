//! One suite, both databases.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use futures_util::TryStreamExt as _;
use std::sync::Arc;
use support::{delivered_as, ended, handle, job, page, pages, take};
use trawl_shared::{
    model::{JobId, MessageId, Outcome, TaskEnded, TaskId},
    runtime::{BatchHandler, Failure},
    sql::Missing,
};
use trawl_storage::{
    StoreHandler,
    store::{self, Count, PageStore, Question},
};

/// A store, and how to look into its tables beside it.
struct Subject {
    store: Arc<dyn PageStore>,
    peek: Peek,
}

/// A database by its own client.
enum Peek {
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

impl Peek {
    /// The one text column of a query.
    async fn texts(&self, sql: &'static str) -> Vec<String> {
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }
}

fn of(job: JobId) -> Question {
    Question { job: Some(job), ..Question::default() }
}

/// Everything that must hold of a store.
async fn conformance(subject: &Subject) {
    each_page_is_stored_once(subject).await;
    only_answers_get_a_row(subject).await;
    the_newest_result_of_a_task_wins(subject).await;
    a_refused_page_fails_alone(subject).await;
    characters_that_a_database_refuses_are_replaced(subject).await;
    links_are_rows_of_a_view(subject).await;
    batches_of_any_size_fit(subject).await;
    the_latest_round_is_the_page_of_a_url(subject).await;
    batches_side_by_side(subject).await;
}

async fn each_page_is_stored_once(Subject { store, peek }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let batch = pages(job, 3);
    let again = [batch[2].clone(), batch[0].clone(), page(job, "http://a.example/new"), batch[0].clone()];
    take(&handler, &batch).await;
    take(&handler, &again).await;

    let stored: Vec<_> = store.pages(&of(job)).try_collect().await.unwrap();
    let urls: Vec<_> = stored.iter().map(|page| page.url.as_str()).collect();
    let expected = ["page/0", "page/1", "page/2", "new"].map(|path| format!("http://a.example/{path}"));
    assert_eq!(urls, expected, "in the order of storing");
    assert_eq!(store.counts(Some(job)).await.unwrap(), [Count { job, outcome: Outcome::Stored, pages: 4 }]);
    assert_eq!(store.pages_stored(job).await.unwrap(), 4);
    assert_eq!(store.pages_stored(support::job()).await.unwrap(), 0);

    let mut tasks: Vec<TaskId> = again.iter().chain(&batch).map(|ended| ended.origin.task).collect();
    tasks.sort();
    tasks.dedup();
    let listed: Vec<_> = store.stored_tasks(job).try_collect().await.unwrap();
    assert_eq!(listed, tasks, "in the order of ids");

    let first = store.page_of(job, &batch[0].origin.url).await.unwrap().unwrap();
    assert_eq!(first, stored[0]);
    assert_eq!(Some(&first), store.page(job, first.task).await.unwrap().as_ref());
    assert_eq!(first.fetched_at, Some(1_795_222_923_456));
    assert_eq!(first.title.as_deref(), Some("Title, \"quoted\"\nand é"));
    assert!(store.page_of(support::job(), &batch[0].origin.url).await.unwrap().is_none());

    assert_eq!(peek.texts("SELECT cast(count(*) AS text) FROM message_ids").await, ["4"]);
}

async fn only_answers_get_a_row(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let moved = TaskEnded {
        redirect_to: Some("http://a.example/there".into()),
        status: Some(301),
        ..ended(job, "http://a.example/here", Outcome::Redirected)
    };
    let batch = [
        ended(job, "http://a.example/robots", Outcome::Excluded),
        moved,
        ended(job, "http://a.example/gone", Outcome::Gone),
        ended(job, "http://a.example/same", Outcome::Unchanged),
    ];
    take(&handler, &batch).await;
    let stored: Vec<_> = store.pages(&of(job)).try_collect().await.unwrap();
    let ends: Vec<_> = stored.iter().map(|page| (page.final_url.as_str(), page.outcome)).collect();
    assert_eq!(
        ends,
        [
            ("http://a.example/there", Outcome::Redirected),
            ("http://a.example/gone", Outcome::Gone),
            ("http://a.example/same", Outcome::Unchanged),
        ]
    );
    let mut outcomes: Vec<_> =
        store.counts(Some(job)).await.unwrap().iter().map(|count| count.outcome).collect();
    outcomes.sort();
    assert_eq!(outcomes, [Outcome::Unchanged, Outcome::Redirected, Outcome::Gone]);
}

async fn the_newest_result_of_a_task_wins(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let url = "http://a.example/twice";
    let at = |time: &str, outcome| TaskEnded {
        fetched_at: Some(time.parse().unwrap()),
        outcome,
        ..page(job, url)
    };
    let deliver = async |ended: TaskEnded| {
        let answers = handler.handle(vec![delivered_as(&ended, MessageId::root())]).await.unwrap();
        assert!(answers[0].is_ok());
    };
    deliver(at("2026-11-21T12:00:00Z", Outcome::Gone)).await;
    deliver(at("2026-11-21T13:00:00Z", Outcome::Stored)).await;
    deliver(at("2026-11-21T12:30:00Z", Outcome::Unchanged)).await;
    // The same task twice in one batch.
    let batch = [at("2026-11-21T14:00:00Z", Outcome::Stored), at("2026-11-21T15:00:00Z", Outcome::Stored)];
    handler.handle(batch.iter().map(|ended| delivered_as(ended, MessageId::root())).collect()).await.unwrap();

    let stored: Vec<_> = store.pages(&of(job)).try_collect().await.unwrap();
    let times: Vec<_> = stored.iter().map(|page| page.fetched_at.unwrap()).collect();
    assert_eq!(times, [1_795_273_200_000], "one row, of 15:00");
    assert_eq!(store.counts(Some(job)).await.unwrap(), [Count { job, outcome: Outcome::Stored, pages: 1 }]);
}

async fn a_refused_page_fails_alone(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let mut batch = pages(job, 9);
    batch[4].status = Some(9999);
    batch[8].status = Some(7);
    let answers = handle(&handler, &batch).await.unwrap();
    for (at, answer) in answers.iter().enumerate() {
        match answer {
            Ok(()) => assert!(![4, 8].contains(&at)),
            Err(Failure::Reject(fault)) => {
                assert!([4, 8].contains(&at));
                assert_eq!(fault.code, "store_refused");
                assert!(fault.text().contains("status"), "{}", fault.text());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(store.pages_stored(job).await.unwrap(), 7);
}

async fn characters_that_a_database_refuses_are_replaced(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let mut odd = page(job, "http://a.example/nul");
    let facts = odd.page.as_mut().unwrap();
    facts.title = Some("a\0b \\u0000".into());
    facts.links[0].text = "\0".into();
    take(&handler, &[odd]).await;
    let stored: Vec<_> = store.pages(&of(job)).try_collect().await.unwrap();
    assert_eq!(stored[0].title.as_deref(), Some("a\u{fffd}b \\u0000"));
    assert!(stored[0].links.as_deref().unwrap().contains('\u{fffd}'));
}

async fn links_are_rows_of_a_view(Subject { store, peek }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    take(
        &handler,
        &[page(job, "http://a.example/linking"), ended(job, "http://a.example/none", Outcome::Gone)],
    )
    .await;
    let sql = "SELECT cast(position AS text) || ' ' || url || ' ' || text || ' ' || coalesce(rel, '-') || ' ' || kind \
               FROM links WHERE page = 'http://a.example/linking' ORDER BY position";
    let expected = ["0 http://a.example/1 a \"text\" - a", "1 http://b.example/2#x a \"text\" nofollow a"];
    assert_eq!(peek.texts(sql).await, expected);
}

async fn batches_of_any_size_fit(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let mut batch = pages(job, 300);
    for long in [7, 8] {
        batch[long].page.as_mut().unwrap().text = Some("x".repeat(3_000_000));
    }
    take(&handler, &batch).await;
    take(&handler, &batch).await;
    assert_eq!(store.pages_stored(job).await.unwrap(), 300);
}

async fn the_latest_round_is_the_page_of_a_url(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    for round in [0, 2, 1] {
        let mut again = page(job, "http://a.example/again");
        again.origin.round = round;
        again.origin.task = TaskId::derive(job, &again.origin.url, round);
        take(&handler, &[again]).await;
    }
    let url = page(job, "http://a.example/again").origin.url;
    assert_eq!(store.page_of(job, &url).await.unwrap().unwrap().round, 2);
    assert_eq!(store.pages_stored(job).await.unwrap(), 3, "each round has its row");
}

async fn batches_side_by_side(Subject { store, .. }: &Subject) {
    let (handler, job) = (StoreHandler::new(Arc::clone(store)), job());
    let all = pages(job, 40);
    let overlapping: Vec<&[TaskEnded]> = vec![&all[..20], &all[10..30], &all[20..], &all[..]];
    let mut waiting = overlapping.clone();
    // A database may end one of two transactions that wait for each other: that batch comes again.
    while !waiting.is_empty() {
        let answers =
            futures_util::future::join_all(waiting.iter().map(|batch| handle(&handler, batch))).await;
        waiting = waiting
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| answer.is_err())
            .map(|(batch, _)| batch)
            .collect();
    }
    assert_eq!(store.pages_stored(job).await.unwrap(), 40);
    let stored: Vec<_> = store.pages(&of(job)).try_collect().await.unwrap();
    assert_eq!(stored.len(), 40);
}

/// Not a message's fault, so it costs none an attempt.
async fn a_store_that_is_gone_holds_the_messages(store: Arc<dyn PageStore>) {
    store.close().await;
    let answer = handle(&StoreHandler::new(store), &pages(job(), 2)).await;
    assert!(matches!(answer, Err(Failure::Later { .. })), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let (folder, store) = support::sqlite().await;
    let url = format!("sqlite://{}", folder.path().join(store::FILE).display());
    let peek = Peek::Sqlite(sqlx::SqlitePool::connect(&url).await.unwrap());
    conformance(&Subject { store: Arc::clone(&store), peek }).await;
    a_store_that_is_gone_holds_the_messages(store).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(database) = trawl_shared::sql::testing::ScratchDatabase::create().await else { return };
    let store = store::open(&database.url(), Missing::Create).await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = database.url().expose().parse().unwrap();
    let pool = sqlx::PgPool::connect_with(options.options([("search_path", store::SCHEMA)])).await.unwrap();
    conformance(&Subject { store: Arc::clone(&store), peek: Peek::Postgres(pool) }).await;
    database.disconnect_all().await;
    take(&StoreHandler::new(Arc::clone(&store)), &pages(job(), 2)).await;
    database.remove().await;
    a_store_that_is_gone_holds_the_messages(store).await;
}
