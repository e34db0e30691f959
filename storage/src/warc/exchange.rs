//! A fetched page as records: the response (or word that it is known), its request, and what the crawl
//! knows of both.

use super::{Fields, NewRecord, sha1, write::urn};
use trawl_shared::model::{MessageId, ScrapedPage};
use uuid::Uuid;

/// What says that a revisit has the payload of an earlier response.
const SAME_PAYLOAD: &str = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest";

/// The archived response that has the same payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its record.
    pub id: Uuid,
    /// Its URL.
    pub url: String,
    /// When it was captured, as its record says.
    pub date: String,
}

/// The id of a task's response record: the same whenever the task is archived.
#[must_use]
pub(crate) fn response_id(page: &ScrapedPage) -> Uuid {
    record_id(page, "response")
}

/// The records of a page, in the order they are written. `digest` is the payload's ([`sha1`] of the body).
///
/// The fetcher undoes content and transfer codings, so the body is archived decoded; the headers that
/// spoke of the codings keep their values under the prefix `x-archive-orig-`.
#[must_use]
pub fn exchange(page: &ScrapedPage, digest: &str, earlier: Option<&Earlier>) -> Vec<NewRecord> {
    let response = response(page, digest, earlier);
    let concurrent_to = urn(response.id);
    let record = |kind, content_type, block| {
        let mut fields = about(page);
        fields.push("WARC-Concurrent-To", concurrent_to.clone());
        NewRecord { kind, id: record_id(page, kind), date: page.fetched_at, fields, content_type, block }
    };
    let mut records = Vec::with_capacity(3);
    if !page.request_headers.is_empty() {
        records.push(record("request", "application/http;msgtype=request", request(page)));
    }
    records.push(record("metadata", "application/warc-fields", metadata(page)));
    records.insert(0, response);
    records
}

fn response(page: &ScrapedPage, digest: &str, earlier: Option<&Earlier>) -> NewRecord {
    let mut fields = about(page);
    if let Some(address) = page.address {
        fields.push("WARC-IP-Address", address.to_string());
    }
    fields.push("WARC-Payload-Digest", digest);
    if page.truncated {
        fields.push("WARC-Truncated", "length");
    }
    let mut block = head(page);
    let kind = match earlier {
        None => {
            block.extend(&page.body);
            "response"
        }
        Some(earlier) => {
            fields.push("WARC-Profile", SAME_PAYLOAD);
            fields.push("WARC-Refers-To", urn(earlier.id));
            fields.push("WARC-Refers-To-Target-URI", earlier.url.as_str());
            fields.push("WARC-Refers-To-Date", earlier.date.as_str());
            "revisit"
        }
    };
    let content_type = "application/http;msgtype=response";
    NewRecord { kind, id: response_id(page), date: page.fetched_at, fields, content_type, block }
}

fn record_id(page: &ScrapedPage, kind: &str) -> Uuid {
    MessageId::from(page.origin.task).child(&format!("warc/{kind}"), 0).0
}

fn about(page: &ScrapedPage) -> Fields {
    let mut fields = Fields::default();
    fields.push("WARC-Target-URI", page.origin.url.as_str());
    fields
}

/// Status line and headers of the response, as they fit the body that is archived.
fn head(page: &ScrapedPage) -> Vec<u8> {
    let reason = reason(page.status);
    let mut head =
        format!("HTTP/1.1 {}{}{reason}\r\n", page.status, if reason.is_empty() { "" } else { " " });
    let mut fields = Fields::default();
    for (name, value) in &page.headers {
        match name.as_str() {
            "content-encoding" | "transfer-encoding" => {
                fields.push(&format!("x-archive-orig-{name}"), value.as_str());
            }
            "content-length" if *value != page.body.len().to_string() => {
                fields.push("x-archive-orig-content-length", value.as_str());
            }
            "content-length" => {}
            _ => fields.push(name, value.as_str()),
        }
    }
    fields.push("content-length", page.body.len().to_string());
    let mut bytes = std::mem::take(&mut head).into_bytes();
    fields.write(&mut bytes);
    bytes.extend(b"\r\n");
    bytes
}

fn request(page: &ScrapedPage) -> Vec<u8> {
    let url = page.origin.url.as_url();
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target.push('?');
        target.push_str(query);
    }
    let mut block = format!("GET {target} HTTP/1.1\r\n").into_bytes();
    Fields(page.request_headers.clone()).write(&mut block);
    block.extend(b"\r\n");
    block
}

fn metadata(page: &ScrapedPage) -> Vec<u8> {
    let origin = &page.origin;
    let mut fields = Fields::default();
    if let Some(found_on) = &origin.found_on {
        fields.push("via", found_on.as_str());
    }
    fields.push("fetchTimeMs", page.took_ms.to_string());
    if let Some(charset) = &page.charset {
        fields.push("charsetForLinkExtraction", charset.as_str());
    }
    fields.push("trawl-job", origin.job.to_string());
    fields.push("trawl-task", origin.task.to_string());
    fields.push("trawl-round", origin.round.to_string());
    fields.push("trawl-depth", origin.depth.to_string());
    let mut block = Vec::new();
    fields.write(&mut block);
    block
}

/// The reason phrases of RFC 9110, where pages have such a status.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        _ => "",
    }
}

/// The digest that [`exchange`] takes.
#[must_use]
pub(crate) fn payload_digest(page: &ScrapedPage) -> String {
    sha1(&page.body)
}
