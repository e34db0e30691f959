//! One request and its answer, within one deadline.

use super::{HttpError, Request, Response, client::usual_headers, decode::Decoder};
use jiff::Timestamp;
use reqwest::{
    Method,
    header::{CONTENT_ENCODING, HeaderMap, HeaderValue, USER_AGENT},
};
use tokio::time::{Instant, timeout_at};

/// What is read of a body that is no page: enough for a small error page, so that its connection
/// can be used again.
const MAX_OTHER_BODY: u64 = 64 * 1024;

const WAITING: &str = "waiting for the answer";
const READING: &str = "reading the body";

pub(super) async fn get(client: &reqwest::Client, request: Request<'_>) -> Result<Response, HttpError> {
    let mut phase = WAITING;
    let deadline = Instant::now() + request.timeout;
    match timeout_at(deadline, exchange(client, request, &mut phase)).await {
        Ok(answer) => answer,
        Err(_) => Err(HttpError::Timeout { after: request.timeout, phase }),
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: Request<'_>,
    phase: &mut &'static str,
) -> Result<Response, HttpError> {
    let mut outgoing = reqwest::Request::new(Method::GET, request.url.clone());
    *outgoing.headers_mut() = usual_headers();
    // A user agent that is no header value was meant as text: keep what can travel.
    let agent = HeaderValue::from_str(request.user_agent)
        .or_else(|_| {
            HeaderValue::from_str(&request.user_agent.replace(|c: char| !(' '..='~').contains(&c), ""))
        })
        .unwrap_or_else(|_| HeaderValue::from_static(""));
    outgoing.headers_mut().insert(USER_AGENT, agent);
    let mut request_headers = vec![("host".to_owned(), host(request.url))];
    request_headers.extend(texts(outgoing.headers()));

    let fetched_at = Timestamp::now();
    let started = Instant::now();
    let failed = |error, phase| HttpError::from_reqwest(error, request.timeout, phase);
    let mut answer = client.execute(outgoing).await.map_err(|e| failed(e, WAITING))?;
    *phase = READING;
    let headers_after = started.elapsed();

    let status = answer.status();
    let max_body = if status.is_success() { request.max_body } else { request.max_body.min(MAX_OTHER_BODY) };
    let mut decoder = Decoder::new(&codings(answer.headers()), max_body, answer.content_length());
    let headers = texts(answer.headers());
    while let Some(chunk) = answer.chunk().await.map_err(|e| failed(e, READING))? {
        if decoder.feed(&chunk)?.is_break() {
            break;
        }
    }
    let decoded = decoder.finish();
    let (body, truncated) = match decoded {
        Ok(decoded) => decoded,
        // Nobody needs the text of an error page: its status is the answer.
        Err(_) if !status.is_success() => Default::default(),
        Err(error) => return Err(error),
    };
    let took = started.elapsed();
    let status = status.as_u16();
    Ok(Response { status, request_headers, headers, body, truncated, fetched_at, headers_after, took })
}

/// The `Host` header, which the client derives from the URL itself.
fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The content codings, in the order they were applied in.
fn codings(headers: &HeaderMap) -> String {
    let mut values = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut all = values.next().unwrap_or_default().to_owned();
    for value in values {
        all.push(',');
        all.push_str(value);
    }
    all
}

/// Headers as text: UTF-8, else Latin-1, so that every byte has a character.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
