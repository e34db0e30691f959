//! `parser parse`: one page from a file or standard input, everything extracted as JSON.

use crate::{
    content_type,
    parse::{Document, parse},
    settings::Settings,
};
use anyhow::{Context as _, anyhow};
use std::{
    fs,
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::{CanonicalUrl, ExtractSettings, ParsedPage},
};

/// What is parsed, and as what.
#[derive(Debug, clap::Args)]
pub struct ParseArgs {
    /// The page; `-` reads standard input
    pub file: PathBuf,
    /// The URL the page stands at; its links are resolved against it
    #[arg(long)]
    pub url: CanonicalUrl,
    /// How the server declared the page, with its charset where it has one
    #[arg(long, value_name = "TYPE", default_value = "text/html")]
    pub content_type: String,
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// For programs: one line.
    Line,
    /// For people.
    Indented,
}

impl ParseArgs {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the page can't be read, has no reader, or the output can't be written.
    pub fn run(&self, settings: &Settings, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
        let body = read(&self.file).or_exit(Exit::Failed)?;
        let page = self.page(&body, settings).or_exit(Exit::Failed)?;
        let json = match layout {
            Layout::Line => serde_json::to_string(&page),
            Layout::Indented => serde_json::to_string_pretty(&page),
        };
        let json = json.context("the page has no JSON form").or_exit(Exit::Failed)?;
        writeln!(out, "{json}")
            .and_then(|()| out.flush())
            .context("the output can't be written")
            .or_exit(Exit::Output)
    }

    fn page(&self, body: &[u8], settings: &Settings) -> anyhow::Result<ParsedPage> {
        let document = Document {
            url: self.url.as_url(),
            content_type: Some(&self.content_type),
            charset: content_type::charset(&self.content_type),
            body,
        };
        let parsed = parse(&document, &ExtractSettings { text: true, ..ExtractSettings::default() }, settings).ok_or_else(|| {
            anyhow!(
                "content type {:?} has no reader; text/html and application/xhtml+xml have one",
                self.content_type
            )
        })?;
        if let Some(cut) = parsed.cut {
            tracing::warn!(url = %self.url, "{}: {cut}", self.url);
        }
        Ok(parsed.page)
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body).context("standard input can't be read")?;
        return Ok(body);
    }
    fs::read(file).with_context(|| format!("{} can't be read", file.display()))
}
