//! The tables and matchers of the standard, chapter 6: how the bodies of each type begin.

/// How a body begins.
pub(super) struct Pattern {
    bytes: &'static [u8],
    /// Where a byte is 0 here, the body may hold anything.
    mask: Option<&'static [u8]>,
    /// The type.
    pub(super) essence: &'static str,
}

const fn plain(bytes: &'static [u8], essence: &'static str) -> Pattern {
    Pattern { bytes, mask: None, essence }
}

const fn masked(bytes: &'static [u8], mask: &'static [u8], essence: &'static str) -> Pattern {
    Pattern { bytes, mask: Some(mask), essence }
}

/// A chunk of four letters, its length, and four letters more (RIFF, IFF).
const CHUNK: &[u8] = b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff";

/// Byte-order marks of UTF-16 need two bytes more that may be anything.
pub(super) static TEXT: [Pattern; 4] = [
    plain(b"%!PS-Adobe-", "application/postscript"),
    masked(b"\xfe\xff\0\0", b"\xff\xff\0\0", "text/plain"),
    masked(b"\xff\xfe\0\0", b"\xff\xff\0\0", "text/plain"),
    masked(b"\xef\xbb\xbf\0", b"\xff\xff\xff\0", "text/plain"),
];

pub(super) static IMAGES: [Pattern; 8] = [
    plain(b"\0\0\x01\0", "image/x-icon"),
    plain(b"\0\0\x02\0", "image/x-icon"),
    plain(b"BM", "image/bmp"),
    plain(b"GIF87a", "image/gif"),
    plain(b"GIF89a", "image/gif"),
    masked(b"RIFF\0\0\0\0WEBPVP", b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff", "image/webp"),
    plain(b"\x89PNG\r\n\x1a\n", "image/png"),
    plain(b"\xff\xd8\xff", "image/jpeg"),
];

pub(super) static AUDIO_OR_VIDEO: [Pattern; 6] = [
    masked(b"FORM\0\0\0\0AIFF", CHUNK, "audio/aiff"),
    plain(b"ID3", "audio/mpeg"),
    plain(b"OggS\0", "application/ogg"),
    plain(b"MThd\0\0\0\x06", "audio/midi"),
    masked(b"RIFF\0\0\0\0AVI ", CHUNK, "video/avi"),
    masked(b"RIFF\0\0\0\0WAVE", CHUNK, "audio/wave"),
];

pub(super) static ARCHIVES: [Pattern; 3] = [
    plain(b"\x1f\x8b\x08", "application/x-gzip"),
    plain(b"PK\x03\x04", "application/zip"),
    plain(b"Rar!\x1a\x07\0", "application/x-rar-compressed"),
];

/// Tags that begin HTML, each followed by a blank or `>`.
static TAGS: [&[u8]; 17] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

/// The type of the first pattern that the body begins with.
pub(super) fn first(patterns: &[Pattern], body: &[u8]) -> Option<&'static str> {
    patterns.iter().find(|pattern| pattern.matches(body)).map(|pattern| pattern.essence)
}

impl Pattern {
    pub(super) fn matches(&self, body: &[u8]) -> bool {
        let Some(start) = body.get(..self.bytes.len()) else { return false };
        match self.mask {
            None => start == self.bytes,
            Some(mask) => {
                start.iter().zip(mask).zip(self.bytes).all(|((byte, mask), want)| byte & mask == *want)
            }
        }
    }
}

/// White space of the standard.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// The body behind leading white space.
pub(super) fn behind_space(body: &[u8]) -> &[u8] {
    &body[body.iter().position(|&byte| !is_space(byte)).unwrap_or(body.len())..]
}

/// Whether it begins as HTML does.
pub(super) fn is_html(body: &[u8]) -> bool {
    let body = behind_space(body);
    TAGS.iter().any(|tag| {
        body.split_at_checked(tag.len()).is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(tag) && matches!(rest.first(), Some(b' ' | b'>'))
        })
    })
}

/// Whether a byte stands in no text.
pub(super) const fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// "Matches the signature for MP4".
pub(super) fn is_mp4(body: &[u8]) -> bool {
    let Some(size) = body.first_chunk::<4>().map(|size| u32::from_be_bytes(*size)) else { return false };
    let Ok(size) = usize::try_from(size) else { return false };
    if body.len() < 12 || body.len() < size || size % 4 != 0 || &body[4..8] != b"ftyp" {
        return false;
    }
    // The major brand, then the compatible ones behind the version.
    &body[8..11] == b"mp4" || (16..size).step_by(4).any(|at| body[at..].starts_with(b"mp4"))
}

/// "Matches the signature for WebM": an EBML header whose DocType is `webm`.
pub(super) fn is_webm(body: &[u8]) -> bool {
    const DOC_TYPE: &[u8] = b"\x42\x82";
    if !body.starts_with(b"\x1a\x45\xdf\xa3") {
        return false;
    }
    (4..body.len().min(38)).any(|at| {
        let Some(rest) = body[at..].strip_prefix(DOC_TYPE) else { return false };
        // The length is a number whose leading zeros tell how many bytes it takes.
        let Some(width) = rest.first().map(|first| first.leading_zeros() as usize + 1) else { return false };
        let text = rest.get(width..).unwrap_or_default();
        let padding = text.iter().position(|&byte| byte != 0).unwrap_or(text.len());
        text[padding..].starts_with(b"webm")
    })
}

/// "Matches the signature for MP3 without ID3": a frame header, and another where the frame ends.
pub(super) fn is_mp3(body: &[u8]) -> bool {
    mp3_frame(body).and_then(|size| body.get(size..)).is_some_and(|next| mp3_frame(next).is_some())
}

/// Bytes of the frame that begins here.
fn mp3_frame(body: &[u8]) -> Option<usize> {
    const RATES: [u32; 3] = [44_100, 48_000, 32_000];
    const KBITS: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const KBITS_OF_2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let &[sync, second, third, _] = body.first_chunk::<4>()?;
    let layer_3 = (second & 0x06) >> 1 == 1;
    if sync != 0xff || second & 0xe0 != 0xe0 || !layer_3 {
        return None;
    }
    let version_1 = (second & 0x18) >> 3 == 3;
    let kbits = if version_1 { KBITS } else { KBITS_OF_2 }.get(usize::from(third >> 4)).copied()?;
    let rate = RATES.get(usize::from((third & 0x0c) >> 2)).copied()?;
    let samples_by_8 = if version_1 { 144 } else { 72 };
    let size = samples_by_8 * kbits * 1000 / rate + u32::from((third & 0x02) >> 1);
    usize::try_from(size).ok().filter(|&size| size >= 4)
}
