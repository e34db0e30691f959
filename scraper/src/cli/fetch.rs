//! `scraper fetch`: pages to standard output as JSON, a line for each URL.

use super::{
    dry_run,
    report::{self, FetchReport},
};
use crate::{
    address::Reach, fetch_page::Fetcher, http::millis, resolve::ResolveOverride, settings::Settings,
};
use anyhow::{Context as _, anyhow};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    num::NonZero,
    pin::pin,
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::sync::mpsc;
use trawl_shared::{
    cli::{CliError, Crew, Exit, FetchArgs, MAX_LINE_BYTES, OrExit as _, answer_lines, error_line},
    model::{Auth, CanonicalUrl, Credentials, FetchSettings, JobId, Secret, UrlError},
};
use url::Url;

/// Lines that are read ahead of their turn.
const READ_AHEAD: usize = 64;

/// Fetch pages and print them as JSON, a line for each URL in the order given, bodies in base64.
/// Redirects are followed, each checked like the first URL.
#[derive(Clone, Debug, clap::Args)]
pub struct FetchCommand {
    /// What to fetch (http or https)
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl", value_name = "URL")]
    pub urls: Vec<String>,
    /// Read URLs from standard input, one a line, bare or as {"url": "..."}
    #[arg(long)]
    pub jsonl: bool,
    /// Open no connection: say which URLs would be asked for, as far as scheme and address tell
    #[arg(long)]
    pub dry_run: bool,
    /// URLs on their way at once
    #[arg(long, value_name = "N", default_value = "64")]
    pub at_once: NonZero<usize>,
    /// Least gap between two requests to one host; a larger crawl-delay wins
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub delay: humantime::Duration,
    /// How to fetch
    #[command(flatten)]
    pub fetch: FetchArgs,
    /// Use ADDRESS instead of DNS for HOST (`*` is every host) on PORT; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<ResolveOverride>,
}

/// A line of input that is JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Question {
    Object { url: String },
    Text(String),
}

/// A line as it was read, or why it could not be.
type Line = Result<String, String>;

impl FetchCommand {
    /// Fetches and prints.
    ///
    /// # Errors
    /// When a URL of the command line gave no page (the reason is in its JSON as well), a line of input could not be
    /// read, or the output can't be written.
    pub async fn run(
        &self,
        settings: &Settings,
        input: impl Read + Send + 'static,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CliError> {
        if self.dry_run { self.judge(input, out) } else { self.fetch_all(settings, input, out).await }
    }

    fn judge(&self, input: impl Read + Send, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        let reach = Reach::from(self.fetch.allow_private_addresses);
        if self.jsonl {
            let answer = |line: &str| Ok(to_line(&dry_run::judge(&url_of(line)?, reach)));
            return answer_lines(input, out, Crew::computing(), answer)?.finish();
        }
        for url in &self.urls {
            writeln!(out, "{}", to_line(&dry_run::judge(url, reach))).or_exit(Exit::Output)?;
        }
        Ok(())
    }

    async fn fetch_all(
        &self,
        settings: &Settings,
        input: impl Read + Send + 'static,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CliError> {
        let mut settings = settings.clone();
        settings.resolve.extend(self.resolve.iter().cloned());
        settings.concurrency = settings.concurrency.max(self.at_once.get());
        let fetch = self.settings()?;
        let work = Arc::new(Work {
            fetcher: Fetcher::new(&settings).or_exit(Exit::Failed)?,
            fetch,
            job: JobId::fresh(),
        });
        let lines = if self.jsonl { read_lines(input) } else { of_arguments(&self.urls) };
        // On tasks of their own, so that all cores decode.
        let answers = stream::unfold(lines, |mut lines| async { Some((lines.recv().await?, lines)) })
            .map(|line| tokio::spawn(Arc::clone(&work).answer(line)))
            .buffered(self.at_once.get());
        let mut answers = pin!(answers);
        let (mut all, mut failed, mut unread, mut reason) = (0, 0, 0, None);
        while let Some(answer) = answers.next().await {
            let text = match answer.context("the fetch panicked").or_exit(Exit::Failed)? {
                Ok(report) => {
                    if let Some(why) = &report.reason {
                        failed += 1;
                        reason = Some(format!("{}: {why}", report.final_url));
                    }
                    to_line(&report)
                }
                Err(why) => {
                    unread += 1;
                    error_line(&why)
                }
            };
            all += 1;
            writeln!(out, "{text}").and_then(|()| out.flush()).or_exit(Exit::Output)?;
        }
        match reason {
            _ if unread > 0 => {
                let why =
                    anyhow!("{unread} of {all} lines could not be read; each has its `error` in its place");
                Err(CliError::new(Exit::BadInput, why))
            }
            // Whoever asks for many reads of each line what became of it.
            Some(_) if self.jsonl => Ok(()),
            Some(why) if all == 1 => Err(CliError::new(Exit::Failed, anyhow!(why))),
            Some(_) => Err(CliError::new(Exit::Failed, anyhow!("{failed} of {all} URLs gave no page"))),
            None => Ok(()),
        }
    }

    fn settings(&self) -> Result<FetchSettings, CliError> {
        let hosts: Vec<String> =
            self.urls.iter().filter_map(|url| Some(Url::parse(url).ok()?.host_str()?.to_owned())).collect();
        let settings = self.fetch.settings(hosts.iter().map(String::as_str))?;
        if !settings.credentials.is_empty() && settings.credentials.hosts.is_empty() {
            let why = anyhow!("nobody knows whom the credentials are for; name the hosts with --auth-host");
            return Err(CliError::new(Exit::Usage, why));
        }
        Ok(FetchSettings { delay_ms: millis(Duration::from(self.delay)), ..settings })
    }
}

/// What every fetch of the command shares.
struct Work {
    fetcher: Fetcher,
    fetch: FetchSettings,
    job: JobId,
}

impl Work {
    async fn answer(self: Arc<Self>, line: Line) -> Result<FetchReport, String> {
        let text = url_of(&line?)?;
        match target(&text) {
            Err(why) => Ok(report::refused(&text, &why)),
            Ok((url, None)) => Ok(report::fetch(&self.fetcher, url, &self.fetch, self.job).await),
            Ok((url, Some(credentials))) => {
                let settings = FetchSettings { credentials, ..self.fetch.clone() };
                Ok(report::fetch(&self.fetcher, url, &settings, self.job).await)
            }
        }
    }
}

/// The URL to fetch; user and password in it are for its host only.
fn target(text: &str) -> Result<(CanonicalUrl, Option<Credentials>), UrlError> {
    let mut url = Url::parse(text).map_err(UrlError::Syntax)?;
    let plain =
        |escaped: &str| percent_encoding::percent_decode_str(escaped).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
    let credentials = (pair.len() > 1).then(|| Credentials {
        hosts: url.host_str().map(str::to_owned).into_iter().collect(),
        auth: vec![Auth::Basic(Secret::new(pair))],
    });
    // Only a URL without a host keeps them, and such a one is refused.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok((CanonicalUrl::from_url(url)?, credentials))
}

/// The URL that a line names.
fn url_of(line: &str) -> Result<String, String> {
    let line = line.trim();
    if !line.starts_with(['{', '"']) {
        return Ok(line.to_owned());
    }
    match serde_json::from_str(line) {
        Ok(Question::Object { url } | Question::Text(url)) => Ok(url),
        Err(_) => Err("the line is JSON, but neither a text nor an object with a text `url`".to_owned()),
    }
}

fn of_arguments(urls: &[String]) -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(urls.len().max(1));
    for url in urls {
        // There is room for all of them. In quotes, or a URL could be taken for JSON.
        let _ = sender.try_send(serde_json::to_string(url).map_err(|error| error.to_string()));
    }
    lines
}

/// Reads lines on a thread of its own, because standard input can't be waited for.
fn read_lines(input: impl Read + Send + 'static) -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(READ_AHEAD);
    thread::spawn(move || {
        let mut input = BufReader::new(input);
        loop {
            let mut line = Vec::new();
            let taken = input.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line);
            let line = match taken {
                Ok(0) => break,
                Ok(MAX_LINE_BYTES) if line.last() != Some(&b'\n') => {
                    let skipped = input.skip_until(b'\n').map(drop);
                    skipped
                        .map_err(broken)
                        .and(Err(format!("the line is longer than {MAX_LINE_BYTES} bytes")))
                }
                Ok(_) => String::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned()),
                Err(error) => {
                    // What comes behind can't be known.
                    let _ = sender.blocking_send(Err(broken(error)));
                    break;
                }
            };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn broken(error: io::Error) -> String {
    format!("the input can't be read: {error}")
}

fn to_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what has names for keys has a JSON form")
}
