//! One request and its answer, each part within its bound.

use super::{
    HttpError, Phase, Request, Response, Unwanted,
    decode::Decoder,
    outgoing,
    pool::{Connection, Sender},
};
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body as _, Incoming},
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING,
    },
};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use trawl_shared::model::{Oversize, TypeRules};

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

/// Sends `request` over `connection` and reads the answer. True where the connection can carry another request.
pub(super) async fn exchange(
    connection: &mut Connection,
    request: &Request<'_>,
    begun: Instant,
) -> Result<(Response, bool), Broken> {
    let outgoing = outgoing::build(request, connection)?;
    let request_headers = outgoing::shown(&outgoing, request.url);
    let whole = Bound::new(begun, request.settings.timeout_ms);
    let fetched_at = Timestamp::now();
    let started = Instant::now();

    let bound = whole.sooner(Bound::new(started, request.settings.bounds.headers_ms));
    let sending = async {
        connection.sender.ready().await.map_err(|_| Broken::Stale)?;
        connection.sender.send(outgoing).await.map_err(|error| {
            if connection.reused && is_closed(&error) { Broken::Stale } else { Broken::Failed(error.into()) }
        })
    };
    let answer = timeout_at(bound.at, sending).await.map_err(|_| bound.passed(Phase::Headers))??;
    let headers_after = started.elapsed();

    let (head, mut body) = answer.into_parts();
    let mut response = Response {
        status: head.status.as_u16(),
        request_headers,
        headers: texts(&head.headers),
        body: bytes::Bytes::new(),
        truncated: false,
        unwanted: None,
        address: connection.about.address,
        fetched_at,
        connected_after: (!connection.reused).then_some(connection.about.connected_after),
        headers_after,
        took: headers_after,
    };
    check_transfer(&head.headers, &connection.sender)?;
    let is_page = head.status.is_success();
    // A redirect that leads to two places is told so by who follows it.
    if is_page && differ(&head.headers, &LOCATION) {
        return Err(HttpError::Untrusted("it names several locations that differ").into());
    }
    response.unwanted = is_page.then(|| unwanted(request, &head.headers)).flatten();
    if response.unwanted.is_some() {
        return Ok((response, body.is_end_stream()));
    }

    let max_body = if is_page { request.max_body } else { request.max_body.min(MAX_OTHER_BODY) };
    let mut decoder = Decoder::new(&codings(&head.headers), max_body, body.size_hint().exact());
    let ended = read(&mut body, &mut decoder, request, whole).await?;
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
    Ok((response, ended))
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

/// Reads the body into the decoder; true where it was read to its end. One timer is enough for most bodies, because
/// time is looked at once in a window.
async fn read(
    body: &mut Incoming,
    decoder: &mut Decoder,
    request: &Request<'_>,
    whole: Bound,
) -> Result<bool, Broken> {
    let least = request.settings.bounds.min_rate.saturating_mul(RATE_WINDOW.as_secs());
    loop {
        let window = Instant::now() + RATE_WINDOW;
        let mut arrived = 0;
        let reading = async {
            while let Some(frame) = body.frame().await {
                let Ok(chunk) = frame?.into_data() else { continue };
                arrived += chunk.len() as u64;
                if decoder.feed(&chunk)?.is_break() {
                    return Ok::<bool, HttpError>(body.is_end_stream());
                }
            }
            Ok(true)
        };
        match timeout_at(whole.at.min(window), reading).await {
            Ok(ended) => return Ok(ended?),
            Err(_) if Instant::now() >= whole.at => return Err(whole.passed(Phase::Body)),
            Err(_) if arrived < least => {
                return Err(HttpError::TooSlow { bytes: arrived, within: RATE_WINDOW }.into());
            }
            Err(_) => {}
        }
    }
}

/// Whether the other end went away without a word.
fn is_closed(error: &hyper::Error) -> bool {
    let reset = |error: &std::io::Error| {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
    };
    error.is_canceled()
        || error.is_closed()
        || error.is_incomplete_message()
        || std::error::Error::source(error).and_then(|source| source.downcast_ref()).is_some_and(reset)
}

/// A transfer coding behind `chunked` leaves open where the body ends (RFC 9112, section 6.3).
fn check_transfer(headers: &HeaderMap, sender: &Sender) -> Result<(), HttpError> {
    if matches!(sender, Sender::Http2(_)) || !headers.contains_key(TRANSFER_ENCODING) {
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
