//! `parser test`: a rules file held to pages whose items are known.

use super::rules_file;
use crate::{
    parse::{Document, parse},
    settings::Settings,
};
use anyhow::{Context as _, anyhow, ensure};
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::{CanonicalUrl, ExtractSettings, ParsedPage, RulesText},
};

/// The page of a case.
const PAGE: &str = "page.html";

/// What it holds.
const EXPECTED: &str = "expected.json";

/// What is tested, and on what.
#[derive(Debug, clap::Args)]
#[command(after_help = FORMAT)]
pub struct TestArgs {
    /// The rules file
    #[arg(value_name = "RULES")]
    pub rules: PathBuf,
    /// A folder of cases, or one case
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Write what is found into expected.json instead; read the difference before it is committed
    #[arg(long)]
    pub update: bool,
}

const FORMAT: &str = "\
A case is a folder with page.html and expected.json:
  {\"url\": \"https://example.org/lamp\", \"items\": [{\"type\": \"product\", \"price\": 5}], \"follow\": [\"https://example.org/next\"]}
`url` is where the page stands. `follow`, the URLs that a crawl would go on to, is checked where it is given.

Exit codes: 0 all cases hold, 1 some do not or can't be read, 3 the rules have errors.";

impl TestArgs {
    /// Runs the verb.
    ///
    /// # Errors
    /// When the rules have errors, a case can't be read, or one does not hold.
    pub fn run(&self, settings: &Settings, out: &mut dyn Write) -> Result<(), CliError> {
        let rules = rules_file::read(&self.rules)?;
        let cases = cases(&self.folder).or_exit(Exit::Failed)?;
        let mut failed = 0;
        for case in &cases {
            let name =
                case.strip_prefix(&self.folder).ok().filter(|name| *name != Path::new("")).unwrap_or(case);
            let verdict = self.check(case, &rules, settings);
            failed += usize::from(!matches!(verdict, Ok(None)));
            let printed = match verdict {
                Ok(None) => writeln!(out, "ok {}", name.display()),
                Ok(Some(diff)) => write!(out, "FAILED {}\n{diff}", name.display()),
                Err(error) => writeln!(out, "FAILED {}\n  {error:#}", name.display()),
            };
            printed.context("the output can't be written").or_exit(Exit::Output)?;
        }
        let total = cases.len();
        writeln!(out, "{} of {total} cases hold", total - failed)
            .and_then(|()| out.flush())
            .context("the output can't be written")
            .or_exit(Exit::Output)?;
        if failed > 0 { Err(CliError::silent(Exit::Failed)) } else { Ok(()) }
    }

    /// What differs, or is updated; `None` where nothing does.
    fn check(&self, case: &Path, rules: &RulesText, settings: &Settings) -> anyhow::Result<Option<String>> {
        let expected_file = case.join(EXPECTED);
        let read = |path: &Path| fs::read(path).with_context(|| format!("{} can't be read", path.display()));
        let expected: Map<String, Value> = serde_json::from_slice(&read(&expected_file)?)
            .with_context(|| format!("{} is no JSON object", expected_file.display()))?;
        let url = expected.get("url").and_then(Value::as_str);
        let url = url.ok_or_else(|| {
            anyhow!("{} has no \"url\": say where the page stands", expected_file.display())
        })?;
        let url = CanonicalUrl::parse(url)
            .with_context(|| format!("the \"url\" of {}", expected_file.display()))?;
        let body = read(&case.join(PAGE))?;
        let document =
            Document { url: url.as_url(), content_type: Some("text/html"), charset: None, body: &body };
        let extract = ExtractSettings { rules: Some(rules.clone()), ..ExtractSettings::default() };
        let page = parse(&document, &extract, settings).page;
        let mut found = Map::new();
        found.insert("url".to_owned(), expected["url"].clone());
        found.insert("items".to_owned(), page.items.clone().into());
        if expected.contains_key("follow") {
            found.insert("follow".to_owned(), followed(&page).into());
        }
        if found == expected {
            return Ok(None);
        }
        let (expected, found) = (pretty(&expected)?, pretty(&found)?);
        if self.update {
            fs::write(&expected_file, &found)
                .with_context(|| format!("{} can't be written", expected_file.display()))?;
            return Ok(None);
        }
        Ok(Some(diff(&expected, &found)))
    }
}

/// The folders with a page, in order of their names: the folder itself, or those in it.
fn cases(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if folder.join(PAGE).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let unreadable = || format!("{} can't be read", folder.display());
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).with_context(unreadable)?.collect();
    let mut cases: Vec<PathBuf> =
        entries.with_context(unreadable)?.into_iter().map(|entry| entry.path()).collect();
    cases.retain(|path| path.join(PAGE).is_file());
    cases.sort();
    ensure!(
        !cases.is_empty(),
        "there is no case in {}: a case is a folder with {PAGE} and {EXPECTED}",
        folder.display()
    );
    Ok(cases)
}

/// Where a crawl would go on, each URL once.
fn followed(page: &ParsedPage) -> Vec<&str> {
    let mut urls: Vec<&str> = Vec::new();
    for link in page.links.iter().filter(|link| link.is_followed()) {
        if !urls.contains(&link.url.as_str()) {
            urls.push(&link.url);
        }
    }
    urls
}

fn pretty(case: &Map<String, Value>) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(case).context("a case has no JSON form")? + "\n")
}

/// The lines that differ, with three around them: `-` is expected, `+` was found.
fn diff(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let mut lines = String::new();
    for (index, group) in diff.grouped_ops(3).iter().enumerate() {
        if index > 0 {
            lines.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push_str(&format!("  {mark} {}", change.value()));
        }
    }
    lines
}
