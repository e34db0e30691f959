//! Files that are no HTML: enough of each format for a crawler to tell what it has.

use super::Web;
use super::words::WORDS;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Pdf,
    Zip,
    Png,
    Text,
    Json,
}

const KINDS: [FileKind; 5] = [FileKind::Pdf, FileKind::Zip, FileKind::Png, FileKind::Text, FileKind::Json];

impl FileKind {
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Zip => "zip",
            Self::Png => "png",
            Self::Text => "txt",
            Self::Json => "json",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Png => "image/png",
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    fn magic(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"%PDF-1.7\n",
            Self::Zip => b"PK\x03\x04",
            Self::Png => b"\x89PNG\r\n\x1a\n",
            Self::Text | Self::Json => b"",
        }
    }
}

impl Web {
    /// The file that a page links to: two neighbours share one.
    pub(super) fn file_of(&self, page: u32) -> u32 {
        page / 2
    }

    /// Whether a host has the file of that number.
    pub(super) fn has_file(&self, host: u32, number: u32) -> bool {
        self.settings.profile.files > 0 && number <= self.file_of(self.pages_of(host) - 1)
    }

    /// The format of a file.
    pub(super) fn file_kind(&self, host: u32, number: u32) -> FileKind {
        self.draw("file kind", &[host, number]).pick(&KINDS)
    }

    /// The bytes of a file.
    pub(super) fn file_body(&self, host: u32, number: u32) -> Vec<u8> {
        let mut draw = self.draw("file", &[host, number]);
        let kind = self.file_kind(host, number);
        let length = draw.between(1_000, 40_000) as usize;
        let mut body = kind.magic().to_vec();
        match kind {
            FileKind::Pdf | FileKind::Zip | FileKind::Png => {
                while body.len() < length {
                    body.extend_from_slice(&draw.bits().to_le_bytes());
                }
            }
            FileKind::Text => {
                while body.len() < length {
                    body.extend_from_slice(draw.pick(&WORDS).as_bytes());
                    body.push(b' ');
                }
            }
            FileKind::Json => {
                body.extend_from_slice(b"[");
                while body.len() < length {
                    body.extend_from_slice(
                        format!("{{\"{}\": {}}},\n", draw.pick(&WORDS), draw.below(999)).as_bytes(),
                    );
                }
                body.extend_from_slice(b"null]");
            }
        }
        body
    }
}
