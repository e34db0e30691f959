//! One record of an archive.

use super::{Digest, Fields, HttpMessage};
use std::borrow::Cow;

/// A record: its named fields and its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The named fields; those of ARC by the names of WARC.
    pub fields: Fields,
    /// The block, as far as it was there.
    pub block: Vec<u8>,
    /// Whether the block is shorter than its header says.
    pub cut: bool,
    /// Where the record begins in the file: of a compressed one, its gzip member.
    pub offset: u64,
    /// Bytes it takes there.
    pub length: u64,
}

impl Record {
    /// `WARC-Type`: `response`, `request`, `warcinfo`, ...
    #[must_use]
    pub fn kind(&self) -> &str {
        self.fields.get("WARC-Type").unwrap_or_default()
    }

    /// `WARC-Record-ID`, as it is written.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.fields.get("WARC-Record-ID")
    }

    /// `WARC-Date`, as it is written.
    #[must_use]
    pub fn date(&self) -> Option<&str> {
        self.fields.get("WARC-Date")
    }

    /// `WARC-Target-URI`, without the brackets and spaces that some writers leave in it.
    #[must_use]
    pub fn target_uri(&self) -> Option<Cow<'_, str>> {
        let uri = self.fields.get("WARC-Target-URI")?;
        let uri = uri.strip_prefix('<').and_then(|uri| uri.strip_suffix('>')).unwrap_or(uri);
        Some(if uri.contains(' ') { Cow::Owned(uri.replace(' ', "%20")) } else { Cow::Borrowed(uri) })
    }

    /// The HTTP message of a request, response or revisit.
    #[must_use]
    pub fn http(&self) -> Option<HttpMessage<'_>> {
        let speaks_http = matches!(self.kind(), "request" | "response" | "revisit");
        let uri = self.target_uri()?;
        let is_http = uri.starts_with("http:") || uri.starts_with("https:");
        (speaks_http && is_http && !self.block.is_empty()).then(|| HttpMessage::read(&self.block))
    }

    /// The payload: the body of an HTTP message with its codings undone, else the block.
    #[must_use]
    pub fn payload(&self) -> Cow<'_, [u8]> {
        self.http().map_or(Cow::Borrowed(&self.block), |message| message.payload())
    }

    /// Whether all digests that can be checked are right; none where there is nothing to check.
    #[must_use]
    pub fn digests_agree(&self) -> Option<bool> {
        // The payload of a revisit stands elsewhere, and a segment has a part of its only.
        if self.kind() == "revisit" {
            return None;
        }
        let of_payload = match self.fields.get("WARC-Segment-Number") {
            None => self.fields.get("WARC-Payload-Digest"),
            Some(_) => None,
        };
        let of_block = self.fields.get("WARC-Block-Digest");
        let message = self.http();
        let payload = message.as_ref().map_or(&self.block[..], |message| message.body);
        let checks = [(of_block, &self.block[..]), (of_payload, payload)];
        let mut agree = None;
        for (digest, bytes) in checks {
            let Some(digest) = digest.filter(|digest| !digest.is_empty()) else { continue };
            match Digest::read(digest) {
                // Nothing can be said of a part.
                Some(_) if self.cut => {}
                Some(digest) if digest.is_of(bytes) => agree = agree.or(Some(true)),
                Some(_) | None => agree = Some(false),
            }
        }
        agree
    }
}
