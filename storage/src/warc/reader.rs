//! The records of a WARC or ARC file, plain or with a gzip member for each.

use super::{Fields, Record, arc, fields::text};
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};

/// Longest line of a header.
const MAX_LINE: u64 = 1024 * 1024;
/// Largest block that is read into memory.
const MAX_BLOCK: u64 = 1024 * 1024 * 1024;
/// Most fields of a header.
const MAX_FIELDS: usize = 10_000;

/// Why a file can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file can't be read, or its compression is damaged.
    #[error("the archive can't be read at byte {offset}: {source}")]
    Io {
        /// Where the record begins.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// There is no record where one should begin.
    #[error("no record begins at byte {offset}: the line there is {line:?}")]
    Format {
        /// Where.
        offset: u64,
        /// What stands there.
        line: String,
    },
    /// A record that is larger than any page.
    #[error("the record at byte {offset} is {length} bytes long, more than is read into memory")]
    Large {
        /// Where it begins.
        offset: u64,
        /// The length that it says it has.
        length: u64,
    },
}

/// Reads records one after the other; memory holds one at a time.
pub struct Reader<R: Read> {
    source: Option<Source<R>>,
    /// The first line of the next record, where looking for it had to read it, and where it begins.
    next_line: Option<(String, u64)>,
    ended: bool,
}

enum Source<R: Read> {
    Plain(Counted<BufReader<R>>),
    /// Within a member, and where that begins.
    Member(Box<BufReader<GzDecoder<Counted<BufReader<R>>>>>, u64),
}

impl<R: Read> Reader<R> {
    /// Reads from the start of a file. Whether it is compressed is seen from its first bytes.
    ///
    /// # Errors
    /// When nothing can be read.
    pub fn new(file: R) -> io::Result<Self> {
        let mut file = Counted { inner: BufReader::with_capacity(64 * 1024, file), offset: 0 };
        let source = if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            Source::Member(Box::new(BufReader::new(GzDecoder::new(file))), 0)
        } else {
            Source::Plain(file)
        };
        Ok(Self { source: Some(source), next_line: None, ended: false })
    }

    fn read(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let (line, offset) = match self.next_line.take() {
                Some(found) => found,
                None => {
                    let offset = self.offset();
                    match self.line(offset)? {
                        Some(line) => (line, offset),
                        None if self.next_member()? => continue,
                        None => return Ok(None),
                    }
                }
            };
            if line.trim_end().is_empty() {
                // Blank lines before a record do no harm.
                continue;
            }
            return self.record(&line, offset).map(Some);
        }
    }

    fn record(&mut self, first_line: &str, offset: u64) -> Result<Record, ReadError> {
        let (fields, length) = self.header(first_line, offset)?;
        let block = self.block(length, offset)?;
        let cut = length.is_some_and(|length| (block.len() as u64) < length);
        let end = self.find_next()?;
        Ok(Record { fields, block, cut, offset, length: end.saturating_sub(offset) })
    }

    /// The named fields, and the length of the block where it is known.
    fn header(&mut self, first_line: &str, offset: u64) -> Result<(Fields, Option<u64>), ReadError> {
        if first_line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("WARC/")) {
            let mut fields = Fields::default();
            while let Some(line) = self.line(offset)? {
                let line = line.trim_end();
                if line.is_empty() || fields.0.len() > MAX_FIELDS {
                    break;
                }
                fields.read_line(line);
            }
            let length = fields.get("Content-Length").map(|length| length.trim().parse().unwrap_or(0));
            return Ok((fields, length));
        }
        let fields = arc::fields(first_line).ok_or_else(|| ReadError::Format {
            offset,
            line: first_line.trim_end().chars().take(80).collect(),
        })?;
        let mut length = fields.get("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if fields.get("WARC-Type") == Some("warcinfo") {
            // Two lines about the format stand before what the file says of itself.
            for _ in 0..2 {
                length = u64::saturating_sub(length, self.line(offset)?.map_or(0, |line| line.len() as u64));
            }
        }
        Ok((fields, Some(length)))
    }

    fn block(&mut self, length: Option<u64>, offset: u64) -> Result<Vec<u8>, ReadError> {
        if let Some(length) = length.filter(|length| *length > MAX_BLOCK) {
            return Err(ReadError::Large { offset, length });
        }
        let mut block = Vec::with_capacity(usize::try_from(length.unwrap_or(0).min(1 << 24)).unwrap_or(0));
        let Some(source) = &mut self.source else { return Ok(block) };
        let read = source.reader().take(length.unwrap_or(MAX_BLOCK)).read_to_end(&mut block);
        read.map_err(|source| ReadError::Io { offset, source })?;
        Ok(block)
    }

    /// Reads over what stands between two records and answers where this one ends: the end of its member,
    /// or the next record's beginning.
    fn find_next(&mut self) -> Result<u64, ReadError> {
        let end = self.offset_within();
        // The first line belongs to the record whatever it holds: its length was wrong by as much.
        let mut first = true;
        loop {
            let begins = self.offset_within();
            let Some(line) = self.line(begins)? else {
                return Ok(if self.next_member()? { self.offset() } else { self.offset_within().max(end) });
            };
            if !first && !line.trim_end().is_empty() {
                let begins =
                    if matches!(self.source, Some(Source::Plain(_))) { begins } else { self.offset() };
                self.next_line = Some((line, begins));
                return Ok(end.max(begins));
            }
            first = false;
        }
    }

    fn line(&mut self, offset: u64) -> Result<Option<String>, ReadError> {
        let Some(source) = &mut self.source else { return Ok(None) };
        let mut line = Vec::new();
        let read = source.reader().take(MAX_LINE).read_until(b'\n', &mut line);
        read.map_err(|source| ReadError::Io { offset, source })?;
        Ok((!line.is_empty()).then(|| text(&line)))
    }

    /// Goes on to the next gzip member, where there is one.
    fn next_member(&mut self) -> Result<bool, ReadError> {
        let Some(Source::Member(member, _)) = self.source.take() else { return Ok(false) };
        let mut file = member.into_inner().into_inner();
        let offset = file.offset;
        // Some writers pad with zeros.
        loop {
            let buffer = file.fill_buf().map_err(|source| ReadError::Io { offset, source })?;
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                break;
            }
            file.consume(zeros);
        }
        let more = file.fill_buf().map_err(|source| ReadError::Io { offset, source })?;
        if more.is_empty() {
            self.source = Some(Source::Plain(file));
            return Ok(false);
        }
        let begins = file.offset;
        self.source = Some(Source::Member(Box::new(BufReader::new(GzDecoder::new(file))), begins));
        Ok(true)
    }

    /// Where a record that begins here would be found.
    fn offset(&self) -> u64 {
        match &self.source {
            Some(Source::Plain(file)) => file.offset,
            Some(Source::Member(_, begins)) => *begins,
            None => 0,
        }
    }

    /// How far the file is read.
    fn offset_within(&self) -> u64 {
        match &self.source {
            Some(Source::Plain(file)) => file.offset,
            Some(Source::Member(member, _)) => member.get_ref().get_ref().offset,
            None => 0,
        }
    }
}

impl<R: Read> Source<R> {
    fn reader(&mut self) -> &mut dyn BufRead {
        match self {
            Self::Plain(file) => file,
            Self::Member(member, _) => member,
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Record, ReadError>;

    /// After an error there is nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.read().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

/// Knows how far it was read.
struct Counted<R> {
    inner: R,
    offset: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.offset += amount as u64;
    }
}
