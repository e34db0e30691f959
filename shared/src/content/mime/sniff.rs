//! Which type a body is of (the standard, chapters 5, 7 and 8).

use super::{
    MediaType,
    patterns::{
        ARCHIVES, AUDIO_OR_VIDEO, IMAGES, TEXT, behind_space, first, is_binary, is_html, is_mp3, is_mp4,
        is_webm,
    },
};
use memchr::memmem;

/// Bytes of a body that are looked at.
pub const SNIFFED_BYTES: usize = 1445;

/// Headers that servers once gave to whatever they did not know: only these four spellings.
const DEFAULTS_OF_OLD_SERVERS: [&str; 4] = [
    "text/plain",
    "text/plain; charset=ISO-8859-1",
    "text/plain; charset=iso-8859-1",
    "text/plain; charset=UTF-8",
];

/// The type of a body with this `Content-Type`. Headers are believed, but for those that say
/// nothing, `text/plain` of old servers over binary data, `text/html` over a feed, and images,
/// sound and film, which are told apart by how they begin. With `nosniff` (the header
/// `X-Content-Type-Options`) what is said counts.
#[must_use]
pub fn sniff(content_type: Option<&str>, nosniff: bool, body: &[u8]) -> MediaType {
    let head = &body[..body.len().min(SNIFFED_BYTES)];
    let supplied = content_type.and_then(MediaType::of_header).filter(|supplied| !says_nothing(supplied));
    let Some(supplied) = supplied else { return MediaType::of_table(unknown(head, nosniff)) };
    if nosniff || supplied.is_xml() {
        return supplied;
    }
    if content_type.is_some_and(|header| DEFAULTS_OF_OLD_SERVERS.contains(&header)) {
        return if is_text(head) { supplied } else { MediaType::of_table("application/octet-stream") };
    }
    let found = match supplied.kind() {
        "text" if supplied.is_html() => feed(head),
        "image" => first(&IMAGES, head),
        "audio" | "video" => audio_or_video(head),
        "application" if supplied.subtype() == "ogg" => audio_or_video(head),
        _ => None,
    };
    found.map_or(supplied, MediaType::of_table)
}

/// The `type/subtype` of a body where that is not what its `Content-Type` says, or where that says
/// nothing.
#[must_use]
pub fn differing_essence(content_type: Option<&str>, nosniff: bool, body: &[u8]) -> Option<String> {
    let found = sniff(content_type, nosniff, body);
    let said = content_type.and_then(MediaType::of_header);
    said.is_none_or(|said| !said.is(found.kind(), found.subtype())).then(|| found.essence())
}

fn says_nothing(supplied: &MediaType) -> bool {
    supplied.is("unknown", "unknown") || supplied.is("application", "unknown") || supplied.is("*", "*")
}

/// "Identifying a resource with an unknown MIME type".
fn unknown(head: &[u8], nosniff: bool) -> &'static str {
    // What could carry script is not guessed against the server's will.
    if !nosniff {
        if is_html(head) {
            return "text/html";
        }
        if behind_space(head).starts_with(b"<?xml") {
            return "text/xml";
        }
        if head.starts_with(b"%PDF-") {
            return "application/pdf";
        }
    }
    first(&TEXT, head)
        .or_else(|| first(&IMAGES, head))
        .or_else(|| audio_or_video(head))
        .or_else(|| first(&ARCHIVES, head))
        .unwrap_or(if head.iter().any(|&byte| is_binary(byte)) {
            "application/octet-stream"
        } else {
            "text/plain"
        })
}

fn audio_or_video(head: &[u8]) -> Option<&'static str> {
    first(&AUDIO_OR_VIDEO, head)
        .or_else(|| is_mp4(head).then_some("video/mp4"))
        .or_else(|| is_webm(head).then_some("video/webm"))
        .or_else(|| is_mp3(head).then_some("audio/mpeg"))
}

/// "Sniffing a mislabeled binary resource".
fn is_text(head: &[u8]) -> bool {
    head.starts_with(b"\xfe\xff")
        || head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xef\xbb\xbf")
        || !head.iter().any(|&byte| is_binary(byte))
}

/// "Sniffing a mislabeled feed": what the first element behind comments and declarations is.
fn feed(head: &[u8]) -> Option<&'static str> {
    const RSS: &str = "application/rss+xml";
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    loop {
        rest = behind_space(rest).strip_prefix(b"<")?;
        if let Some(comment) = rest.strip_prefix(b"!--") {
            rest = behind(comment, b"-->")?;
        } else if let Some(declaration) = rest.strip_prefix(b"!") {
            rest = behind(declaration, b">")?;
        } else if let Some(instruction) = rest.strip_prefix(b"?") {
            rest = behind(instruction, b"?>")?;
        } else if rest.starts_with(b"rss") {
            return Some(RSS);
        } else if rest.starts_with(b"feed") {
            return Some("application/atom+xml");
        } else if rest.starts_with(b"rdf:RDF") {
            let both = [&b"http://purl.org/rss/1.0/"[..], b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"];
            return both.iter().all(|name| memmem::find(rest, name).is_some()).then_some(RSS);
        } else {
            return None;
        }
    }
}

fn behind<'b>(bytes: &'b [u8], end: &[u8]) -> Option<&'b [u8]> {
    memmem::find(bytes, end).map(|at| &bytes[at + end.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(content_type: Option<&str>, body: &[u8], expected: &str) {
        assert_eq!(sniff(content_type, false, body).essence(), expected, "{content_type:?} {body:?}");
    }

    #[test]
    fn bodies_without_a_type() {
        check(None, b" \n<!DOCTYPE html>", "text/html");
        check(Some("unknown/unknown"), b"<p >", "text/html");
        check(Some("*/*"), b"<!-- x", "text/html");
        check(Some("nonsense"), b"<article>", "text/plain");
        check(None, b" <?xml version='1.0'?>", "text/xml");
        check(None, b"%PDF-1.7", "application/pdf");
        check(None, b" %PDF-1.7", "text/plain");
        check(None, b"\xfe\xff\0a", "text/plain");
        check(None, b"\x89PNG\r\n\x1a\n\0", "image/png");
        check(None, b"RIFF1234WEBPVP", "image/webp");
        check(None, b"RIFF1234WAVE", "audio/wave");
        check(None, b"\0\0\0\x18ftypisomxxxxisommp41", "video/mp4");
        check(None, b"\0\0\0\x18ftypisomxxxxisomavc1", "application/octet-stream");
        check(None, b"\x1a\x45\xdf\xa3\x81\x42\x82\x84webm", "video/webm");
        check(None, b"\x1a\x45\xdf\xa3\x81\x42\x82\x84matr", "application/octet-stream");
        check(None, b"PK\x03\x04", "application/zip");
        check(None, b"Rar!\x1a\x07\0", "application/x-rar-compressed");
        check(None, b"\x1f\x8b\x08", "application/x-gzip");
        check(None, b"a\0", "application/octet-stream");
        check(None, b"", "text/plain");
    }

    #[test]
    fn an_mp3_has_frames_one_behind_the_other() {
        // 128 kbit/s at 44.1 kHz: 417 bytes.
        let mut body = vec![0; 430];
        body[..4].copy_from_slice(b"\xff\xfb\x90\0");
        check(None, &body, "application/octet-stream");
        body[417..421].copy_from_slice(b"\xff\xfb\x90\0");
        check(None, &body, "audio/mpeg");
    }

    #[test]
    fn headers_are_believed_but_for_known_lies() {
        check(Some("text/html"), b"%PDF-1.7", "text/html");
        check(Some("application/octet-stream"), b"<html>", "application/octet-stream");
        check(Some("text/plain"), b"<html>", "text/plain");
        check(Some("text/plain"), b"\0\x01", "application/octet-stream");
        check(Some("text/plain; charset=UTF-8"), b"\xff\xfe\0\x01", "text/plain");
        check(Some("text/plain;charset=utf-8"), b"\0\x01", "text/plain");
        check(Some("text/html"), b"\xef\xbb\xbf<?xml?> <!-- <feed> --><rss>", "application/rss+xml");
        check(Some("text/html"), b"<!DOCTYPE x><feed>", "application/atom+xml");
        check(Some("text/html"), b"<html><rss>", "text/html");
        check(Some("application/xml"), b"<rss>", "application/xml");
        check(Some("image/png"), b"\xff\xd8\xff", "image/jpeg");
        check(Some("image/svg+xml"), b"\xff\xd8\xff", "image/svg+xml");
        check(Some("image/tiff"), b"II*\0", "image/tiff");
        check(Some("video/x"), b"OggS\0", "application/ogg");
        assert!(sniff(Some("image/png"), true, b"\xff\xd8\xff").is("image", "png"));
        assert!(sniff(None, true, b"<html>").is("text", "plain"));
    }

    #[test]
    fn only_what_differs_is_worth_saying() {
        assert_eq!(differing_essence(Some("text/html; charset=x"), false, b"<html>"), None);
        assert_eq!(differing_essence(Some(""), false, b"<html>").as_deref(), Some("text/html"));
        assert_eq!(differing_essence(Some("image/png"), false, b"BM").as_deref(), Some("image/bmp"));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_type(start in 0..12_usize, bytes: Vec<u8>, nosniff: bool, header in "\\PC{0,20}") {
            const STARTS: [&[u8]; 12] = [
                b"", b"<", b"<!--", b"<?", b"<rdf:RDF", b"\x1a\x45\xdf\xa3", b"\0\0\0\x18ftyp", b"\xff\xfb\x90\0",
                b"\x1a\x45\xdf\xa3\x42\x82", b"RIFF", b"\xff\xff", b"\0\0\x40\0ftyp",
            ];
            let body = [STARTS[start], &bytes].concat();
            prop_assert!(!sniff(None, nosniff, &body).essence().is_empty());
            for kind in ["text/html", "audio/x", "image/x", "text/plain", &header] {
                prop_assert!(!sniff(Some(kind), nosniff, &body).essence().is_empty());
            }
        }
    }
}
