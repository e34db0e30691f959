//! Records as they are written: fields and block as one gzip member.

use super::{Fields, sha1};
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use std::io::{self, Write as _};
use uuid::Uuid;

/// A record that is to be written.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// `WARC-Type`.
    pub kind: &'static str,
    /// The record's id.
    pub id: Uuid,
    /// When what it holds was captured.
    pub date: Timestamp,
    /// Further fields.
    pub fields: Fields,
    /// The media type of the block.
    pub content_type: &'static str,
    /// The block.
    pub block: Vec<u8>,
}

/// Appends a record to `out`, as the gzip member that it is in a file.
///
/// # Errors
/// Never in practice: memory takes any bytes.
pub fn write(record: &NewRecord, out: &mut Vec<u8>) -> io::Result<()> {
    let mut head = b"WARC/1.1\r\n".to_vec();
    let mut fields = Fields::default();
    fields.push("WARC-Type", record.kind);
    fields.push("WARC-Record-ID", urn(record.id));
    fields.push("WARC-Date", format!("{:.3}", record.date));
    fields.0.extend(record.fields.0.iter().cloned());
    fields.push("WARC-Block-Digest", sha1(&record.block));
    fields.push("Content-Type", record.content_type);
    fields.push("Content-Length", record.block.len().to_string());
    fields.write(&mut head);
    head.extend(b"\r\n");
    let mut member = GzEncoder::new(out, Compression::default());
    member.write_all(&head)?;
    member.write_all(&record.block)?;
    member.write_all(b"\r\n\r\n")?;
    member.finish().map(drop)
}

/// An id as fields have it.
pub(super) fn urn(id: Uuid) -> String {
    format!("<urn:uuid:{id}>")
}

/// The first record of a file: which program wrote it, and in which format.
#[must_use]
pub fn warcinfo(file: &str, id: Uuid, date: Timestamp) -> NewRecord {
    let mut about = Fields::default();
    about.push("software", concat!("trawl/", env!("CARGO_PKG_VERSION")));
    about.push("format", "WARC File Format 1.1");
    about
        .push("conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/");
    let mut block = Vec::new();
    about.write(&mut block);
    let mut fields = Fields::default();
    fields.push("WARC-Filename", file);
    NewRecord { kind: "warcinfo", id, date, fields, content_type: "application/warc-fields", block }
}
