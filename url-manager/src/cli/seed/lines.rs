//! A file of seeds, line by line, in bounded memory.

use anyhow::Context as _;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};
use trawl_shared::cli::{CliError, Exit, OrExit as _};

/// Longest line that is read, in bytes; the rest of a longer one is passed over.
const MAX_LINE: u64 = 64 * 1024;

/// A file, or standard input.
pub(super) struct SeedFile {
    name: String,
    reader: Box<dyn BufRead + Send>,
    number: u64,
    line: Vec<u8>,
}

impl SeedFile {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let (name, reader): (_, Box<dyn BufRead + Send>) = if path.as_os_str() == "-" {
            ("standard input".to_owned(), Box::new(BufReader::new(io::stdin())))
        } else {
            let file = File::open(path).with_context(|| format!("can't read {}", path.display()));
            let file = file.or_exit(Exit::Failed)?;
            (path.display().to_string(), Box::new(BufReader::with_capacity(1 << 16, file)))
        };
        Ok(Self { name, reader, number: 0, line: Vec::new() })
    }

    /// The next line that is neither empty nor a comment, and its number.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, String)>, CliError> {
        loop {
            let read = self.read();
            let read = read.with_context(|| format!("can't read {}", self.name)).or_exit(Exit::Failed)?;
            if !read {
                return Ok(None);
            }
            self.number += 1;
            let text = String::from_utf8_lossy(&self.line);
            let text = text.trim().trim_start_matches('\u{feff}');
            if !text.is_empty() && !text.starts_with('#') {
                return Ok(Some((self.number, text.to_owned())));
            }
        }
    }

    fn read(&mut self) -> io::Result<bool> {
        self.line.clear();
        let read = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if self.line.last() != Some(&b'\n') && self.line.len() as u64 == MAX_LINE {
            self.reader.skip_until(b'\n')?;
        }
        Ok(read > 0)
    }
}
