//! gzip, zlib and raw deflate, as a writer that hands on what it inflates.

use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, Write};

/// What is inflated at a time.
const BUFFER: usize = 32 * 1024;

/// What the stream is wrapped in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// gzip, one or several members.
    Gzip,
    /// What servers mean by "deflate": zlib as the standard says, or raw as some do.
    Deflate,
}

/// Inflates into `inner`. What follows the end of the stream is ignored.
pub(super) struct Inflate<W> {
    pub(super) inner: W,
    format: Format,
    state: State,
    buffer: Vec<u8>,
}

enum State {
    /// Nothing has come yet.
    Start,
    Within(Decompress),
    /// The stream, or one of its members, has ended.
    Between,
    /// Behind the end something came that is not part of the stream.
    Over,
}

impl<W: Write> Inflate<W> {
    pub(super) fn new(format: Format, inner: W) -> Self {
        Self { inner, format, state: State::Start, buffer: Vec::with_capacity(BUFFER) }
    }

    /// An error if the stream has not ended.
    pub(super) fn end(&self) -> io::Result<()> {
        match self.state {
            State::Within(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends early")),
            State::Start | State::Between | State::Over => Ok(()),
        }
    }

    /// A decompressor for a stream (or member) that begins with `first`; none if it can't begin so.
    fn begin(&self, first: u8) -> Option<Decompress> {
        let at_start = matches!(self.state, State::Start);
        match self.format {
            Format::Gzip if at_start || first == 0x1f => Some(Decompress::new_gzip(15)),
            // A zlib header's low four bits are 8; a raw stream that begins so would be a stored
            // block with padding that no encoder writes.
            Format::Deflate if at_start => Some(Decompress::new(first & 0x0f == 8)),
            Format::Gzip | Format::Deflate => None,
        }
    }
}

impl<W: Write> Write for Inflate<W> {
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        let mut rest = input;
        loop {
            let raw = match &mut self.state {
                State::Over => return Ok(input.len()),
                State::Within(raw) => raw,
                State::Start | State::Between => {
                    let Some(first) = rest.first() else { return Ok(input.len()) };
                    self.state = self.begin(*first).map_or(State::Over, State::Within);
                    continue;
                }
            };
            self.buffer.clear();
            let before = raw.total_in();
            let status = raw.decompress_vec(rest, &mut self.buffer, FlushDecompress::None);
            rest = &rest[usize::try_from(raw.total_in() - before).unwrap_or(rest.len())..];
            // Also what came out before an error.
            self.inner.write_all(&self.buffer)?;
            let status = status.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if status == Status::StreamEnd {
                self.state = State::Between;
            } else if rest.is_empty() && self.buffer.len() < self.buffer.capacity() {
                return Ok(input.len());
            } else if status == Status::BufError && self.buffer.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the stream makes no sense"));
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
