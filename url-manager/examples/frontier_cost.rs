//! What a page costs the frontier: feedback and dispatch on SQLite, in CPU microseconds.
//!
//! `cargo run --release -p trawl-url-manager --example frontier_cost [PAGES] [HOSTS] [BATCH]`: every page has
//! 100 links, of which 5 are new until the site is known. Links go mostly to the page's own folder.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use trawl_shared::{
    broker::{Confirmation, Partition, Position, Producer, SendError},
    message::{Delivery, Envelope, Input as _, Message as _, Record, Topic},
    model::{FetchTask, Link, LinkKind, Outcome, ParsedPage, TaskEnded},
    runtime::{BatchHandler as _, Context, encode_root},
    sql::{DatabaseUrl, Missing},
};
use trawl_url_manager::{
    Dispatcher, EndedTask, FeedbackHandler, Frontier, JobSpec, ScopeKind, Settings, UrlState,
};

const LINKS: usize = 100;
const NEW: usize = 5;
const FOLDER: usize = 60;

/// Takes tasks.
#[derive(Default)]
struct Taken(Mutex<VecDeque<Record>>);

#[async_trait::async_trait]
impl Producer for Taken {
    fn enqueue(&self, record: Record) -> Result<Confirmation, (SendError, Record)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(record);
        let partition = Partition { topic: Topic::ScrapingTasks, number: 0 };
        Ok(Box::pin(std::future::ready(Ok(Position { partition, offset: 0 }))))
    }
    async fn flush(&self, _: std::time::Duration) -> Result<(), SendError> {
        Ok(())
    }
}

/// The `n`-th page of a site that is found in this order.
fn url(n: usize, hosts: usize) -> String {
    let (host, n) = (n % hosts, n / hosts);
    format!("http://h{host}.localhost/library/chapter-{:03}/some-page-{n}.html", n / FOLDER)
}

fn page(task: &FetchTask, found: &mut usize, pages: usize, hosts: usize, random: &mut u64) -> TaskEnded {
    let mut next = |bound: usize| {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        usize::try_from(*random % bound.max(1) as u64).unwrap_or(0)
    };
    let mut links: Vec<usize> = (0..LINKS - NEW)
        .map(|at| {
            let span = if at % 3 == 0 { *found } else { (*found).min(FOLDER * hosts) };
            *found - 1 - next(span)
        })
        .collect();
    let new = NEW.min((pages * NEW).saturating_sub(*found));
    links.extend(*found..*found + new);
    *found += new;
    let link = |n: usize| Link {
        url: url(n, hosts),
        raw: format!("some-page-{n}.html"),
        text: format!("Some page about the subject {n}"),
        rel: None,
        kind: LinkKind::A,
        ..Link::default()
    };
    let page = ParsedPage { links: links.into_iter().map(link).collect(), ..ParsedPage::default() };
    let page = Some(Box::new(page));
    TaskEnded {
        page,
        status: Some(200),
        ..TaskEnded::without_page(task.origin.clone(), Outcome::Stored, "ok")
    }
}

/// CPU time of all threads so far. The kernel books a thread's time when it leaves the processor, so this
/// one leaves it for a moment.
fn cpu_seconds() -> f64 {
    std::thread::yield_now();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of_task).sum::<f64>() / 1e9
}

fn read(ended: &TaskEnded) -> anyhow::Result<(EndedTask, Context)> {
    let record = encode_root(ended, ended.origin.job, "/example".into())?;
    let envelope = Envelope::read(&record)?;
    let (timestamp, headers) = (envelope.time, record.headers.clone());
    let delivery = Delivery { record, partition: 0, offset: 0, high_watermark: 0, timestamp };
    let input = EndedTask::read(&delivery, &envelope)?;
    let partition = Partition { topic: Topic::ParsedData, number: 0 };
    let worker = "example".into();
    Ok((
        input,
        Context { envelope, key: None, headers, partition, offset: 0, high_watermark: 0, timestamp, worker },
    ))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let pages = arguments.next().unwrap_or(5_000);
    let hosts = arguments.next().unwrap_or(1);
    let batch = arguments.next().unwrap_or(64);
    let folder = std::env::temp_dir().join(format!("frontier-cost-{}", std::process::id()));
    let settings = Settings { queue_ahead: u32::try_from(batch)?, ..Settings::default() };
    let frontier = Frontier::open(&DatabaseUrl::sqlite(&folder), Missing::Create, settings).await?;
    let spec = JobSpec { scope: ScopeKind::Any, delay_ms: Some(0), ..JobSpec::default() };
    let job = frontier.seed(&spec, &[url(0, hosts).parse()?]).await?.job;
    let taken = Arc::new(Taken::default());
    let dispatcher = Dispatcher::new(Arc::clone(&frontier), Arc::clone(&taken) as Arc<dyn Producer>);
    let feedback = FeedbackHandler::new(Arc::clone(&frontier));

    let (mut found, mut done, mut batches, mut random) = (1, 0, 0, 88_172_645_463_325_252_u64);
    let (mut dispatch_cpu, mut decode_cpu, mut feedback_cpu) = (0.0, 0.0, 0.0);
    let began = Instant::now();
    while done < pages {
        let before = cpu_seconds();
        dispatcher.round().await?;
        dispatch_cpu += cpu_seconds() - before;
        let records: Vec<Record> = taken.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        let mut ended = Vec::new();
        for record in records {
            ended.push(page(&FetchTask::decode(record.payload)?, &mut found, pages, hosts, &mut random));
        }
        let encoded = cpu_seconds();
        let inputs = ended.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let before = cpu_seconds();
        decode_cpu += before - encoded;
        done += inputs.len();
        batches += 1;
        for answer in feedback.handle(inputs).await.map_err(|failure| anyhow::anyhow!("{failure:?}"))? {
            answer.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        }
        feedback_cpu += cpu_seconds() - before;
    }
    let status = frontier.status(job).await?;
    let each = |seconds: f64| seconds * 1e6 / done as f64;
    println!(
        "{done} pages of {LINKS} links on {hosts} hosts in {batches} batches; {} URLs, {} stored",
        status.urls(),
        status.count(UrlState::Stored)
    );
    println!(
        "CPU µs a page: feedback {:.1}, dispatch {:.1}, together {:.1}",
        each(feedback_cpu),
        each(dispatch_cpu),
        each(feedback_cpu + dispatch_cpu)
    );
    println!("(encoding and reading the record: {:.1}; wall time {:.1?})", each(decode_cpu), began.elapsed());
    frontier.close().await;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
