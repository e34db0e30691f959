//! Both ways of opening a database, on real ones.

use super::*;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::borrow::Cow;

fn migrations() -> Migrator {
    let sql = sqlx::SqlStr::from_static("CREATE TABLE things (id INTEGER PRIMARY KEY)");
    let migration = Migration::new(1, Cow::Borrowed("things"), MigrationType::Simple, sql, false);
    Migrator::with_migrations(vec![migration])
}

#[tokio::test]
async fn a_sqlite_file_is_made_only_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/things.db");
    let error = open_sqlite(&path, Missing::Fail, &migrations()).await.unwrap_err();
    assert!(matches!(error, SqlError::Missing(_)), "{error}");

    let file = open_sqlite(&path, Missing::Create, &migrations()).await.unwrap();
    let mut tx = file.begin().await.unwrap();
    sqlx::query("INSERT INTO things VALUES (1)").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(
        sqlx::query("INSERT INTO things VALUES (2)").execute(&file.reader).await.is_err(),
        "readers can't write"
    );
    file.close().await;

    let file = open_sqlite(&path, Missing::Fail, &migrations()).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM things").fetch_one(&file.reader).await.unwrap();
    assert_eq!(count, 1);
    let clash = sqlx::query("INSERT INTO things VALUES (1)").execute(&file.writer).await.unwrap_err();
    assert!(SqlError::from(clash).refuses_content());
    let typo = sqlx::query("INSERT INTO thinks VALUES (1)").execute(&file.writer).await.unwrap_err();
    assert!(!SqlError::from(typo).refuses_content());
}

#[tokio::test]
async fn a_full_disk_ends_one_transaction_and_not_all_that_follow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    let tuning = Tuning { cache_kib: 3000, ..Tuning::default() };
    let file = open_sqlite_tuned(&path, Missing::Create, tuning, &migrations()).await.unwrap();
    sqlx::query("CREATE TABLE large (content BLOB)").execute(&file.writer).await.unwrap();
    // No more pages than there are: to SQLite that is what a full disk is.
    sqlx::query("PRAGMA max_page_count = 1").execute(&file.writer).await.unwrap();
    let mut tx = file.begin().await.unwrap();
    sqlx::query("INSERT INTO things VALUES (1)").execute(&mut *tx).await.unwrap();
    let full =
        sqlx::query("INSERT INTO large VALUES (zeroblob(100000))").execute(&mut *tx).await.unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    drop(tx);

    sqlx::query("PRAGMA max_page_count = 1000000").execute(&file.writer).await.unwrap();
    for id in 2..=3 {
        let mut tx = file.begin().await.unwrap();
        sqlx::query("INSERT INTO things VALUES (?)").bind(id).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM things").fetch_all(&file.reader).await.unwrap();
    assert_eq!(ids, [2, 3], "what was rolled back is not there, what came after is");
    let cache: i64 = sqlx::query_scalar("PRAGMA cache_size").fetch_one(&file.writer).await.unwrap();
    assert_eq!(cache, -3000, "the connection that took over is tuned as the first one was");
    file.close().await;
}

#[tokio::test]
async fn a_connection_that_is_never_given_back_does_not_keep_the_file_from_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    let file = open_sqlite(&path, Missing::Create, &migrations()).await.unwrap();
    let mut tx = file.begin().await.unwrap();
    sqlx::query("INSERT INTO things VALUES (1)").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let kept = file.begin().await.unwrap();

    tokio::time::pause();
    file.close().await;
    tokio::time::resume();
    drop(kept);
    let file = open_sqlite(&path, Missing::Fail, &migrations()).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM things").fetch_one(&file.reader).await.unwrap();
    assert_eq!(count, 1);
    file.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "these are a person's notes, and long enough to be no header\n".repeat(100))
        .unwrap();
    let error = open_sqlite(&path, Missing::Create, &migrations()).await.unwrap_err().to_string();
    assert!(error.contains("notes.txt") && error.contains("not a database"), "{error}");
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::{super::testing::ScratchDatabase, *};

    #[tokio::test]
    async fn services_share_a_database_and_no_table() {
        let Some(database) = ScratchDatabase::create().await else { return };
        let DatabaseUrl::Postgres(url) = database.url() else {
            unreachable!("a scratch database is PostgreSQL")
        };
        // Two that start together, and one that comes later.
        let migrations = migrations();
        let (one, two) = tokio::join!(
            open_postgres(&url, "one", 2, &migrations),
            open_postgres(&url, "one", 2, &migrations)
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        let other = open_postgres(&url, "other", 2, &migrations).await.unwrap();
        for (pool, id) in [(&one, 1), (&two, 2), (&other, 1)] {
            sqlx::query("INSERT INTO things VALUES ($1)").bind(id).execute(pool).await.unwrap();
        }
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM one.things").fetch_one(&other).await.unwrap();
        assert_eq!(count, 2);

        // A server that went away is met by the pool itself.
        database.disconnect_all().await;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM things").fetch_one(&one).await.unwrap();
        assert_eq!(count, 2);
        database.remove().await;
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_server_is_said_without_the_password() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("postgres://u:secret@{closed}/trawl");
        let error = open_postgres(&url, "one", 2, &migrations()).await.unwrap_err().to_string();
        assert!(error.contains(&format!("postgres://u:***@{closed}/trawl")), "{error}");
        assert!(error.contains("is the server running"), "{error}");
    }
}
