//! Rows as CSV (RFC 4180), under a header line. A list is the JSON text of it, so that no separator in
//! an element can part it.

use super::Sink;
use crate::row::{Cell, Column, instant};
use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Writes CSV.
pub(super) struct CsvSink<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write + Send> CsvSink<W> {
    pub(super) fn new(columns: &[Column], mut out: W) -> io::Result<Self> {
        out.write_all(&head(columns))?;
        Ok(Self { out, line: Vec::new() })
    }
}

impl<W: Write + Send> Sink for CsvSink<W> {
    fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        line(row, &mut self.line);
        self.out.write_all(&self.line)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// The header line.
pub(super) fn head(columns: &[Column]) -> Vec<u8> {
    let mut out = Vec::new();
    let names: Vec<_> = columns.iter().map(|column| Cell::Text(Cow::Borrowed(&*column.name))).collect();
    line(&names, &mut out);
    out
}

/// Appends a row.
pub(super) fn line(row: &[Cell<'_>], out: &mut Vec<u8>) {
    for (at, cell) in row.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match cell {
            Cell::Null => {}
            Cell::Bool(yes) => out.extend(if *yes { &b"true"[..] } else { b"false" }),
            Cell::Int(number) => out.extend(number.to_string().as_bytes()),
            Cell::Float(number) => out.extend(number.to_string().as_bytes()),
            Cell::Time(millis) => {
                out.extend(instant(*millis).map_or_else(String::new, |at| at.to_string()).as_bytes());
            }
            Cell::Text(value) | Cell::Json(value) => text(value, out),
            Cell::Texts(values) => {
                text(&serde_json::to_string(values).expect("texts have a JSON form"), out);
            }
        }
    }
    out.extend(b"\r\n");
}

/// A field, in quotes where it needs them.
fn text(value: &str, out: &mut Vec<u8>) {
    if value.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n')) {
        out.push(b'"');
        out.extend(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend(value.as_bytes());
    }
}
