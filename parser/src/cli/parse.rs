//! `parser parse`: pages in, everything extracted out as JSON.

use super::{rules_file, with::Part};
use crate::{
    content_type,
    parse::{Document, parse},
    settings::Settings,
};
use anyhow::{Context as _, anyhow};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use trawl_shared::{
    cli::{CliError, Crew, Exit, OrExit as _, answer_lines},
    model::{CanonicalUrl, ExtractSettings, ParsedPage},
};

/// What is parsed, and as what.
#[derive(Debug, clap::Args)]
pub struct ParseArgs {
    /// A local file; `-` reads standard input. The parser has no network: `scraper fetch URL` brings a
    /// page from the web
    #[arg(value_name = "FILE", required_unless_present = "jsonl", default_value_if("jsonl", "true", "-"))]
    pub file: Option<PathBuf>,
    /// The URL the page stands at; its links are resolved against it
    #[arg(long, required_unless_present = "jsonl", conflicts_with = "jsonl")]
    pub url: Option<CanonicalUrl>,
    /// How the server declared the page, with its charset where it has one
    #[arg(long, value_name = "TYPE", default_value = "text/html", conflicts_with = "jsonl")]
    pub content_type: String,
    /// Read pages as lines `{"url", "content_type", "body_base64"}` and answer each with a line, in order,
    /// with all cores; a line that is no page is answered with `{"error"}`
    #[arg(long)]
    pub jsonl: bool,
    /// What to compute, besides title, description, language and the links a crawl may follow
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS", default_values_t = Part::ALL)]
    pub with: Vec<Part>,
    /// Extract items by the rules of this TOML file
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// For programs: one line.
    Line,
    /// For people.
    Indented,
}

/// A page as a line of input.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    /// Without one the first bytes decide.
    #[serde(borrow, default)]
    content_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body_base64: Cow<'a, str>,
}

impl ParseArgs {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the page can't be read or the output can't be written.
    pub fn run(&self, settings: &Settings, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
        let rules = self.rules.as_deref().map(rules_file::read).transpose()?;
        let extract = ExtractSettings { rules, ..Part::extract(&self.with) };
        let file = self.file.as_deref().unwrap_or(Path::new("-"));
        if self.jsonl {
            let input = open(file).or_exit(Exit::Failed)?;
            let work = |line: &str| parse_line(line, &extract, settings);
            return answer_lines(input, out, Crew::computing(), work)?.finish();
        }
        let url = self.url.as_ref().expect("clap asks for it without --jsonl");
        let mut body = Vec::new();
        open(file)
            .and_then(|mut input| {
                input.read_to_end(&mut body).with_context(|| format!("{} can't be read", file.display()))
            })
            .or_exit(Exit::Failed)?;
        let page = page(url, Some(&self.content_type), &body, &extract, settings);
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
}

fn parse_line(line: &str, extract: &ExtractSettings, settings: &Settings) -> Result<String, String> {
    let line: Line<'_> =
        serde_json::from_str(line).map_err(|error| format!("the line is no page: {error}"))?;
    let url = CanonicalUrl::parse(&line.url).map_err(|error| error.to_string())?;
    let body = BASE64_STANDARD
        .decode(line.body_base64.as_bytes())
        .map_err(|error| format!("body_base64 is not base64: {error}"))?;
    let page = page(&url, line.content_type.as_deref(), &body, extract, settings);
    serde_json::to_string(&page).map_err(|error| format!("the page has no JSON form: {error}"))
}

fn page(
    url: &CanonicalUrl,
    content_type: Option<&str>,
    body: &[u8],
    extract: &ExtractSettings,
    settings: &Settings,
) -> ParsedPage {
    let charset = content_type.and_then(content_type::charset);
    let parsed = parse(&Document { url: url.as_url(), content_type, charset, body }, extract, settings);
    if let Some(cut) = parsed.cut {
        tracing::warn!(%url, "{url}: {cut}");
    }
    parsed.page
}

fn open(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    if file.to_str().is_some_and(|name| name.starts_with("http://") || name.starts_with("https://")) {
        let url = file.display();
        return Err(anyhow!("the parser has no network; `scraper fetch {url}` brings the page"));
    }
    let is_folder = fs::metadata(file).is_ok_and(|metadata| metadata.is_dir());
    anyhow::ensure!(!is_folder, "{} can't be read: it is a folder", file.display());
    let opened = File::open(file).with_context(|| format!("{} can't be read", file.display()))?;
    Ok(Box::new(opened))
}
