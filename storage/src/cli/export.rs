//! `storage export`: what is stored, written out.

use crate::{
    archived::{Selection, copy},
    export::{Export, ExportError, WholeFile, export},
    row::{RowSet, Rows},
    sink::{Format, Target, WholeObject},
    store::{PageStore, Question},
};
use anyhow::anyhow;
use std::{io::Write, path::Path};
use trawl_shared::{
    blob::BlobUrl,
    cli::{CliError, Exit, OrExit as _},
};

/// Write out what is stored: pages, links or items as rows, or archived records.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// Format; the file name tells it where this is not given
    #[arg(long)]
    pub format: Option<Format>,
    /// A row for each page; the default
    #[arg(long, group = "rows")]
    pub pages: bool,
    /// A row for each link of a page
    #[arg(long, group = "rows")]
    pub links: bool,
    /// A row for each item that extraction rules made of a page
    #[arg(long, group = "rows")]
    pub items: bool,
    /// Only of this job
    #[arg(long, value_name = "NAME|ID")]
    pub job: Option<String>,
    /// Only of pages on this host (with its port where that is not the usual one)
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Only of pages fetched at this time or later: 2026-11-21, or 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub since: Option<i64>,
    /// Items that the rules with this hash made, not those of the rules used last
    #[arg(long, value_name = "HASH", requires = "items")]
    pub rules: Option<String>,
    /// These columns in this order; of items fields, nested ones as outer.inner
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// File, URL (s3://, gs://, az://, file://), or - for standard output; a file has its name only once it is complete
    #[arg(long, value_name = "FILE|URL", default_value = "-")]
    pub out: Target,
}

const EXAMPLES: &str = "\
Examples:
  storage export --job shop --out pages.jsonl
  storage export --job shop --items --out items.parquet
  storage export --links --host example.org --columns page,url,text --out links.csv
  storage export --job shop --out s3://bucket/shop/pages.parquet
  storage export --format warc --since 2026-11-21 --out today.warc.gz

Exit codes: 0 done, 2 usage, 3 configuration, 6 database, 7 output could not be written, 8 no such job or archive.";

impl ExportArgs {
    /// Exports, and answers how many rows (or records) there were. `stdout` is what `-` stands for;
    /// `progress` hears the rows so far.
    ///
    /// # Errors
    /// When the store can't be read or the rows can't be written.
    pub async fn run(
        &self,
        store: &dyn PageStore,
        stdout: &mut (dyn Write + Send),
        progress: impl FnMut(u64),
    ) -> Result<u64, CliError> {
        let format = match self.format {
            Some(format) => format,
            None => self.out.format().or_exit(Exit::Usage)?,
        };
        self.out.check().or_exit(Exit::Config)?;
        let question = Question {
            job: super::job_named(store, self.job.as_deref()).await?,
            host: self.host.clone(),
            since: self.since,
        };
        if format == Format::Warc {
            return self.records(store, &question, stdout, progress).await;
        }
        let rows = match (self.links, self.items) {
            (true, _) => Rows::Links,
            (_, true) => Rows::Items,
            _ => Rows::Pages,
        };
        let set = RowSet::new(rows, &self.columns, format == Format::Csv).or_exit(Exit::Usage)?;
        let what = Export { set, format, question, rules: self.rules.clone() };
        let target = self.out.to_string();
        let rows = match &self.out {
            Target::Stdout => export(store, &what, &target, stdout, progress).await,
            Target::File(path) => to_file(store, &what, path, progress).await,
            Target::Object { url, .. } => to_object(store, &what, url, progress).await,
        };
        rows.map_err(|error| match error {
            ExportError::Store(error) => error.into(),
            ExportError::Output { .. } => CliError::new(Exit::Output, error),
            ExportError::Row(_) => CliError::new(Exit::Failed, error),
        })
    }

    async fn records(
        &self,
        store: &dyn PageStore,
        question: &Question,
        stdout: &mut (dyn Write + Send),
        mut progress: impl FnMut(u64),
    ) -> Result<u64, CliError> {
        if self.links || self.items || !self.columns.is_empty() {
            let why = anyhow!("an archive has records, not rows: leave out --links, --items and --columns");
            return Err(CliError::new(Exit::Usage, why));
        }
        let selection = Selection::new(store, question).await?;
        let failed = |source: std::io::Error| {
            CliError::new(Exit::Output, anyhow!("{} can't be written: {source}", self.out))
        };
        match &self.out {
            Target::Stdout => copy(&selection, stdout, &mut progress).or_exit(Exit::Output),
            Target::File(path) => {
                let mut file = WholeFile::create(path).map_err(failed)?;
                let records = copy(&selection, &mut file, &mut progress).or_exit(Exit::Output)?;
                file.finish().map_err(failed)?;
                Ok(records)
            }
            Target::Object { url, .. } => {
                let mut file = WholeObject::create(url).await.map_err(failed)?;
                let records = copy(&selection, &mut file, &mut progress).or_exit(Exit::Output)?;
                file.finish().await.map_err(failed)?;
                Ok(records)
            }
        }
    }
}

async fn to_file(
    store: &dyn PageStore,
    what: &Export,
    path: &Path,
    progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let target = path.display().to_string();
    let failed = |rows, source| ExportError::Output { target: target.clone(), rows, source };
    let mut file = WholeFile::create(path).map_err(|source| failed(0, source))?;
    let rows = export(store, what, &target, &mut file, progress).await?;
    file.finish().map_err(|source| failed(rows, source))?;
    Ok(rows)
}

async fn to_object(
    store: &dyn PageStore,
    what: &Export,
    url: &BlobUrl,
    progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let target = url.to_string();
    let failed = |rows, source| ExportError::Output { target: target.clone(), rows, source };
    let mut file = WholeObject::create(url).await.map_err(|source| failed(0, source))?;
    let rows = export(store, what, &target, &mut file, progress).await?;
    file.finish().await.map_err(|source| failed(rows, source))?;
    Ok(rows)
}

/// A day or an instant, in Unix milliseconds. A day begins in UTC.
fn instant(text: &str) -> Result<i64, String> {
    let day = text.parse::<jiff::civil::Date>().ok().filter(|_| !text.contains('T'));
    let at = match day {
        Some(day) => day.to_zoned(jiff::tz::TimeZone::UTC).map(|day| day.timestamp()),
        None => text.parse::<jiff::Timestamp>(),
    };
    at.map(jiff::Timestamp::as_millisecond)
        .map_err(|_| format!("{text:?} is no time: write 2026-11-21, or 2026-11-21T08:00:00Z"))
}
