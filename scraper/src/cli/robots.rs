//! `scraper robots`: what a robots.txt says to whom, and which line says it.

use crate::robots::{Kind, MAX_ROBOTS_BYTES, RobotsRules, product_token};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{Read, Write},
    path::PathBuf,
};
use trawl_shared::{
    cli::{CliError, Crew, Exit, OrExit as _, answer_lines},
    model::DEFAULT_USER_AGENT,
};
use url::Url;

/// Ask robots.txt files whether URLs may be fetched; one line of JSON for each. A URL may be a path
/// alone.
#[derive(Clone, Debug, clap::Args)]
pub struct RobotsArgs {
    /// The robots.txt
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    pub file: Option<PathBuf>,
    /// URLs to ask about; without any, each line of standard input is one
    #[arg(conflicts_with = "jsonl")]
    pub urls: Vec<String>,
    /// The crawler, by its product token or User-Agent header; repeatable, for one with several names
    #[arg(long = "agent", value_name = "TEXT", default_value = DEFAULT_USER_AGENT, conflicts_with = "jsonl")]
    pub agents: Vec<String>,
    /// Read questions from standard input, one a line: {"robots" or "robots_b64", "agent" or
    /// "agents", "url"}
    #[arg(long)]
    pub jsonl: bool,
}

/// A line of `--jsonl`.
#[derive(Debug, Deserialize)]
struct Question {
    robots: Option<String>,
    robots_b64: Option<String>,
    agent: Option<String>,
    #[serde(default)]
    agents: Vec<String>,
    url: String,
}

#[derive(Debug, Serialize)]
struct Answer {
    allowed: bool,
    /// The line that decides, as `Disallow: /path`.
    rule: Option<String>,
    /// Its number, from 1.
    line: Option<u32>,
    /// In seconds.
    crawl_delay: Option<f64>,
    sitemaps: Vec<String>,
}

impl RobotsArgs {
    /// Answers all questions.
    ///
    /// # Errors
    /// When the file or the input can't be read, the output can't be written, or a question could not
    /// be answered.
    pub fn run(&self, input: impl Read + Send, out: &mut dyn Write) -> Result<(), CliError> {
        let Some(file) = &self.file else {
            return answer_lines(input, out, Crew::computing(), answer_question)?.finish();
        };
        let mut text = Vec::new();
        File::open(file)
            .and_then(|file| file.take(MAX_ROBOTS_BYTES + 1).read_to_end(&mut text))
            .with_context(|| format!("{} can't be read", file.display()))
            .or_exit(Exit::Failed)?;
        let rules = parse(&text, self.agents.iter().map(String::as_str));
        let work = |url: &str| answer(&rules, url);
        let tally = if self.urls.is_empty() {
            answer_lines(input, out, Crew::computing(), work)?
        } else {
            answer_lines(self.urls.join("\n").as_bytes(), out, Crew::computing(), work)?
        };
        tally.finish()
    }
}

fn answer_question(line: &str) -> Result<String, String> {
    let question: Question = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = match (question.robots, question.robots_b64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(base64)) => {
            STANDARD.decode(base64).map_err(|error| format!("robots_b64 is no base64: {error}"))?
        }
        (None, None) => return Err("neither `robots` nor `robots_b64` is given".to_owned()),
        (Some(_), Some(_)) => return Err("`robots` and `robots_b64` are given, one is enough".to_owned()),
    };
    let agents = question.agents.iter().chain(&question.agent).map(String::as_str);
    answer(&parse(&text, agents), &question.url)
}

fn parse<'a>(text: &[u8], agents: impl Iterator<Item = &'a str>) -> RobotsRules {
    let tokens: Vec<&str> = agents.map(product_token).collect();
    RobotsRules::parse(text, &tokens)
}

fn answer(rules: &RobotsRules, url: &str) -> Result<String, String> {
    // Rules look at the path only, which may be all that somebody asks about.
    let base = Url::parse("http://localhost/").map_err(|error| error.to_string())?;
    let url = base.join(url).map_err(|error| format!("{url:?} is no URL: {error}"))?;
    let decider = rules.decider(&url);
    let answer = Answer {
        allowed: decider.is_none_or(|rule| rule.kind == Kind::Allow),
        rule: decider.map(|rule| rule.to_string()),
        line: decider.map(|rule| rule.line),
        crawl_delay: rules.crawl_delay().map(|delay| delay.as_secs_f64()),
        sitemaps: rules.sitemaps(&url),
    };
    serde_json::to_string(&answer).map_err(|error| error.to_string())
}
