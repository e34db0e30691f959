//! From bytes to text: which encoding, on whose word, and the decoding itself.
//!
//! In this order: byte-order mark, transport, what the document declares near its start,
//! and last a guess. Bytes that are UTF-8 already are not copied.

mod header;
mod prescan;
mod stream;

pub use header::charset_parameter;
pub use prescan::declared;
pub use stream::Utf8Reader;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// On whose word a body is in an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A byte-order mark.
    ByteOrderMark,
    /// `Content-Type`, or whatever the fetcher recorded.
    Transport,
    /// `<meta charset>` and its relatives, or an XML declaration.
    Document,
    /// Nobody's: the bytes are valid UTF-8, or look like a legacy encoding.
    Guess,
}

impl Source {
    /// The name in records and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "bom",
            Self::Transport => "header",
            Self::Document => "meta",
            Self::Guess => "detected",
        }
    }
}

/// A body as text.
#[derive(Debug)]
pub struct Decoded<'b> {
    /// The text, without byte-order mark.
    pub text: Cow<'b, str>,
    /// What it was in.
    pub encoding: &'static Encoding,
    /// On whose word.
    pub source: Source,
}

/// How much of a body is looked at for a guess.
const GUESS_BYTES: usize = 256 * 1024;

/// Decodes a body. `transport` is the label the transport gives, `host` lends its top-level domain
/// to the guess.
#[must_use]
pub fn decode<'b>(body: &'b [u8], transport: Option<&str>, host: Option<&str>) -> Decoded<'b> {
    if let Some((encoding, source, bom)) = told(body, transport) {
        let (text, _) = encoding.decode_without_bom_handling(&body[bom..]);
        return Decoded { text, encoding, source };
    }
    // The usual answer, found while decoding.
    if !has_escapes(body)
        && let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(body)
        && !text.contains('\0')
    {
        return Decoded { text, encoding: UTF_8, source: Source::Guess };
    }
    let encoding = guess(body, host);
    let (text, _) = encoding.decode_without_bom_handling(body);
    Decoded { text, encoding, source: Source::Guess }
}

/// The encoding of a body, and on whose word.
#[must_use]
pub fn sniff(body: &[u8], transport: Option<&str>, host: Option<&str>) -> (&'static Encoding, Source) {
    told(body, transport)
        .map_or_else(|| (guess(body, host), Source::Guess), |(encoding, source, _)| (encoding, source))
}

/// What a response declares without its document being read: a byte-order mark, or the charset of
/// its `Content-Type`.
#[must_use]
pub fn of_response(content_type: Option<&str>, body: &[u8]) -> Option<(&'static Encoding, Source)> {
    outside(body, content_type.and_then(charset_parameter)).map(|(encoding, source, _)| (encoding, source))
}

/// The encoding that somebody names, and the length of the byte-order mark.
fn told(body: &[u8], transport: Option<&str>) -> Option<(&'static Encoding, Source, usize)> {
    outside(body, transport)
        .or_else(|| declared(body).map(|encoding| (usable(encoding, body), Source::Document, 0)))
}

fn outside(body: &[u8], transport: Option<&str>) -> Option<(&'static Encoding, Source, usize)> {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return Some((encoding, Source::ByteOrderMark, length));
    }
    let encoding = Encoding::for_label(transport?.as_bytes())?;
    Some((usable(encoding, body), Source::Transport, 0))
}

/// `utf-16` names no byte order, and WHATWG takes it for little-endian; a body that shows the other
/// one is read by it (RFC 2781, section 4.3).
fn usable(encoding: &'static Encoding, body: &[u8]) -> &'static Encoding {
    if encoding == UTF_16LE && utf_16_by_zeros(body) == Some(UTF_16BE) { UTF_16BE } else { encoding }
}

/// ISO-2022-JP is ASCII with escapes.
fn has_escapes(body: &[u8]) -> bool {
    const ESCAPE: u8 = 0x1b;
    memchr::memchr(ESCAPE, body).is_some()
}

fn guess(body: &[u8], host: Option<&str>) -> &'static Encoding {
    if let Some(encoding) = utf_16_by_zeros(body) {
        return encoding;
    }
    if !has_escapes(body) && is_utf8(body) {
        return UTF_8;
    }
    let sample = &body[..body.len().min(GUESS_BYTES)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, sample.len() == body.len());
    detector.guess(host.and_then(top_level_domain), Utf8Detection::Allow)
}

/// UTF-16 without a mark shows by its zeros: blanks, line ends and markup have one in every pair of
/// bytes, always on the same side.
fn utf_16_by_zeros(body: &[u8]) -> Option<&'static Encoding> {
    const SAMPLE: usize = 4096;
    let sample = &body[..body.len().min(SAMPLE)];
    let (pairs, rest) = sample.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() && body.len() <= SAMPLE {
        return None;
    }
    let (mut high, mut low) = (0_usize, 0_usize);
    for [first, second] in pairs {
        high += usize::from(*first == 0 && *second != 0);
        low += usize::from(*second == 0 && *first != 0);
    }
    // A twentieth: text in other scripts still has its blanks.
    let enough = pairs.len().div_ceil(20);
    if high >= enough && low == 0 {
        Some(UTF_16BE)
    } else if low >= enough && high == 0 {
        Some(UTF_16LE)
    } else {
        None
    }
}

/// Whether the bytes are UTF-8, but perhaps for a last character that was cut through.
fn is_utf8(body: &[u8]) -> bool {
    let rest = &body[Encoding::utf8_valid_up_to(body)..];
    std::str::from_utf8(rest).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// The part behind the last dot, as the detector wants it.
fn top_level_domain(host: &str) -> Option<&[u8]> {
    let (_, domain) = host.rsplit_once('.')?;
    let usable = !domain.is_empty() && domain.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    usable.then_some(domain.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{ISO_2022_JP, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};
    use proptest::prelude::*;

    #[track_caller]
    fn check(body: &[u8], transport: Option<&str>, encoding: &'static Encoding, source: Source, text: &str) {
        let decoded = decode(body, transport, None);
        assert_eq!((decoded.encoding, decoded.source), (encoding, source));
        assert_eq!(decoded.text, text);
    }

    #[test]
    fn the_nearest_word_wins() {
        let meta = b"<meta charset=windows-1251>\xe6";
        check(b"\xff\xfeh\0i\0", Some("utf-8"), UTF_16LE, Source::ByteOrderMark, "hi");
        check(b"\xef\xbb\xbf\xc3\xa9", Some("latin1"), UTF_8, Source::ByteOrderMark, "é");
        check(meta, Some("latin1"), WINDOWS_1252, Source::Transport, "<meta charset=windows-1251>æ");
        check(meta, None, WINDOWS_1251, Source::Document, "<meta charset=windows-1251>ж");
        check(meta, Some("no-such-charset"), WINDOWS_1251, Source::Document, "<meta charset=windows-1251>ж");
        check("é".as_bytes(), None, UTF_8, Source::Guess, "é");
        check(b"caf\xe9 au lait", None, WINDOWS_1252, Source::Guess, "café au lait");
        check(b"\x1b$B$3\x1b(B", None, ISO_2022_JP, Source::Guess, "こ");
        check("é\x1b".as_bytes(), None, UTF_8, Source::Guess, "é\x1b");
    }

    #[test]
    fn a_response_declares_by_mark_or_header() {
        let of =
            |content_type, body| of_response(Some(content_type), body).map(|(e, s)| (e.name(), s.as_str()));
        assert_eq!(of("text/html; charset=latin1", b"\xef\xbb\xbfa"), Some(("UTF-8", "bom")));
        assert_eq!(of("text/html; charset=latin1", b"a"), Some(("windows-1252", "header")));
        assert_eq!(of("text/html; charset=klingon", b"<meta charset=utf-8>"), None);
        assert_eq!(of_response(None, b"\xff\xfea\0"), Some((UTF_16LE, Source::ByteOrderMark)));
    }

    #[test]
    fn zeros_give_utf_16_away() {
        check(b"h\0i\0", None, UTF_16LE, Source::Guess, "hi");
        check(b"\0h\0i", None, UTF_16BE, Source::Guess, "hi");
        check(b"\0h\0i", Some("utf-16"), UTF_16BE, Source::Transport, "hi");
        check(b"h\0i\0", Some("utf-16"), UTF_16LE, Source::Transport, "hi");
        check(b"h\0\0i", None, UTF_8, Source::Guess, "h\0\0i");
        check(b"hi\0", None, UTF_8, Source::Guess, "hi\0");
        check(b"\0\0\0\0", None, UTF_8, Source::Guess, "\0\0\0\0");
    }

    #[test]
    fn a_cut_character_is_still_utf8() {
        check(b"caf\xc3", None, UTF_8, Source::Guess, "caf\u{fffd}");
    }

    #[test]
    fn a_guess_hears_the_host() {
        let (text, ..) = SHIFT_JIS.encode("こんにちは世界。これは日本語の文章です。");
        assert_eq!(sniff(&text, None, Some("www.example.jp")).0, SHIFT_JIS);
        // Hosts of any form are taken.
        for host in ["localhost", "127.0.0.1", "[::1]", "a.b.", "xn--p1ai.xn--p1ai"] {
            assert_eq!(sniff(&text, None, Some(host)).0, SHIFT_JIS, "{host}");
        }
    }

    #[test]
    fn utf8_is_not_copied() {
        assert!(matches!(decode("é<p>".as_bytes(), None, None).text, Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_what_was_sniffed(body: Vec<u8>, label in prop::option::of("[a-z0-9-]{1,12}")) {
            let (encoding, source) = sniff(&body, label.as_deref(), None);
            let decoded = decode(&body, label.as_deref(), None);
            prop_assert_eq!((decoded.encoding, decoded.source), (encoding, source));
        }
    }
}
