//! `scraper fetch`: one page to standard output as JSON.

use crate::{
    charset,
    fetch_page::{Fetched, Fetcher, NoAnswer},
    handler::{MAX_REDIRECTS, redirect_target, status_code},
    http::{Response, millis},
    resolve::ResolveOverride,
    settings::Settings,
    status::Policy,
};
use anyhow::anyhow;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytesize::ByteSize;
use serde::Serialize;
use std::{borrow::Cow, io::Write, time::Duration};
use trawl_shared::{
    cli::{CliError, Exit, OrExit as _},
    model::{CanonicalUrl, DEFAULT_USER_AGENT, FetchSettings, RobotsPolicy, code},
};

/// Fetch one page and print it as JSON, body in base64. Follows up to 10 redirects, each checked
/// like the first URL.
#[derive(Clone, Debug, clap::Args)]
pub struct FetchArgs {
    /// What to fetch (http or https)
    pub url: CanonicalUrl,
    /// User-Agent header; robots.txt knows the crawler by its first product
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_USER_AGENT)]
    pub user_agent: String,
    /// Bound on each request from connect to last byte
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub timeout: humantime::Duration,
    /// Longest body kept; the rest is cut
    #[arg(long, value_name = "SIZE", default_value = "10MiB")]
    pub max_body: ByteSize,
    /// Dial loopback, private and other special addresses too
    #[arg(long)]
    pub allow_private_addresses: bool,
    /// Do not ask robots.txt
    #[arg(long)]
    pub ignore_robots: bool,
    /// Use ADDRESS instead of DNS for HOST (`*` is every host) on PORT; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<ResolveOverride>,
}

/// What `scraper fetch` prints.
#[derive(Debug, Serialize)]
pub struct FetchReport {
    /// `fetched`, `gone`, `excluded` or `failed`.
    pub outcome: &'static str,
    /// The stable code: `ok`, or why not.
    pub code: Cow<'static, str>,
    /// The reason, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The URL asked for.
    pub url: CanonicalUrl,
    /// The URL that answered last.
    pub final_url: CanonicalUrl,
    /// The URLs that redirected, in order.
    pub redirects: Vec<CanonicalUrl>,
    /// The last answer, where there was one.
    #[serde(flatten)]
    pub answer: Option<AnswerReport>,
}

/// The answer's part of a [`FetchReport`].
#[derive(Debug, Serialize)]
pub struct AnswerReport {
    /// Status.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Declared charset, by WHATWG name.
    pub charset: Option<&'static str>,
    /// Times of the last request.
    pub timings: Timings,
    /// Whether there was more of the body.
    pub truncated: bool,
    /// The body, decoded; of an answer that is no page only the beginning.
    pub body_base64: String,
}

/// Times of one request.
#[derive(Debug, Serialize)]
pub struct Timings {
    /// Until the headers were there.
    pub headers_ms: u64,
    /// Until the last byte was.
    pub total_ms: u64,
}

impl FetchArgs {
    /// Fetches and prints.
    ///
    /// # Errors
    /// When there is no page to print, or it can't be written. The reason is in the JSON as well.
    pub async fn run(&self, settings: &Settings, out: &mut dyn Write) -> Result<(), CliError> {
        let mut settings = settings.clone();
        settings.resolve.extend(self.resolve.iter().cloned());
        let fetcher = Fetcher::new(&settings).or_exit(Exit::Failed)?;
        let report = self.fetch(&fetcher).await;
        serde_json::to_writer(&mut *out, &report).map_err(anyhow::Error::from).or_exit(Exit::Output)?;
        writeln!(out).and_then(|()| out.flush()).or_exit(Exit::Output)?;
        match report.reason {
            None => Ok(()),
            Some(reason) => Err(CliError::new(Exit::Failed, anyhow!("{}: {reason}", report.final_url))),
        }
    }

    /// Fetches the URL and what it redirects to.
    pub async fn fetch(&self, fetcher: &Fetcher) -> FetchReport {
        let settings = self.fetch_settings();
        let mut report = FetchReport {
            outcome: "failed",
            code: code::OK.into(),
            reason: None,
            url: self.url.clone(),
            final_url: self.url.clone(),
            redirects: Vec::new(),
            answer: None,
        };
        loop {
            let Fetched { result, .. } = fetcher.fetch(&report.final_url, &settings, None).await;
            let response = match result {
                Ok(response) => response,
                Err(no) => {
                    let (outcome, code) = judge(&no);
                    report.answer = None;
                    return report.end(outcome, code.into(), Some(format!("{:#}", anyhow::Error::from(no))));
                }
            };
            let policy = response.policy();
            let target = (policy == Policy::Redirect).then(|| redirect_target(&report.final_url, &response));
            let status = response.status;
            report.answer = Some(AnswerReport::new(response));
            let answered = || Some(format!("the server answered {status}"));
            return match (policy, target) {
                (Policy::Page, _) => report.end("fetched", code::OK.into(), None),
                (Policy::Redirect, Some(Ok(_))) if report.redirects.len() >= usize::from(MAX_REDIRECTS) => {
                    let reason = format!("more than {MAX_REDIRECTS} redirects in a row");
                    report.end("excluded", code::TOO_MANY_REDIRECTS.into(), Some(reason))
                }
                (Policy::Redirect, Some(Ok(target))) => {
                    let from = std::mem::replace(&mut report.final_url, target);
                    report.redirects.push(from);
                    continue;
                }
                (Policy::Redirect, why) => {
                    report.end("gone", code::BAD_REDIRECT.into(), why.and_then(Result::err))
                }
                (Policy::Gone, _) => report.end("gone", status_code(status), answered()),
                (Policy::Nonsense, _) => report.end("gone", code::BAD_RESPONSE.into(), answered()),
                (Policy::Retry, _) => report.end("failed", code::SERVER_ERROR.into(), answered()),
                (Policy::Throttled, _) => report.end("failed", code::THROTTLED.into(), answered()),
            };
        }
    }

    fn fetch_settings(&self) -> FetchSettings {
        FetchSettings {
            user_agent: self.user_agent.clone(),
            robots: if self.ignore_robots { RobotsPolicy::Ignore } else { RobotsPolicy::Obey },
            timeout_ms: millis(Duration::from(self.timeout)),
            max_body: self.max_body.as_u64(),
            allow_private_addresses: self.allow_private_addresses,
            // A person waits for this one page.
            delay_ms: 0,
            ..FetchSettings::default()
        }
    }
}

/// The outcome and code of a URL that gave no answer.
fn judge(no: &NoAnswer) -> (&'static str, &'static str) {
    match no {
        NoAnswer::Disallowed(_) => ("excluded", code::ROBOTS_DISALLOWED),
        NoAnswer::Http(error) if error.is_final() => ("excluded", error.code()),
        NoAnswer::Http(error) => ("failed", error.code()),
        NoAnswer::Robots(why) => ("failed", why.code),
        NoAnswer::Wait(_) => ("failed", code::THROTTLED),
    }
}

impl FetchReport {
    fn end(self, outcome: &'static str, code: Cow<'static, str>, reason: Option<String>) -> Self {
        Self { outcome, code, reason, ..self }
    }
}

impl AnswerReport {
    fn new(response: Response) -> Self {
        Self {
            status: response.status,
            charset: charset::declared(response.header("content-type"), &response.body),
            timings: Timings { headers_ms: millis(response.headers_after), total_ms: millis(response.took) },
            truncated: response.truncated,
            body_base64: STANDARD.encode(&response.body),
            headers: response.headers,
        }
    }
}
