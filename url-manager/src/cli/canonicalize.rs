//! `url-manager canonicalize`: URLs as a browser, a job and the frontier's keys have them.

use super::{ScopeArgs, output};
use clap::Args;
use serde::Deserialize;
use std::io::{Cursor, Read, Write};
use trawl_shared::{
    cli::{CliError, Crew, answer_lines},
    model::url::{UrlError, UrlProfile, UrlRules, normalise, resolve},
};

const EXAMPLES: &str = "\
Examples:
  url-manager canonicalize 'HTTP://Example.org:80/a/../b?z=1&a=2#top'
  url-manager canonicalize --profile crawl --sort-query < urls.txt
  echo '{\"url\": \"../b\", \"base\": \"https://example.org/x/\"}' | url-manager canonicalize --jsonl

A line of output for each URL, in order:
  {\"resolved\": as browsers have it, \"canonical\": by the rules, \"host_key\", \"registrable_domain\"} or {\"error\"}

Exit codes: 0 all were answered, 4 some were no URLs.";

/// Show what URLs become: resolved, canonical, host key, registrable domain.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CanonicalizeArgs {
    /// URLs; without any, one a line on standard input
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// Lines are JSON objects: {"url", "base" (optional)}
    #[arg(long)]
    pub jsonl: bool,
    /// The rules: those of a job by default are `crawl`
    #[arg(long, value_enum, default_value_t = UrlProfile::CrawlerCommons)]
    pub profile: UrlProfile,
    /// Remove these query parameters besides; `*` at the end stands for anything
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub drop_param: Vec<String>,
    /// Keep these query parameters that the profile would remove
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub keep_param: Vec<String>,
    /// Put query parameters in the order of their names
    #[arg(long)]
    pub sort_query: bool,
    /// Remove index files at the end of a path
    #[arg(long)]
    pub drop_index: bool,
    /// Write host names as people read them, not in punycode
    #[arg(long)]
    pub unicode_hosts: bool,
}

#[derive(Deserialize)]
struct Line {
    url: String,
    #[serde(default)]
    base: Option<String>,
}

impl CanonicalizeArgs {
    /// Answers every URL with a line, on all cores.
    ///
    /// # Errors
    /// [`trawl_shared::cli::Exit::BadInput`] when lines were no URLs; when input or output break.
    pub fn run(&self, input: impl Read + Send, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        let rules = ScopeArgs::rules_of(
            self.profile,
            &self.drop_param,
            &self.keep_param,
            self.sort_query,
            self.drop_index,
        );
        let work = |line: &str| self.answer(line, &rules);
        let tally = if self.urls.is_empty() {
            answer_lines(input, &mut *out, Crew::computing(), work)?
        } else {
            let lines = Cursor::new(self.urls.join("\n"));
            answer_lines(lines, &mut *out, Crew::computing(), work)?
        };
        out.flush().map_err(output)?;
        tally.finish()
    }

    fn answer(&self, line: &str, rules: &UrlRules) -> Result<String, String> {
        let text = |error: UrlError| error.to_string();
        let line = if self.jsonl {
            serde_json::from_str(line).map_err(|error| format!("not an object with a url: {error}"))?
        } else {
            Line { url: line.to_owned(), base: None }
        };
        let base = match &line.base {
            Some(base) => {
                let base = resolve(None, base).map_err(|error| format!("the base is no URL: {error}"))?;
                Some(base.into_url().ok_or("the base has no host that can be looked up")?)
            }
            None => None,
        };
        let url =
            normalise(&line.url, base.as_ref(), self.profile, rules, self.unicode_hosts).map_err(text)?;
        serde_json::to_string(&url).map_err(|error| error.to_string())
    }
}
