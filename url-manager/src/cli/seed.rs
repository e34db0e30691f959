//! `url-manager seed`: URLs from arguments, a file or standard input.

use super::{JobArgs, output};
use crate::frontier::Frontier;
use anyhow::Context as _;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::{CanonicalUrl, JobId},
};

/// Seeds that are read before they go in.
const CHUNK: usize = 8192;
/// Longest line that is read; a longer one is no URL.
const MAX_LINE: u64 = 64 * 1024;

/// Start a job, or give one more seeds.
#[derive(Clone, Debug, clap::Args)]
pub struct SeedArgs {
    /// URLs to start from
    #[arg(value_name = "URL", required_unless_present = "file")]
    pub urls: Vec<String>,
    /// A file with one URL a line; - reads standard input. Empty lines and lines with # are passed over
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Name of the job; a job of that name gets these seeds besides [default: the first seed's host]
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,
    /// What the job is; a job that exists stays as it is
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
            job: None,
            ready: Vec::new(),
            bad: 0,
            good: 0,
            new: 0,
        };
        for (at, text) in self.urls.iter().enumerate() {
            seeding.take(&format!("argument {}", at + 1), text).await?;
        }
        if let Some(path) = &self.file {
            let (name, reader) = self.reader(path)?;
            seeding.take_lines(&name, reader).await?;
        }
        seeding.flush().await?;
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

    fn reader(&self, path: &PathBuf) -> Result<(String, Box<dyn BufRead + Send>), CliError> {
        if path.as_os_str() == "-" {
            return Ok(("standard input".to_owned(), Box::new(BufReader::new(io::stdin()))));
        }
        let file = File::open(path)
            .with_context(|| format!("can't read {}", path.display()))
            .or_exit(Exit::Failed)?;
        Ok((path.display().to_string(), Box::new(BufReader::with_capacity(1 << 16, file))))
    }
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
    job: Option<Started>,
    ready: Vec<CanonicalUrl>,
    bad: u64,
    good: u64,
    new: u64,
}

impl Seeding<'_> {
    async fn take_lines(&mut self, name: &str, mut reader: Box<dyn BufRead + Send>) -> Result<(), CliError> {
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            let read = io::Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut line);
            if read.with_context(|| format!("can't read {name}")).or_exit(Exit::Failed)? == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim().trim_start_matches('\u{feff}');
            if !text.is_empty() && !text.starts_with('#') {
                self.take(&format!("{name}:{number}"), text).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, place: &str, text: &str) -> Result<(), CliError> {
        match CanonicalUrl::parse(text.trim()) {
            Ok(url) => self.ready.push(url),
            Err(error) => {
                self.bad += 1;
                let shown: String = text.chars().take(200).collect();
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
                let (id, created) = self.frontier.ensure_job(&self.args.spec.spec(name.as_str())).await?;
                self.job = Some(Started { id, name, created });
                id
            }
        };
        self.good += self.ready.len() as u64;
        self.new += self.frontier.add_seeds(job, &self.ready).await?;
        self.ready.clear();
        Ok(())
    }
}
