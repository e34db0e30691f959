//! Content codings, undone while the body arrives, with bounds on what it may grow to.
//!
//! The codings form a chain of writers that ends in a [`Sink`]; the sink refuses what is past a
//! bound, which stops the whole chain, so memory holds at most the cap and the decoders' windows.

use super::{
    HttpError,
    inflate::{Format, Inflate},
};
use brotli_decompressor::DecompressorWriter;
use bytes::Bytes;
use std::{
    io::{self, Write},
    ops::ControlFlow,
};

/// How many times its size a body may grow to.
const MAX_RATIO: u64 = 250;
/// What a body may grow to whatever its size.
const RATIO_FLOOR: u64 = 1024 * 1024;
/// Codings on top of one another.
const MAX_CODINGS: usize = 4;
/// log2 of the largest zstd window (8 MiB, what RFC 9659 asks decoders on the web to have).
const MAX_ZSTD_WINDOW: u32 = 23;
/// What is set aside for a body before it has arrived, at most.
const MAX_RESERVE: u64 = 256 * 1024;

/// Undoes the codings of one body.
pub(super) struct Decoder {
    stage: io::Result<Stage>,
    codings: String,
    failed: Option<io::Error>,
}

impl Decoder {
    /// A decoder for a body in `codings` (a `Content-Encoding` value) of `length` bytes, that keeps
    /// `max_body` bytes. A coding that nobody knows is taken for none, as browsers do.
    pub(super) fn new(codings: &str, max_body: u64, length: Option<u64>) -> Self {
        let reserve = length.unwrap_or_default().min(max_body).min(MAX_RESERVE);
        let mut stage = Ok(Stage::Sink(Sink {
            bytes: Vec::with_capacity(usize::try_from(reserve).unwrap_or_default()),
            max_body,
            fed: 0,
            over: None,
        }));
        let known = codings.split(',').map(str::trim).filter_map(Coding::parse);
        for (depth, coding) in known.enumerate() {
            stage = stage.and_then(|inner| {
                if depth == MAX_CODINGS {
                    return Err(io::Error::other("too many codings on top of one another"));
                }
                coding.over(inner)
            });
        }
        Self { stage, codings: codings.to_owned(), failed: None }
    }

    /// Takes the next bytes. Breaks when no more are of use.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<ControlFlow<()>, HttpError> {
        let Ok(stage) = &mut self.stage else { return Ok(ControlFlow::Break(())) };
        stage.sink().fed += chunk.len() as u64;
        let Err(error) = stage.write_all(chunk) else { return Ok(ControlFlow::Continue(())) };
        match stage.sink().over {
            Some(Over::Ratio) => return Err(HttpError::Bomb { ratio: MAX_RATIO }),
            Some(Over::Length) => {}
            None => self.failed = Some(error),
        }
        Ok(ControlFlow::Break(()))
    }

    /// The body, and whether it is only the beginning: it was cut, or could not be decoded to its
    /// end. A body of which nothing could be decoded is an error.
    pub(super) fn finish(self) -> Result<(Bytes, bool), HttpError> {
        let bad = |source| HttpError::BadEncoding { coding: self.codings.clone(), source };
        let mut stage = self.stage.map_err(bad)?;
        let mut failed = self.failed;
        if failed.is_none() && stage.sink().over.is_none() && stage.sink().fed > 0 {
            failed = stage.end().err();
        }
        let sink = stage.sink();
        if sink.over == Some(Over::Ratio) {
            return Err(HttpError::Bomb { ratio: MAX_RATIO });
        }
        let mut bytes = std::mem::take(&mut sink.bytes);
        let truncated = failed.is_some() || sink.over.is_some();
        match failed {
            Some(error) if bytes.is_empty() => Err(bad(error)),
            _ => {
                if bytes.capacity() - bytes.len() > bytes.len() / 4 {
                    bytes.shrink_to_fit();
                }
                Ok((Bytes::from(bytes), truncated))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn parse(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        Some(match () {
            () if is("gzip") || is("x-gzip") => Self::Gzip,
            () if is("deflate") => Self::Deflate,
            () if is("br") => Self::Brotli,
            () if is("zstd") => Self::Zstd,
            () => return None,
        })
    }

    /// A stage that undoes this coding and hands on to `inner`. Codings are named in the order they
    /// were applied in, so the last one named is undone first and stands outermost.
    fn over(self, inner: Stage) -> io::Result<Stage> {
        Ok(match self {
            Self::Gzip => Stage::Inflate(Box::new(Inflate::new(Format::Gzip, inner))),
            Self::Deflate => Stage::Inflate(Box::new(Inflate::new(Format::Deflate, inner))),
            Self::Brotli => Stage::Brotli(Box::new(DecompressorWriter::new(inner, 16 * 1024))),
            Self::Zstd => {
                let mut raw = zstd::stream::raw::Decoder::new()?;
                raw.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(MAX_ZSTD_WINDOW))?;
                Stage::Zstd(Box::new(zstd::stream::write::Decoder::with_decoder(inner, raw)))
            }
        })
    }
}

enum Stage {
    Sink(Sink),
    Inflate(Box<Inflate<Stage>>),
    Brotli(Box<DecompressorWriter<Stage>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Stage>>),
}

impl Stage {
    fn sink(&mut self) -> &mut Sink {
        match self {
            Self::Sink(sink) => sink,
            Self::Inflate(decoder) => decoder.inner.sink(),
            Self::Brotli(decoder) => decoder.get_mut().sink(),
            Self::Zstd(decoder) => decoder.get_mut().sink(),
        }
    }

    /// Flushes what the decoders hold, outermost first; an error if a stream is incomplete.
    fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Sink(_) => Ok(()),
            Self::Inflate(decoder) => decoder.end().and_then(|()| decoder.inner.end()),
            Self::Brotli(decoder) => decoder.close().and_then(|()| decoder.get_mut().end()),
            Self::Zstd(decoder) => decoder.do_finish().and_then(|()| decoder.get_mut().end()),
        }
    }
}

impl Write for Stage {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Sink(sink) => sink.write(buf),
            Self::Inflate(decoder) => decoder.write(buf),
            Self::Brotli(decoder) => decoder.write(buf),
            Self::Zstd(decoder) => decoder.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Which bound was passed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Length,
    Ratio,
}

/// Where decoded bytes end up.
struct Sink {
    bytes: Vec<u8>,
    max_body: u64,
    /// Bytes that arrived before decoding.
    fed: u64,
    over: Option<Over>,
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let length = (self.bytes.len() + buf.len()) as u64;
        if length > RATIO_FLOOR && length > self.fed.saturating_mul(MAX_RATIO) {
            self.over = Some(Over::Ratio);
        } else if length > self.max_body {
            let room = usize::try_from(self.max_body).map_or(buf.len(), |max| max - self.bytes.len());
            self.bytes.extend_from_slice(&buf[..room]);
            self.over = Some(Over::Length);
        } else {
            self.bytes.extend_from_slice(buf);
            return Ok(buf.len());
        }
        Err(io::Error::other("past a bound"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
