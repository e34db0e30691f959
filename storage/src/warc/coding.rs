//! Transfer and content codings of archived payloads, undone.
//!
//! Archives of others hold what was on the wire. A payload that is not what its headers say is taken as
//! it is.

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use std::{
    borrow::Cow,
    io::{self, Read},
};

/// Most bytes that a payload may grow to; the rest is cut.
const MAX_PAYLOAD: u64 = 256 * 1024 * 1024;

/// Undoes a chunked transfer; none where the bytes are no chunks.
pub(super) fn dechunk(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let end = memchr::memchr(b'\n', rest)?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 1..];
        if size == 0 {
            return Some(out);
        }
        // The last chunk of a cut body is shorter than it says.
        let chunk = &rest[..size.min(rest.len())];
        out.extend(chunk);
        rest = &rest[chunk.len()..];
        rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
        if rest.is_empty() {
            return Some(out);
        }
    }
}

/// Undoes the content codings that a header names, the last one first.
pub(super) fn decode<'a>(bytes: Cow<'a, [u8]>, codings: &str) -> Cow<'a, [u8]> {
    let mut payload = bytes;
    for coding in codings.rsplit(',') {
        match decode_one(&payload, coding.trim()) {
            Some(decoded) => payload = Cow::Owned(decoded),
            None => return payload,
        }
    }
    payload
}

fn decode_one(bytes: &[u8], coding: &str) -> Option<Vec<u8>> {
    match coding.to_ascii_lowercase().as_str() {
        "identity" => Some(bytes.to_vec()),
        "gzip" | "x-gzip" => all(GzDecoder::new(bytes)),
        "deflate" => all(ZlibDecoder::new(bytes)).or_else(|| all(DeflateDecoder::new(bytes))),
        "br" => all(brotli_decompressor::Decompressor::new(bytes, 16 * 1024)),
        "zstd" => all(zstd::Decoder::new(bytes).ok()?),
        _ => None,
    }
}

/// What a decoder gives; of a stream that breaks off, what came before.
fn all(decoder: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match decoder.take(MAX_PAYLOAD).read_to_end(&mut out) {
        Ok(_) => Some(out),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !out.is_empty() => Some(out),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn chunks_are_joined_also_where_they_break_off() {
        assert_eq!(dechunk(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").unwrap(), b"abcde");
        assert_eq!(dechunk(b"5\r\nab").unwrap(), b"ab");
        assert_eq!(dechunk(b"<html>\r\n"), None);
        assert_eq!(dechunk(b""), None);
    }

    #[test]
    fn codings_are_undone_from_the_last_and_left_alone_where_they_lie() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"text").unwrap();
        let gzip = gzip.finish().unwrap();
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(&gzip).unwrap();
        let both = deflate.finish().unwrap();
        assert_eq!(&*decode(Cow::Borrowed(&both), "gzip, deflate"), b"text");
        assert_eq!(&*decode(Cow::Borrowed(b"plain"), "gzip"), b"plain");
        assert_eq!(&*decode(Cow::Borrowed(b"plain"), "sdch"), b"plain");
        assert_eq!(&*decode(Cow::Borrowed(&gzip[..gzip.len() - 6]), "gzip"), b"text");
    }
}
