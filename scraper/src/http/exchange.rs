//! One request and its answer, each part within its bound.

use super::{
    HttpError, Phase, Request, Response, Unwanted, connect::Dial, decode::Decoder, error::cause, outgoing,
};
use jiff::Timestamp;
use reqwest::{
    Version,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
        TRANSFER_ENCODING,
    },
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};
use trawl_shared::model::{Oversize, TypeRules};

/// Longest header of an answer. reqwest reads some more before it gives up on HTTP/1 (hyper's buffer of about 400 KiB).
pub(super) const MAX_HEADER_BYTES: u32 = 256 * 1024;
/// What a header field takes besides its name and value, as HTTP/2 counts it (RFC 9113, section 6.5.2).
const FIELD_OVERHEAD: usize = 32;
/// What is read of a body that is no page: enough for a small error page, so that its connection
/// can be used again.
const MAX_OTHER_BODY: u64 = 64 * 1024;
/// The time over which the rate of a body is counted.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// How an exchange failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection was closed while it waited; the request was not answered, and may be sent again.
    Stale,
    /// For good.
    Failed(HttpError),
}

impl<E: Into<HttpError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Sends `request` and reads the answer; `dial` is the connection that is made for it, if one is.
pub(super) async fn exchange(
    client: &reqwest::Client,
    request: &Request<'_>,
    dial: &Arc<Dial>,
    begun: Instant,
) -> Result<Response, Broken> {
    let outgoing = outgoing::build(request)?;
    let request_headers = outgoing::shown(&outgoing);
    let whole = Bound::new(begun, request.settings.timeout_ms);
    let asked = Instant::now();
    let answer = send(client.execute(outgoing), request, dial, whole).await?;
    let made = dial.made();
    let started = made.map_or(asked, |(at, _)| at);
    let headers_after = started.elapsed();
    check_header(answer.headers(), answer.version())?;

    let (status, headers) = (answer.status(), answer.headers());
    let mut response = Response {
        status: status.as_u16(),
        request_headers,
        headers: texts(headers),
        body: bytes::Bytes::new(),
        truncated: false,
        unwanted: None,
        address: answer.remote_addr().map(|address| address.ip()),
        fetched_at: Timestamp::now() - headers_after,
        sent: started,
        connected_after: made.map(|(_, after)| after),
        headers_after,
        took: headers_after,
    };
    let is_page = status.is_success();
    // A redirect that leads to two places is told so by who follows it.
    if is_page && differ(headers, &LOCATION) {
        return Err(HttpError::Untrusted("it names several locations that differ").into());
    }
    response.unwanted = is_page.then(|| unwanted(request, headers)).flatten();
    if response.unwanted.is_some() {
        return Ok(response);
    }

    let max_body = if is_page { request.max_body } else { request.max_body.min(MAX_OTHER_BODY) };
    let mut decoder = Decoder::new(&codings(headers), max_body, answer.content_length());
    read(answer, &mut decoder, request, whole).await?;
    match decoder.finish() {
        Ok((bytes, truncated)) => (response.body, response.truncated) = (bytes, truncated),
        // Nobody needs the text of an error page: its status is the answer.
        Err(_) if !is_page => {}
        Err(error) => return Err(error.into()),
    }
    if is_page && response.truncated && excludes(request) && response.body.len() as u64 >= max_body {
        response.unwanted = Some(Unwanted::Size(max_body));
    }
    response.took = started.elapsed();
    Ok(response)
}

/// Waits for the header of the answer. Its bound begins where there is a connection, whose own bound `dial` keeps.
async fn send(
    sending: impl Future<Output = reqwest::Result<reqwest::Response>>,
    request: &Request<'_>,
    dial: &Arc<Dial>,
    whole: Bound,
) -> Result<reqwest::Response, Broken> {
    let asked = Instant::now();
    let headers_ms = request.settings.bounds.headers_ms.max(1);
    let mut sending = pin!(dial.watch(sending));
    loop {
        let from = dial.made().map_or(asked, |(at, _)| at);
        let bound = whole.sooner(Bound::new(from, headers_ms));
        // A connection that is still being made ends by its own bound, which is within the whole's.
        let at = if dial.under_way() { Bound::new(Instant::now(), headers_ms).at } else { bound.at };
        match timeout_at(at, &mut sending).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => {
                let failure = if error.is_connect() { dial.take_failure() } else { None };
                return Err(match failure {
                    Some(failure) => Broken::Failed(failure),
                    None if error.is_connect() => {
                        Broken::Failed(HttpError::Connect(error.without_url().into()))
                    }
                    None if dial.made().is_none() && is_closed(&error) => Broken::Stale,
                    None => Broken::Failed(error.into()),
                });
            }
            Err(_) if dial.under_way() || dial.made().is_some_and(|(at, _)| at > from) => {}
            Err(_) => return Err(bound.passed(Phase::Headers)),
        }
    }
}

/// An instant that must not pass, and what it was reckoned from.
#[derive(Clone, Copy)]
struct Bound {
    at: Instant,
    after: Duration,
}

impl Bound {
    fn new(from: Instant, millis: u64) -> Self {
        let after = Duration::from_millis(millis).min(super::client::LONGEST);
        Self { at: from + after, after }
    }

    fn sooner(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    fn passed(self, phase: Phase) -> Broken {
        Broken::Failed(HttpError::Timeout { after: self.after, phase })
    }
}

/// Reads the body into the decoder. One timer is enough for most bodies, because
/// time is looked at once in a window.
async fn read(
    mut answer: reqwest::Response,
    decoder: &mut Decoder,
    request: &Request<'_>,
    whole: Bound,
) -> Result<(), Broken> {
    let least = request.settings.bounds.min_rate.saturating_mul(RATE_WINDOW.as_secs());
    loop {
        let window = Instant::now() + RATE_WINDOW;
        let mut arrived = 0;
        let reading = async {
            while let Some(chunk) = answer.chunk().await? {
                arrived += chunk.len() as u64;
                if decoder.feed(&chunk)?.is_break() {
                    break;
                }
            }
            Ok::<(), HttpError>(())
        };
        match timeout_at(whole.at.min(window), reading).await {
            Ok(read) => return Ok(read?),
            Err(_) if Instant::now() >= whole.at => return Err(whole.passed(Phase::Body)),
            Err(_) if arrived < least => {
                return Err(HttpError::TooSlow { bytes: arrived, within: RATE_WINDOW }.into());
            }
            Err(_) => {}
        }
    }
}

/// Whether the other end went away without a word.
fn is_closed(error: &reqwest::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let went =
        |error: &hyper::Error| error.is_canceled() || error.is_closed() || error.is_incomplete_message();
    let reset = |error: &std::io::Error| {
        matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
    };
    cause(error).is_some_and(went) || cause(error).is_some_and(reset)
}

/// What makes the whole answer one that is not taken.
fn check_header(headers: &HeaderMap, version: Version) -> Result<(), HttpError> {
    let field =
        |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + FIELD_OVERHEAD;
    if headers.iter().map(field).sum::<usize>() > MAX_HEADER_BYTES as usize {
        return Err(HttpError::HeadersTooLarge);
    }
    // A transfer coding behind `chunked` leaves open where the body ends (RFC 9112, section 6.3).
    if version == Version::HTTP_2 || !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    let all = list(headers, &TRANSFER_ENCODING);
    let mut names = all.split(',').map(str::trim).filter(|name| !name.is_empty()).rev();
    let chunked = |name: &str| name.eq_ignore_ascii_case("chunked");
    names.next();
    if names.any(chunked) {
        return Err(HttpError::Untrusted("a transfer coding stands behind `chunked`"));
    }
    Ok(())
}

/// Whether a header is there more than once and says different things.
fn differ(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    values.next().is_some_and(|first| values.any(|other| other != first))
}

/// Why the header alone is enough to not want the page.
fn unwanted(request: &Request<'_>, headers: &HeaderMap) -> Option<Unwanted> {
    let length = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse::<u64>().ok();
    if excludes(request) && length().is_some_and(|length| length > request.max_body) {
        return Some(Unwanted::Size(request.max_body));
    }
    let rules: &TypeRules = &request.settings.types;
    if !request.is_page || rules.are_none() {
        return None;
    }
    let declared = text(headers.get(CONTENT_TYPE)?);
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!rules.keep(&essence)).then_some(Unwanted::Type(essence))
}

fn excludes(request: &Request<'_>) -> bool {
    request.is_page && request.settings.oversize == Oversize::Exclude
}

/// The codings of a body, in the order they were applied in: first those of the content, then those of the transfer.
fn codings(headers: &HeaderMap) -> String {
    let mut all = list(headers, &CONTENT_ENCODING);
    if headers.contains_key(TRANSFER_ENCODING) {
        all.push(',');
        all.push_str(&list(headers, &TRANSFER_ENCODING));
    }
    all
}

/// The values of a header that is a list.
fn list(headers: &HeaderMap, name: &HeaderName) -> String {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut all = values.next().unwrap_or_default().to_owned();
    for value in values {
        all.push(',');
        all.push_str(value);
    }
    all
}

/// Headers as text: UTF-8, else Latin-1, so that every byte has a character.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

pub(super) fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}
