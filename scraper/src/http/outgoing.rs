//! The request as it is sent.

use super::{HttpError, Request, exchange};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName,
        HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT,
    },
};
use trawl_shared::model::{Auth, RequestHeader};
use url::Position;

/// The request. Its `Host` is left to reqwest, which knows whether it speaks HTTP/1.
pub(super) fn build(request: &Request<'_>) -> Result<reqwest::Request, HttpError> {
    let mut outgoing = reqwest::Request::new(Method::GET, request.url.clone());
    *outgoing.headers_mut() = headers(request)?;
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
    headers.remove(HOST);
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

/// The headers for an archive of the exchange: what is secret stays out.
pub(super) fn shown(outgoing: &reqwest::Request) -> Vec<(String, String)> {
    let mut shown = Vec::with_capacity(outgoing.headers().len() + 1);
    shown.push(("host".to_owned(), outgoing.url()[Position::BeforeHost..Position::AfterPort].to_owned()));
    let open = outgoing.headers().iter().filter(|(_, value)| !value.is_sensitive());
    shown.extend(open.map(|(name, value)| (name.as_str().to_owned(), exchange::text(value))));
    shown
}
