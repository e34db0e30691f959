//! Rows as JSON, one object a line; `null` stands for what is not known. The schema of a page's row is
//! published: `docs/schema/page-row.json`.

use super::Sink;
use crate::row::{Cell, Column, instant};
use std::io::{self, Write};

/// Writes JSON lines.
pub(super) struct JsonlSink<W> {
    columns: Vec<Column>,
    out: W,
    line: Vec<u8>,
}

impl<W: Write + Send> JsonlSink<W> {
    pub(super) fn new(columns: &[Column], out: W) -> Self {
        Self { columns: columns.to_vec(), out, line: Vec::new() }
    }
}

impl<W: Write + Send> Sink for JsonlSink<W> {
    fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        line(&self.columns, row, &mut self.line);
        self.out.write_all(&self.line)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// Appends a row.
pub(super) fn line(columns: &[Column], row: &[Cell<'_>], out: &mut Vec<u8>) {
    let mut before = b'{';
    for (column, cell) in columns.iter().zip(row) {
        out.push(before);
        before = b',';
        json(&column.name, out);
        out.push(b':');
        value(cell, out);
    }
    out.extend(if before == b'{' { &b"{}\n"[..] } else { b"}\n" });
}

fn value(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => out.extend(b"null"),
        Cell::Bool(yes) => json(yes, out),
        Cell::Int(number) => json(number, out),
        Cell::Float(number) => json(number, out),
        Cell::Text(text) => json(text, out),
        Cell::Time(millis) => json(&instant(*millis), out),
        Cell::Texts(texts) => json(texts, out),
        // JSON as it is stored; a line of its own must stay one.
        Cell::Json(text) => out.extend(text.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte })),
    }
}

fn json(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("texts and numbers have a JSON form, and memory takes it");
}
