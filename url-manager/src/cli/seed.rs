//! `url-manager seed`: URLs from arguments, a file, standard input or a sitemap.

mod lines;

use super::{JobArgs, output};
use crate::frontier::Frontier;
use clap::Args;
use lines::SeedFile;
use std::{
    io::{self, IsTerminal as _, Write},
    path::PathBuf,
    time::{Duration, Instant},
};
use trawl_shared::{
    cli::{CliError, Exit},
    model::{CanonicalUrl, JobId},
};

/// Seeds that are read before they go in.
const CHUNK: usize = 8192;
/// How often progress is shown.
const PROGRESS: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  url-manager seed https://example.org/ --job docs --scope domain --depth 5
  url-manager seed --file urls.txt --job big --scope any --max-pages 1000000 --host-max-pages 500
  zcat urls.gz | url-manager seed --file - --job big
  url-manager seed --sitemap https://example.org/sitemap.xml --job shop --every adaptive
  url-manager seed https://example.org/ --deny '[?&]print=' --deny-extension zip,exe --max-time 12h

A sitemap is a page of depth 0 like any other seed, and its entries are links of it: they have depth 1.

Exit codes: 0 all went in, 3 configuration, 4 some lines were no URLs (listed; the others went in), 6 database.";

/// Start a job, or give one more seeds.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SeedArgs {
    /// URLs to start from
    #[arg(value_name = "URL", required_unless_present_any = ["file", "sitemap"])]
    pub urls: Vec<String>,
    /// A file with one URL a line; - reads standard input. Empty lines and lines with # are passed over
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A sitemap, or an index of sitemaps, whose entries are to be crawled; repeatable
    #[arg(long, value_name = "URL")]
    pub sitemap: Vec<String>,
    /// Name of the job; a job of that name gets these seeds besides [default: the first seed's host]
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
    /// What the job is; a job that exists stays as it is (`jobs update` changes it)
    #[command(flatten)]
    pub spec: JobArgs,
}

impl SeedArgs {
    /// Puts the good lines in and lists the bad ones on `complaints`.
    ///
    /// # Errors
    /// [`Exit::BadInput`] when lines were bad; when the file can't be read or the database fails.
    pub async fn run(
        &self,
        frontier: &Frontier,
        out: &mut dyn Write,
        complaints: &mut dyn Write,
    ) -> Result<(), CliError> {
        let mut seeding = Seeding {
            frontier,
            args: self,
            complaints,
            progress: (!self.quiet && io::stderr().is_terminal()).then(Instant::now),
            job: None,
            ready: Vec::new(),
            bad: 0,
            good: 0,
            new: 0,
        };
        for (at, text) in self.urls.iter().enumerate() {
            seeding.take(&format_args!("argument {}", at + 1), text).await?;
        }
        for text in &self.sitemap {
            seeding.take(&"--sitemap", text).await?;
        }
        if let Some(path) = &self.file {
            let mut file = SeedFile::open(path)?;
            while let Some((number, text)) = file.next_line()? {
                seeding.take(&format_args!("{}:{number}", path_name(path)), &text).await?;
            }
        }
        seeding.flush().await?;
        seeding.end_progress().map_err(output)?;
        let Seeding { job, bad, good, new, .. } = seeding;
        if let Some(Started { id, name, created }) = job {
            let job = if created { "job" } else { "existing job" };
            writeln!(out, "{job} {name} ({id}): {new} new URLs, {} known already", good - new)
                .map_err(output)?;
        }
        if bad > 0 {
            let error = anyhow::anyhow!(
                "{bad} of {} seeds are no URLs (listed above); the others went in",
                bad + good
            );
            return Err(CliError::new(Exit::BadInput, error));
        }
        Ok(())
    }
}

fn path_name(path: &std::path::Path) -> std::path::Display<'_> {
    let name = if path.as_os_str() == "-" { std::path::Path::new("standard input") } else { path };
    name.display()
}

/// The job that the seeds go into.
struct Started {
    id: JobId,
    name: String,
    created: bool,
}

struct Seeding<'a> {
    frontier: &'a Frontier,
    args: &'a SeedArgs,
    complaints: &'a mut dyn Write,
    /// When progress was shown last, where it is.
    progress: Option<Instant>,
    job: Option<Started>,
    ready: Vec<CanonicalUrl>,
    bad: u64,
    good: u64,
    new: u64,
}

impl Seeding<'_> {
    async fn take(&mut self, place: &dyn std::fmt::Display, text: &str) -> Result<(), CliError> {
        match CanonicalUrl::parse(text.trim()) {
            Ok(url) => self.ready.push(url),
            Err(error) => {
                self.bad += 1;
                let shown: String = text.chars().take(200).collect();
                self.end_progress().map_err(output)?;
                writeln!(self.complaints, "{place}: {error}: {shown}").map_err(output)?;
            }
        }
        if self.ready.len() >= CHUNK { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), CliError> {
        let Some(first) = self.ready.first() else { return Ok(()) };
        let job = match &self.job {
            Some(job) => job.id,
            None => {
                let name = self.args.job.clone().unwrap_or_else(|| first.host_key().as_str().to_owned());
                let hosts = self.ready.iter().filter_map(|url| url.as_url().host_str());
                let spec = self.args.spec.spec(name.as_str(), hosts)?;
                let (id, created) = self.frontier.ensure_job(&spec).await?;
                self.job = Some(Started { id, name, created });
                id
            }
        };
        self.good += self.ready.len() as u64;
        self.new += self.frontier.add_seeds(job, &self.ready).await?;
        self.ready.clear();
        self.show_progress().map_err(output)
    }

    /// One line that overwrites itself.
    fn show_progress(&mut self) -> io::Result<()> {
        if self.progress.is_some_and(|shown| shown.elapsed() >= PROGRESS) {
            write!(self.complaints, "\r{} seeds in, {} new, {} bad", self.good, self.new, self.bad)?;
            self.complaints.flush()?;
            self.progress = Some(Instant::now());
        }
        Ok(())
    }

    /// Clears that line.
    fn end_progress(&mut self) -> io::Result<()> {
        if self.progress.is_some() { write!(self.complaints, "\r\x1b[K") } else { Ok(()) }
    }
}
