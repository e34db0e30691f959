//! The bytes of a sitemap: unpacked, bounded, and what they are encoded in.

use super::MAX_BYTES;
use crate::content::charset::{charset_parameter, declared};
use encoding_rs::{Encoding, UTF_8};
use flate2::read::MultiGzDecoder;
use std::io::{self, Cursor, Read};

/// Bytes at the start that tell packing and encoding.
const HEAD: u64 = 1024;

/// The magic number of gzip with its one method.
const GZIP: &[u8] = b"\x1f\x8b\x08";

/// Opens a body: its bytes as they were before gzip, at most [`MAX_BYTES`], and their encoding.
pub(super) fn open<'b>(
    body: impl Read + 'b,
    content_type: Option<&str>,
) -> io::Result<(Box<dyn Read + 'b>, &'static Encoding)> {
    let (head, body) = peek(body)?;
    let (head, body): (_, Box<dyn Read + 'b>) = if head.starts_with(GZIP) {
        let (head, unpacked) = peek(Lenient(MultiGzDecoder::new(body)))?;
        (head, Box::new(unpacked))
    } else {
        (head, Box::new(body))
    };
    // The mark of UTF-16 and UTF-8, then the header, then `<?xml encoding=…?>`.
    let encoding = Encoding::for_bom(&head)
        .map(|(encoding, _)| encoding)
        .or_else(|| Encoding::for_label(content_type.and_then(charset_parameter)?.as_bytes()))
        .or_else(|| declared(head.trim_ascii_start()))
        .unwrap_or(UTF_8);
    Ok((Box::new(body.take(MAX_BYTES)), encoding))
}

/// The first bytes, and all of them again.
fn peek<R: Read>(mut body: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::new();
    body.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(body)))
}

/// Ends where its source breaks, so that a damaged archive gives what can be unpacked.
struct Lenient<R>(R);

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            read => Ok(read.unwrap_or(0)),
        }
    }
}
