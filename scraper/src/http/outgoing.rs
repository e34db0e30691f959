//! The request as it is sent.

use super::{
    HttpError, Request,
    pool::{Connection, Sender},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Uri,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName,
        HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, PROXY_AUTHORIZATION, USER_AGENT,
    },
};
use trawl_shared::model::{Auth, RequestHeader};
use url::{Position, Url};

/// The request for `connection`: HTTP/1 names the path and has a `Host`, HTTP/2 and forwarding proxies get the whole URL.
pub(super) fn build(
    request: &Request<'_>,
    connection: &Connection,
) -> Result<hyper::Request<Empty<Bytes>>, HttpError> {
    let http1 = matches!(connection.sender, Sender::Http1(_));
    let forward = connection.about.forward.as_ref();
    let url = request.url;
    let target = if http1 && forward.is_none() {
        &url[Position::BeforePath..Position::AfterQuery]
    } else {
        &url[..Position::AfterQuery]
    };
    let uri = Uri::try_from(target).map_err(|error| HttpError::BadUrl(error.to_string()))?;
    let mut outgoing = hyper::Request::new(Empty::new());
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = headers(request)?;
    let headers = outgoing.headers_mut();
    if http1 {
        headers.insert(HOST, value(host(url))?);
    }
    if let Some(authorization) = forward.and_then(|forward| forward.authorization.as_ref()) {
        headers.insert(PROXY_AUTHORIZATION, secret(authorization.expose())?);
    }
    Ok(outgoing)
}

fn headers(request: &Request<'_>) -> Result<HeaderMap, HttpError> {
    let settings = request.settings;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(USER_AGENT, user_agent(&settings.user_agent));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    );
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd, deflate"));
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en,*;q=0.5"));
    for header in &settings.headers {
        add(&mut headers, header)?;
    }
    if let Some(known) = request.validators {
        if let Some(etag) = &known.etag {
            headers.insert(IF_NONE_MATCH, value(etag)?);
        }
        if let Some(date) = &known.last_modified {
            headers.insert(IF_MODIFIED_SINCE, value(date)?);
        }
    }
    let mut cookies = request.cookies.map(str::to_owned).unwrap_or_default();
    if !settings.credentials.is_empty()
        && settings.credentials.are_for(request.url.host_str().unwrap_or_default())
    {
        for auth in &settings.credentials.auth {
            match auth {
                Auth::Basic(pair) => {
                    let text = format!("Basic {}", STANDARD.encode(pair.expose()));
                    headers.insert(AUTHORIZATION, secret(&text)?);
                }
                Auth::Bearer(token) => {
                    headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", token.expose()))?);
                }
                Auth::Header(header) => add(&mut headers, header)?,
                Auth::Cookie(pairs) => {
                    let separator = if cookies.is_empty() { "" } else { "; " };
                    cookies = format!("{}{separator}{cookies}", pairs.expose());
                }
            }
        }
    }
    if !cookies.is_empty() {
        headers.insert(COOKIE, secret(&cookies)?);
    }
    Ok(headers)
}

/// Sets a header that the job names. Its value may be a secret.
fn add(headers: &mut HeaderMap, header: &RequestHeader) -> Result<(), HttpError> {
    let name = HeaderName::from_bytes(header.name.as_bytes())
        .map_err(|_| HttpError::BadUrl(format!("{:?} is no header's name", header.name)))?;
    headers.insert(name, secret(header.value.expose())?);
    Ok(())
}

fn value(text: &str) -> Result<HeaderValue, HttpError> {
    HeaderValue::from_str(text).map_err(|_| HttpError::BadUrl(format!("{text:?} can't stand in a header")))
}

/// A value that is left out of everything that shows requests.
fn secret(text: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| HttpError::BadUrl("a header of the job holds what no header can".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A user agent that is no header value was meant as text: what can travel is kept.
fn user_agent(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_str(&text.replace(|c: char| !(' '..='~').contains(&c), "")))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Host and port, where that is not the scheme's own.
fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// The headers for an archive of the exchange: what is secret stays out.
pub(super) fn shown(outgoing: &hyper::Request<Empty<Bytes>>, url: &Url) -> Vec<(String, String)> {
    let mut shown = Vec::with_capacity(outgoing.headers().len() + 1);
    if !outgoing.headers().contains_key(HOST) {
        shown.push(("host".to_owned(), host(url).to_owned()));
    }
    let open = outgoing.headers().iter().filter(|(_, value)| !value.is_sensitive());
    shown.extend(open.map(|(name, value)| (name.as_str().to_owned(), super::exchange::text(value))));
    shown
}
