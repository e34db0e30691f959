//! Which job a crawl works on: a new one with these seeds, or the one that was interrupted.

use super::CrawlArgs;
use crate::embedded::Stores;
use anyhow::{Context as _, anyhow};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::HashSet;
use trawl_parser::rules::Rules;
use trawl_shared::{
    cli::{CliError, Exit, OrExit},
    model::{CanonicalUrl, JobId},
};
use trawl_storage::sink::{OutputMode, Target};

/// URLs in flight for each fetch slot: enough that a slot never waits for dispatch.
const IN_FLIGHT_PER_SLOT: u32 = 4;

pub(super) struct Plan {
    pub(super) job: JobId,
    pub(super) name: String,
    pub(super) max_pages: Option<u64>,
    pub(super) resumed: bool,
    /// Whether the job has rules, which make items of its pages.
    pub(super) makes_items: bool,
    /// The seeds of a new crawl.
    pub(super) seeds: Vec<CanonicalUrl>,
    /// Seeds that were refused, and why; they were named already.
    pub(super) bad_seeds: usize,
}

impl Plan {
    pub(super) async fn make(args: &CrawlArgs, stores: &Stores) -> Result<Self, CliError> {
        if args.resume { Self::resume(args, stores).await } else { Self::begin(args, stores).await }
    }

    /// Rows of a resumed crawl go on where its file ends; a new crawl starts the file anew.
    pub(super) fn output_mode(&self) -> OutputMode {
        if self.resumed { OutputMode::Resume } else { OutputMode::Fresh }
    }

    async fn begin(args: &CrawlArgs, stores: &Stores) -> Result<Self, CliError> {
        let mut seeds = Vec::with_capacity(args.seeds.len());
        for text in &args.seeds {
            match CanonicalUrl::parse(text) {
                Ok(url) => seeds.push(url),
                Err(error) => eprintln!("error: seed {text:?} is left out: {error}"),
            }
        }
        let bad_seeds = args.seeds.len() - seeds.len();
        let Some(first) = seeds.first() else {
            return Err(CliError::new(Exit::BadInput, anyhow!("no seed can be crawled")));
        };
        let now = Timestamp::now().to_zoned(TimeZone::system());
        let name = format!("{}-{}", first.host_key(), now.strftime("%Y%m%d-%H%M%S%.3f"));
        let spec = args.job.spec(name, seeds.iter().filter_map(|seed| seed.as_url().host_str()))?;
        if let Some(rules) = &spec.extract.rules {
            Rules::compile(rules.as_str()).context("the rules have errors").or_exit(Exit::Config)?;
        }
        let seeded = stores.frontier.seed(&spec, &seeds).await.or_exit(Exit::Database)?;
        Ok(Self {
            job: seeded.job,
            name: spec.name,
            max_pages: spec.max_pages,
            resumed: false,
            makes_items: spec.extract.rules.is_some(),
            seeds,
            bad_seeds,
        })
    }

    /// The bus lost everything with its process, so the databases are brought in line first: leases
    /// are given back, and a URL that has ended but left neither row nor letter is fetched again; so
    /// is one whose page an archive lacks.
    async fn resume(args: &CrawlArgs, stores: &Stores) -> Result<Self, CliError> {
        let jobs = stores.frontier.statuses().await.or_exit(Exit::Database)?;
        let last = jobs.last().cloned();
        let unfinished = jobs.into_iter().rfind(|job| !job.done);
        // A crawl that was killed while it completed its files is done but for them.
        let Some(job) = unfinished.or_else(|| last.filter(|_| args.out.iter().any(Target::is_growing)))
        else {
            let shown = args.data.display();
            return Err(CliError::new(
                Exit::NotFound,
                anyhow!(
                    "there is no unfinished crawl in {shown}: start one with a URL, or name its folder with --data"
                ),
            ));
        };
        stores.frontier.release_all_leases().await.or_exit(Exit::Database)?;
        let letters = stores.ledger.dead_tasks(job.id).await?;
        let mut unarchived = HashSet::new();
        for target in &args.out {
            let missing = trawl_storage::unarchived(&*stores.pages, job.id, target);
            unarchived.extend(missing.await.or_exit(Exit::Database)?);
        }
        let kept = stores.pages.stored_tasks(job.id).chain(stream::iter(letters.into_iter().map(Ok)));
        let kept = kept.try_filter(|task| std::future::ready(!unarchived.contains(task)));
        stores.frontier.reconcile(job.id, kept).await.or_exit(Exit::Database)?;
        Ok(Self {
            job: job.id,
            name: job.job,
            max_pages: job.spec.max_pages,
            resumed: true,
            makes_items: job.spec.extract.rules.is_some(),
            seeds: Vec::new(),
            bad_seeds: 0,
        })
    }
}

pub(super) fn frontier_settings(args: &CrawlArgs) -> trawl_url_manager::Settings {
    let max_in_flight = (u32::from(args.concurrency) * IN_FLIGHT_PER_SLOT).max(64);
    trawl_url_manager::Settings { max_in_flight, ..trawl_url_manager::Settings::default() }
}
