//! `trawl reparse`: new rules over archived pages. No site is asked; what the rules make of the pages is kept
//! under the hash of the rules, beside what other rules made.

use crate::database::database;
use anyhow::anyhow;
use std::{
    io::{self, Write as _},
    path::PathBuf,
};
use trawl_parser::{ParseHandler, rules::Rules};
use trawl_shared::{
    cli::{CliError, Exit, OrExit},
    content::charset::of_response,
    model::{CanonicalUrl, ExtractSettings, JobId, Origin, RobotsPolicy, RulesText, ScrapedPage, TaskId},
    sql::Missing,
};
use trawl_storage::{
    ArchivedPage,
    archived::{CopyError, Selection},
    cli::ExportArgs,
    keep_items,
    row::Item,
    sink::Target,
    store::{PageStore, Question},
    visit_pages,
};

/// Apply extraction rules to archived pages: no request to any site. The items are kept under the hash of the
/// rules, beside those of other rules.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReparseArgs {
    /// The job, by name or id, whose items they are; the one that was stored last without it
    #[arg(long, value_name = "NAME|ID")]
    job: Option<String>,
    /// File of extraction rules
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Read these WARC files, not the job's own archives (the word `warc` may stand before them)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    from: Vec<PathBuf>,
    /// Write the items to a .jsonl, .csv or .parquet file; - is JSONL on standard output; repeatable
    #[arg(long, short, value_name = "FILE|URL")]
    out: Vec<Target>,
    /// Data folder of an embedded crawl
    #[arg(long, value_name = "DIR", default_value = "trawl-data", conflicts_with = "database_url")]
    data: PathBuf,
    /// Database of a fleet: postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", env = "TRAWL_DATABASE_URL")]
    database_url: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  trawl crawl https://example.org/ --out site.warc.gz
  trawl reparse --rules shop.toml --out items.parquet
  trawl reparse --rules shop.toml --from warc old-1.warc.gz old-2.warc.gz --out -

Exit codes: 0 done, 2 usage, 3 the rules have errors, 6 database, 7 output could not be written, 8 no such job or
archive.";

/// Pages whose items are kept in one transaction.
const PAGES_AT_ONCE: usize = 128;

/// Runs the rules over the pages.
///
/// # Errors
/// When the rules have errors, or a file or the store can't be read or written.
pub async fn run(args: ReparseArgs) -> Result<(), CliError> {
    let text = RulesText::read(&args.rules).or_exit(Exit::Config)?;
    let rules = Rules::compile(text.as_str()).or_exit(Exit::Config)?;
    for target in &args.out {
        target.format().or_exit(Exit::Usage)?;
        target.check().or_exit(Exit::Config)?;
    }
    let url = database(args.database_url.as_deref(), &args.data)?;
    let store = trawl_storage::store::open(&url, Missing::Fail).await?;
    let done = reparse(&args, &*store, text, rules.hash()).await;
    store.close().await;
    done
}

async fn reparse(
    args: &ReparseArgs,
    store: &dyn PageStore,
    text: RulesText,
    hash: &str,
) -> Result<(), CliError> {
    let job = job(args, store).await?;
    let foreign = !args.from.is_empty();
    let files = if foreign {
        args.from.iter().filter(|path| path.as_os_str() != "warc").cloned().collect()
    } else {
        Selection::new(store, &Question { job: Some(job), ..Question::default() }).await?.files
    };
    let extract = ExtractSettings { rules: Some(text), ..ExtractSettings::default() };
    let (sender, mut results) = tokio::sync::mpsc::channel(PAGES_AT_ONCE);
    let reading = tokio::task::spawn_blocking(move || {
        let parser = ParseHandler::default();
        visit_pages(&files, |page| {
            let wanted = foreign || page.job == Some(job);
            match wanted.then(|| scraped(page, job, &extract)).flatten() {
                Some(scraped) => sender.blocking_send(items(&parser, scraped)).map_err(|_| Stopped::Store),
                None => Ok(()),
            }
        })
    });
    let (mut pages, mut found) = (0, 0);
    let mut batch = Vec::with_capacity(PAGES_AT_ONCE);
    while results.recv_many(&mut batch, PAGES_AT_ONCE).await > 0 {
        let tasks: Vec<TaskId> = batch.iter().map(|(task, _)| *task).collect();
        let items: Vec<Item> = batch.drain(..).flat_map(|(_, items)| items).collect();
        keep_items(store, job, hash, &tasks, &items).await?;
        pages += tasks.len();
        found += items.len();
    }
    drop(results);
    reading.await.or_exit(Exit::Failed)?.or_exit(Exit::NotFound)?;
    writeln!(io::stderr(), "{pages} pages, {found} items by the rules {hash}").or_exit(Exit::Output)?;
    export(args, store, job, hash).await
}

/// Why reading archives ended early.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Archive(#[from] CopyError),
    #[error("the items could not be kept")]
    Store,
}

async fn job(args: &ReparseArgs, store: &dyn PageStore) -> Result<JobId, CliError> {
    if let Some(name) = &args.job {
        let missing = || CliError::new(Exit::NotFound, anyhow!("no page of a job called {name:?} is stored"));
        return store.job_named(name).await?.ok_or_else(missing);
    }
    // Ids of jobs hold the time they were made at.
    let jobs = store.counts(None).await?.into_iter().map(|count| count.job).max();
    jobs.ok_or_else(|| CliError::new(Exit::NotFound, anyhow!("no page of any job is stored here")))
}

/// An archived page as the parser takes it; none for what is no page that a crawl would parse.
fn scraped(page: ArchivedPage, job: JobId, extract: &ExtractSettings) -> Option<ScrapedPage> {
    if !(200..300).contains(&page.status) {
        return None;
    }
    let url = CanonicalUrl::parse(&page.url).ok()?;
    let task = page.task.unwrap_or_else(|| TaskId::derive(job, &url, 0));
    let content_type =
        page.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let charset = of_response(content_type, &page.body);
    Some(ScrapedPage {
        origin: Origin { job, task, url, depth: 0, found_on: None, round: 0, redirects: 0, job_name: None },
        status: page.status,
        fetched_at: page.date.parse().unwrap_or_default(),
        took_ms: 0,
        request_headers: Vec::new(),
        headers: page.headers,
        mime: None,
        charset: charset.map(|(encoding, _)| encoding.name().to_owned()),
        charset_source: charset.map(|(_, source)| source.as_str().to_owned()),
        address: None,
        truncated: false,
        crawl_delay_ms: None,
        sitemaps: Vec::new(),
        robots: RobotsPolicy::Obey,
        robot_name: None,
        extract: extract.clone(),
        kept_body: None,
        body: page.body,
    })
}

/// The items of a page, as the store keeps them.
fn items(parser: &ParseHandler, scraped: ScrapedPage) -> (TaskId, Vec<Item>) {
    let fetched_at = scraped.fetched_at.as_millisecond();
    let ended = parser.end(scraped);
    let (origin, page) = (ended.origin, ended.page.unwrap_or_default());
    let rules = page.rules.clone().unwrap_or_default();
    let item = |(position, data): (u32, serde_json::Value)| Item {
        job: origin.job,
        task: origin.task,
        rules: rules.clone(),
        position,
        kind: data["type"].as_str().unwrap_or_default().to_owned(),
        url: origin.url.as_str().to_owned(),
        fetched_at: Some(fetched_at),
        data: data.to_string(),
    };
    let items = if page.rules.is_some() { (0..).zip(page.items).map(item).collect() } else { Vec::new() };
    (origin.task, items)
}

async fn export(args: &ReparseArgs, store: &dyn PageStore, job: JobId, hash: &str) -> Result<(), CliError> {
    for out in &args.out {
        let export = ExportArgs {
            format: None,
            pages: false,
            links: false,
            items: true,
            job: Some(job.to_string()),
            host: None,
            since: None,
            rules: Some(hash.to_owned()),
            columns: Vec::new(),
            out: out.clone(),
        };
        export.run(store, &mut io::stdout(), |_| {}).await?;
    }
    Ok(())
}
