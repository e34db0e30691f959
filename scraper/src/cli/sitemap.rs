//! `scraper sitemap`: the entries of a sitemap or feed as JSON lines.

use anyhow::{Context as _, anyhow};
use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    content::sitemap::{self, Entry},
    model::CanonicalUrl,
};
use url::Url;

/// Print the entries of a sitemap, one line of JSON each: an index, a urlset, RSS, Atom or a list of
/// URLs, gzipped or not.
#[derive(Clone, Debug, clap::Args)]
pub struct SitemapArgs {
    /// The sitemap; `-` reads standard input
    pub file: PathBuf,
    /// The URL it stands at; without it, entries that are not absolute are left out
    #[arg(long)]
    pub url: Option<CanonicalUrl>,
    /// How the server declared it, for its charset
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
}

/// Stands for the place of a sitemap that nobody named; no host has this name (RFC 2606).
const NOWHERE: &str = "http://nowhere.invalid/";

impl SitemapArgs {
    /// Prints the entries as they are read.
    ///
    /// # Errors
    /// When the file is no sitemap or can't be read, or the output can't be written.
    pub fn run(&self, input: impl Read, out: &mut dyn Write) -> Result<(), CliError> {
        if self.file == Path::new("-") {
            return self.print(input, out);
        }
        let name = self.file.display();
        let file = File::open(&self.file).with_context(|| format!("{name} can't be read"));
        self.print(file.or_exit(Exit::Failed)?, out)
    }

    fn print(&self, body: impl Read, out: &mut dyn Write) -> Result<(), CliError> {
        let base = match &self.url {
            Some(url) => url.as_url().clone(),
            None => Url::parse(NOWHERE).or_exit(Exit::Failed)?,
        };
        let mut out = BufWriter::new(out);
        let mut written = Ok(());
        let each = |entry: Entry| {
            if self.url.is_none() && entry.loc.starts_with(NOWHERE) {
                return ControlFlow::Continue(());
            }
            written = serde_json::to_writer(&mut out, &entry)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let read = sitemap::read(body, &base, self.content_type.as_deref(), each);
        written.and_then(|()| out.flush()).context("the output can't be written").or_exit(Exit::Output)?;
        let summary = read.map_err(|error| anyhow!(error).context(self.file.display().to_string()));
        if let Some(cut) = summary.or_exit(Exit::Failed)?.cut {
            tracing::warn!("not all of the sitemap was read: {cut}");
        }
        Ok(())
    }
}
