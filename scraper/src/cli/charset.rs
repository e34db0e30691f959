//! `scraper charset`: what bodies are encoded in, and who says so.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::{
    io::{Read, Write},
    path::PathBuf,
};
use trawl_shared::{
    cli::{CliError, Crew, Exit, OrExit as _, answer_lines},
    content::charset::{charset_parameter, sniff},
    model::CanonicalUrl,
};

/// Find out what bodies are encoded in: one line of JSON each, with the WHATWG name of the encoding
/// and where it is from (`bom`, `header`, `meta`, `detected`).
#[derive(Clone, Debug, clap::Args)]
pub struct CharsetArgs {
    /// Files to look at
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    pub files: Vec<PathBuf>,
    /// How the server declared them
    #[arg(long, value_name = "TYPE", conflicts_with = "jsonl")]
    pub content_type: Option<String>,
    /// Read bodies from standard input, one a line: {"content_type", "body_base64"} and, for the hint
    /// its domain is, "url"
    #[arg(long)]
    pub jsonl: bool,
}

/// A line of `--jsonl`.
#[derive(Debug, Deserialize)]
struct Question {
    content_type: Option<String>,
    #[serde(default)]
    body_base64: String,
    url: Option<CanonicalUrl>,
}

#[derive(Debug, Serialize)]
struct Answer {
    encoding: &'static str,
    source: &'static str,
}

impl CharsetArgs {
    /// Looks at all bodies.
    ///
    /// # Errors
    /// When a file or the input can't be read, the output can't be written, or a line could not be
    /// answered.
    pub fn run(&self, input: impl Read + Send, out: &mut dyn Write) -> Result<(), CliError> {
        if self.jsonl {
            return answer_lines(input, out, Crew::computing(), answer_question)?.finish();
        }
        for file in &self.files {
            let name = || format!("{} can't be read", file.display());
            let body = std::fs::read(file).with_context(name).or_exit(Exit::Failed)?;
            let line = answer(&body, self.content_type.as_deref(), None).map_err(anyhow::Error::msg);
            writeln!(out, "{}", line.or_exit(Exit::Failed)?)
                .context("the output can't be written")
                .or_exit(Exit::Output)?;
        }
        Ok(())
    }
}

fn answer_question(line: &str) -> Result<String, String> {
    let question: Question = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let body = STANDARD
        .decode(&question.body_base64)
        .map_err(|error| format!("body_base64 is no base64: {error}"))?;
    answer(
        &body,
        question.content_type.as_deref(),
        question.url.as_ref().and_then(|url| url.as_url().host_str()),
    )
}

fn answer(body: &[u8], content_type: Option<&str>, host: Option<&str>) -> Result<String, String> {
    let (encoding, source) = sniff(body, content_type.and_then(charset_parameter), host);
    let answer = Answer { encoding: encoding.name(), source: source.as_str() };
    serde_json::to_string(&answer).map_err(|error| error.to_string())
}
