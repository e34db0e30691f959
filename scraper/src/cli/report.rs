//! What `scraper fetch` prints of a URL: the whole way through its redirects.

use crate::{
    fetch_page::{Ask, Fetched, Fetcher, NoAnswer},
    handler::{redirect_target, status_code, unwanted_type},
    http::{Response, millis},
    status::Policy,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use std::{borrow::Cow, net::IpAddr};
use trawl_shared::{
    content::{
        charset::{self, charset_parameter, of_response},
        mime::{MediaType, sniff},
    },
    model::{CanonicalUrl, FetchSettings, JobId, UrlError, code},
};

/// What became of a URL.
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
    pub url: String,
    /// The URL that answered last.
    pub final_url: String,
    /// The URLs that redirected, in order.
    pub redirects: Vec<String>,
    /// The sitemaps that the robots.txt of the last URL names, with `--sitemaps`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sitemaps: Vec<String>,
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
    /// What the body is, `type/subtype`, by its header and its first bytes.
    pub mime: String,
    /// What the body is encoded in, by WHATWG name; of what is no text only what is declared.
    pub charset: Option<&'static str>,
    /// On whose word: `bom`, `header`, `meta` or `detected`.
    pub charset_source: Option<&'static str>,
    /// The address that answered; none behind a proxy.
    pub address: Option<IpAddr>,
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
    /// Until the connection could carry a request; none where it was there already.
    pub connect_ms: Option<u64>,
    /// From the request until the headers were there.
    pub headers_ms: u64,
    /// From the request until the last byte was.
    pub total_ms: u64,
}

/// Fetches a URL and what it redirects to, each hop judged like the first.
pub(super) async fn fetch(
    fetcher: &Fetcher,
    url: CanonicalUrl,
    settings: &FetchSettings,
    job: JobId,
) -> FetchReport {
    let mut way = vec![url];
    loop {
        let url = &way[way.len() - 1];
        let ask = Ask { url, job, settings, validators: None, earliest: None };
        let Fetched { result, sitemaps, .. } = fetcher.fetch(ask).await;
        let response = match result {
            Ok(response) => response,
            Err(no) => {
                let (outcome, code) = judge(&no);
                return report(
                    &way,
                    None,
                    outcome,
                    code.into(),
                    Some(format!("{:#}", anyhow::Error::from(no))),
                );
            }
        };
        let (status, policy) = (response.status, response.policy());
        let answered = || Some(format!("the server answered {status}"));
        let (outcome, code, reason) = match policy {
            Policy::Page => match unwanted_type(settings, &response) {
                None => ("fetched", code::OK.into(), None),
                Some(why) => ("excluded", why.code().into(), Some(why.to_string())),
            },
            Policy::Redirect => match redirect_target(url, &response) {
                Err(why) => ("gone", code::BAD_REDIRECT.into(), Some(why)),
                Ok(target) if way.contains(&target) => {
                    let why = format!("it redirects in a circle, to {target}");
                    ("excluded", code::TOO_MANY_REDIRECTS.into(), Some(why))
                }
                Ok(_) if way.len() > usize::from(settings.bounds.max_redirects) => {
                    let why = format!("more than {} redirects in a row", settings.bounds.max_redirects);
                    ("excluded", code::TOO_MANY_REDIRECTS.into(), Some(why))
                }
                Ok(target) => {
                    way.push(target);
                    continue;
                }
            },
            Policy::Gone => ("gone", status_code(status), answered()),
            Policy::Unchanged | Policy::Nonsense => ("gone", code::BAD_RESPONSE.into(), answered()),
            Policy::Retry => ("failed", code::SERVER_ERROR.into(), answered()),
            Policy::Throttled => ("failed", code::THROTTLED.into(), answered()),
        };
        return FetchReport { sitemaps, ..report(&way, Some(response), outcome, code, reason) };
    }
}

/// The report of a text that is no URL to fetch.
pub(super) fn refused(text: &str, why: &UrlError) -> FetchReport {
    FetchReport {
        outcome: "excluded",
        code: code::BAD_URL.into(),
        reason: Some(why.to_string()),
        url: text.to_owned(),
        final_url: text.to_owned(),
        redirects: Vec::new(),
        sitemaps: Vec::new(),
        answer: None,
    }
}

fn report(
    way: &[CanonicalUrl],
    response: Option<Response>,
    outcome: &'static str,
    code: Cow<'static, str>,
    reason: Option<String>,
) -> FetchReport {
    let (last, before) = way.split_last().expect("the way begins with the URL that was asked for");
    FetchReport {
        outcome,
        code,
        reason,
        url: way[0].to_string(),
        final_url: last.to_string(),
        redirects: before.iter().map(ToString::to_string).collect(),
        sitemaps: Vec::new(),
        answer: response.map(|response| AnswerReport::new(response, last.as_url().host_str())),
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

fn is_text(mime: &MediaType) -> bool {
    mime.kind() == "text" || mime.is_xml() || mime.is_json()
}

impl AnswerReport {
    fn new(response: Response, host: Option<&str>) -> Self {
        let content_type = response.header("content-type");
        let mime = sniff(content_type, response.forbids_sniffing(), &response.body);
        let charset = match content_type.and_then(charset_parameter) {
            label if is_text(&mime) => Some(charset::sniff(&response.body, label, host)),
            _ => of_response(content_type, &response.body),
        };
        Self {
            status: response.status,
            mime: mime.essence(),
            charset: charset.map(|(encoding, _)| encoding.name()),
            charset_source: charset.map(|(_, source)| source.as_str()),
            address: response.address,
            timings: Timings {
                connect_ms: response.connected_after.map(millis),
                headers_ms: millis(response.headers_after),
                total_ms: millis(response.took),
            },
            truncated: response.truncated,
            body_base64: STANDARD.encode(&response.body),
            headers: response.headers,
        }
    }
}
