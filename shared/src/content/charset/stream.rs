//! Text as it comes: a reader that gives UTF-8 whatever its source is in.

use encoding_rs::{CoderResult, Decoder, Encoding};
use std::io::{self, Read};

const CHUNK: usize = 16 * 1024;

/// Reads a source in any encoding as UTF-8. Byte-order marks are left out, malformed bytes become
/// U+FFFD. Holds a few kilobytes, however long the source is.
pub struct Utf8Reader<R> {
    source: R,
    decoder: Decoder,
    encoded: Box<[u8]>,
    /// What of `encoded` is still to be decoded.
    waiting: std::ops::Range<usize>,
    text: Box<[u8]>,
    /// What of `text` is still to be given out.
    ready: std::ops::Range<usize>,
    ended: bool,
}

impl<R: Read> Utf8Reader<R> {
    /// Reads `source`, which is in `encoding`.
    pub fn new(source: R, encoding: &'static Encoding) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            encoded: vec![0; CHUNK].into_boxed_slice(),
            waiting: 0..0,
            text: vec![0; CHUNK].into_boxed_slice(),
            ready: 0..0,
            ended: false,
        }
    }

    /// Decodes more; afterwards nothing is ready only where the source is at its end.
    fn fill(&mut self) -> io::Result<()> {
        while self.ready.is_empty() && !self.ended {
            let last = if self.waiting.is_empty() {
                let read = self.source.read(&mut self.encoded)?;
                self.waiting = 0..read;
                read == 0
            } else {
                false
            };
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(&self.encoded[self.waiting.clone()], &mut self.text, last);
            self.waiting.start += read;
            self.ready = 0..written;
            self.ended = last && result == CoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let given = self.ready.len().min(into.len());
        into[..given].copy_from_slice(&self.text[self.ready.start..][..given]);
        self.ready.start += given;
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16LE, WINDOWS_1252};
    use proptest::prelude::*;

    /// Gives a few bytes at a time.
    struct Trickle<'b>(&'b [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let given = self.0.len().min(self.1).min(into.len());
            into[..given].copy_from_slice(&self.0[..given]);
            self.0 = &self.0[given..];
            Ok(given)
        }
    }

    #[test]
    fn a_mark_is_no_text() {
        let mut text = String::new();
        Utf8Reader::new(&b"\xff\xfeh\0i\0"[..], UTF_16LE).read_to_string(&mut text).unwrap();
        assert_eq!(text, "hi");
    }

    proptest! {
        #[test]
        fn it_reads_what_decoding_at_once_gives(body: Vec<u8>, step in 1..9_usize, which in 0..5_usize) {
            let encoding = [UTF_8, UTF_16LE, SHIFT_JIS, WINDOWS_1252, ISO_2022_JP][which];
            let mut text = String::new();
            Utf8Reader::new(Trickle(&body, step), encoding).read_to_string(&mut text).unwrap();
            prop_assert_eq!(text, encoding.decode_with_bom_removal(&body).0);
        }

        #[test]
        fn long_texts_too(text in "\\PC{0,40}", times in 0..3000_usize) {
            let text = text.repeat(times);
            let mut read = String::new();
            Utf8Reader::new(text.as_bytes(), UTF_8).read_to_string(&mut read).unwrap();
            prop_assert_eq!(read.trim_start_matches('\u{feff}'), text.trim_start_matches('\u{feff}'));
        }
    }
}
