//! The index of an archive: a CDXJ line for each capture, sorted by key and time.

use super::{Digest, ReadError, Reader, Record, sha1, surt};
use serde::Serialize;
use std::io::{self, Read};

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file can't be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// One of its records can't be.
    #[error(transparent)]
    Record(#[from] ReadError),
}

/// What stands behind key and time; replay tools know these names.
#[derive(Serialize)]
struct Capture<'a> {
    url: &'a str,
    mime: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    digest: &'a str,
    length: String,
    offset: String,
    filename: &'a str,
}

/// The lines of a file's captures (responses, revisits, resources and metadata with a URL), in order.
/// Memory holds the lines and one record.
///
/// # Errors
/// When the file can't be read to its end.
pub fn index(file: impl Read, name: &str) -> Result<Vec<String>, IndexError> {
    let mut lines = Vec::new();
    for record in Reader::new(file)? {
        lines.extend(line(&record?, name));
    }
    lines.sort_unstable();
    Ok(lines)
}

/// `x.warc.gz` is indexed in `x.cdxj`.
pub(crate) fn index_name(name: &str) -> String {
    format!("{}.cdxj", name.trim_end_matches(".gz").trim_end_matches(".warc"))
}

fn line(record: &Record, file: &str) -> Option<String> {
    if !matches!(record.kind(), "response" | "revisit" | "resource") {
        return None;
    }
    let url = record.target_uri()?;
    let message = record.http();
    let header = message.as_ref().and_then(|message| message.headers.get("content-type"));
    let media_type = header.or_else(|| record.fields.get("Content-Type")).unwrap_or("unk");
    let mime = match record.kind() {
        "revisit" => "warc/revisit",
        _ => media_type.split(';').next().unwrap_or_default().trim(),
    };
    let computed;
    let digest = match record.fields.get("WARC-Payload-Digest") {
        Some(digest) => digest,
        None => {
            computed = sha1(message.as_ref().map_or(&record.block, |message| message.body));
            &computed
        }
    };
    let capture = Capture {
        url: &url,
        mime,
        status: message.as_ref().and_then(super::HttpMessage::status).map(|status| status.to_string()),
        digest: Digest::read(digest).map_or(digest, |digest| digest.value()),
        length: record.length.to_string(),
        offset: record.offset.to_string(),
        filename: file,
    };
    let json = serde_json::to_string(&capture).expect("texts have a JSON form");
    Some(format!("{} {} {json}", surt(&url), timestamp(record.date().unwrap_or_default())))
}

/// `2014-02-16T05:02:21.123Z` as `20140216050221`.
fn timestamp(date: &str) -> String {
    date.bytes().filter(u8::is_ascii_digit).take(14).map(char::from).collect()
}
