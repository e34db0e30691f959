//! What storing a batch costs beside the least that its database can do: a bare COPY into PostgreSQL, a bare
//! transaction of one prepared statement in SQLite, of the same rows into the same table, in the same run.
//!
//! The store does more than the floor: it records the message of each row, tells new rows from known ones,
//! counts them, and commits every batch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use trawl_shared::model::{CanonicalUrl, JobId, MessageId, Outcome, TaskId};
use trawl_shared::sql::{DatabaseUrl, Missing};
use trawl_storage::sink::Outputs;
use trawl_storage::store::{self, PageStore};
use trawl_storage::{Entry, Page, Settings, write};

/// Measures how many rows a second the store takes, and how many its database would.
#[derive(Debug, clap::Args)]
pub struct Storing {
    /// Rows of each measurement.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Measurements of each; the table has the median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,
    /// An empty PostgreSQL database to measure as well: postgres://USER@HOST/NAME.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// Links of a page, as many as pages of documentation have.
const LINKS: usize = 90;

/// Runs the measurements and prints a table.
pub fn run(storing: &Storing) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        println!("{} rows of about {} KB, {} runs", storing.rows, kilobytes(), storing.runs);
        println!("database    floor rows/s  store rows/s  store / floor");
        measure("sqlite", storing, None).await?;
        match &storing.database {
            Some(url) => measure("postgres", storing, Some(url)).await,
            None => Ok(()),
        }
    })
}

async fn measure(name: &str, storing: &Storing, server: Option<&String>) -> anyhow::Result<()> {
    let (mut floors, mut stores) = (Vec::new(), Vec::new());
    for _ in 0..storing.runs {
        // A job of its own for each: nothing is known yet, and the table grows alike for both.
        let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
        let place = match server {
            Some(url) => url.parse::<DatabaseUrl>()?,
            None => DatabaseUrl::sqlite(folder.path().join("store")),
        };
        let bare = match server {
            Some(_) => place.clone(),
            None => DatabaseUrl::sqlite(folder.path().join("floor")),
        };
        let store = store::open(&place, Missing::Create).await?;
        store::open(&bare, Missing::Create).await?.close().await;
        let pages = pages(storing.rows);
        floors.push(match &bare {
            DatabaseUrl::Postgres(url) => copy(url, &pages).await?,
            DatabaseUrl::Sqlite(folder) => insert(&folder.join(store::FILE), &pages).await?,
        });
        stores.push(through_the_store(&store, pages_as_entries(storing.rows)).await?);
        store.close().await;
    }
    let rate = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        f64::from(storing.rows) / times[times.len() / 2].as_secs_f64()
    };
    let (floor, ours) = (rate(&mut floors), rate(&mut stores));
    println!("{name:<10} {floor:>13.0} {ours:>13.0} {:>13.2}", ours / floor);
    Ok(())
}

/// As the service does: batch after batch, each its own transaction.
async fn through_the_store(store: &Arc<dyn PageStore>, entries: Vec<Entry>) -> anyhow::Result<Duration> {
    let mut outputs = Outputs::default();
    let began = Instant::now();
    for batch in entries.chunks(Settings::default().batch_size) {
        write(&**store, &mut outputs, &batch.iter().collect::<Vec<_>>()).await?;
    }
    Ok(began.elapsed())
}

const COLUMNS: &str = "job, task, round, depth, url, final_url, status, outcome, code, detail, found_on, fetched_at, \
    stored_at, content_type, body_bytes, title, description, lang, canonical, meta_robots, body_hash, links";

/// One COPY of all rows, in its text format.
async fn copy(url: &str, pages: &[Page]) -> anyhow::Result<Duration> {
    let options: PgConnectOptions = url.parse()?;
    let mut connection =
        PgConnection::connect_with(&options.options([("search_path", store::SCHEMA)])).await?;
    let began = Instant::now();
    let mut copy = connection.copy_in_raw(&format!("COPY pages ({COLUMNS}) FROM STDIN")).await?;
    let mut text = String::new();
    for page in pages {
        copy_line(page, &mut text);
        if text.len() > 256 * 1024 {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await?;
    copy.finish().await?;
    let took = began.elapsed();
    connection.close().await?;
    Ok(took)
}

fn copy_line(page: &Page, text: &mut String) {
    let number = |number: Option<i64>| number.map_or_else(|| "\\N".to_owned(), |number| number.to_string());
    let escaped = |value: Option<&str>| match value {
        None => "\\N".to_owned(),
        Some(value) => {
            value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
        }
    };
    let fields = [
        page.job.to_string(),
        page.task.to_string(),
        page.round.to_string(),
        page.depth.to_string(),
        escaped(Some(&page.url)),
        escaped(Some(&page.final_url)),
        number(page.status.map(i64::from)),
        page.outcome.to_string(),
        escaped(Some(&page.code)),
        escaped(page.detail.as_deref()),
        escaped(page.found_on.as_deref()),
        number(page.fetched_at),
        number(page.fetched_at),
        escaped(page.content_type.as_deref()),
        page.body_bytes.to_string(),
        escaped(page.title.as_deref()),
        escaped(page.description.as_deref()),
        escaped(page.lang.as_deref()),
        escaped(page.canonical.as_deref()),
        escaped(page.meta_robots.as_deref()),
        escaped(page.body_hash.as_deref()),
        escaped(page.links.as_deref()),
    ];
    text.push_str(&fields.join("\t"));
    text.push('\n');
}

/// One transaction, one prepared statement, a call of it for each row.
async fn insert(path: &std::path::Path, pages: &[Page]) -> anyhow::Result<Duration> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let sql = format!("INSERT INTO pages ({COLUMNS}) VALUES ({})", vec!["?"; 22].join(", "));
    let began = Instant::now();
    let mut transaction = connection.begin().await?;
    for page in pages {
        sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(page.job.0)
            .bind(page.task.0)
            .bind(page.round)
            .bind(page.depth)
            .bind(page.url.as_str())
            .bind(page.final_url.as_str())
            .bind(page.status)
            .bind(page.outcome.as_str())
            .bind(page.code.as_str())
            .bind(page.detail.as_deref())
            .bind(page.found_on.as_deref())
            .bind(page.fetched_at)
            .bind(page.fetched_at)
            .bind(page.content_type.as_deref())
            .bind(i64::try_from(page.body_bytes)?)
            .bind(page.title.as_deref())
            .bind(page.description.as_deref())
            .bind(page.lang.as_deref())
            .bind(page.canonical.as_deref())
            .bind(page.meta_robots.as_deref())
            .bind(page.body_hash.as_deref())
            .bind(page.links.as_deref())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    let took = began.elapsed();
    connection.close().await?;
    Ok(took)
}

fn pages_as_entries(rows: u32) -> Vec<Entry> {
    pages(rows).into_iter().map(|page| Entry { message: MessageId::root(), page }).collect()
}

/// Pages of a job of their own.
fn pages(rows: u32) -> Vec<Page> {
    let job = JobId::fresh();
    (0..rows).map(|number| page(job, number)).collect()
}

fn page(job: JobId, number: u32) -> Page {
    let url = CanonicalUrl::parse(&format!("http://host{}.example/section/page-{number}.html", number % 20))
        .expect("the address is a URL");
    Page {
        job,
        task: TaskId::derive(job, &url, 0),
        round: 0,
        depth: 3,
        url: url.as_str().to_owned(),
        final_url: url.as_str().to_owned(),
        status: Some(200),
        outcome: Outcome::Stored,
        code: "ok".to_owned(),
        detail: None,
        found_on: Some("http://host0.example/section/".to_owned()),
        fetched_at: Some(1_795_273_200_000 + i64::from(number)),
        content_type: Some("text/html; charset=utf-8".to_owned()),
        body_bytes: 37_000,
        title: Some(format!("Page {number} of the section")),
        description: Some(
            "What the page is about, in a sentence of a usual length for such a thing.".to_owned(),
        ),
        lang: Some("en".to_owned()),
        canonical: Some(url.as_str().to_owned()),
        meta_robots: None,
        body_hash: Some(format!("{:032x}", u128::from(number) << 64)),
        content_hash: None,
        simhash: None,
        text: None,
        markdown: None,
        structured: None,
        links: Some(links(number).into_boxed_str()),
        rules: None,
        items: None,
        job_name: None,
    }
}

fn links(number: u32) -> String {
    let link = |at: usize| {
        let target = (number as usize * 31 + at * 7) % 20_000;
        serde_json::json!({
            "url": format!("http://host{}.example/section/page-{target}.html", target % 20),
            "raw": format!("/section/page-{target}.html"),
            "text": format!("The page number {target}"),
            "kind": "a",
        })
    };
    serde_json::Value::Array((0..LINKS).map(link).collect()).to_string()
}

fn kilobytes() -> usize {
    links(0).len() / 1000
}
