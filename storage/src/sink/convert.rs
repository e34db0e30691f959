//! JSON lines become the format that a file should have.

use super::Format;
use crate::row::{Cell, Column, Inference, ItemRow, Kind, RowSet, Rows};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write},
    path::Path,
};

/// Writes the rows of a file of JSON lines to `out`; answers how many. Memory stays flat. The columns of
/// items are those that the items turn out to have, or those of them that were asked for.
///
/// # Errors
/// When one of the files can't be read or written, or holds something else.
pub(crate) fn convert(lines: &Path, set: &RowSet, format: Format, out: impl Write + Send) -> io::Result<u64> {
    let columns = match set.rows() {
        Rows::Items => item_columns(lines, set)?,
        Rows::Pages | Rows::Links => set.columns().to_vec(),
    };
    let Some(mut sink) = format.sink(&columns, out)? else {
        return Err(io::Error::other("an archive has no rows"));
    };
    let mut rows = 0;
    for_each(lines, |row| {
        let row = ItemRow(row);
        let cells: Vec<Cell<'_>> = columns.iter().map(|column| row.cell(column)).collect();
        rows += 1;
        sink.write(&cells)
    })?;
    sink.finish()?;
    Ok(rows)
}

fn item_columns(lines: &Path, set: &RowSet) -> io::Result<Vec<Column>> {
    let mut seen = Inference::default();
    for_each(lines, |row| {
        seen.see(&ItemRow(row));
        Ok(())
    })?;
    let found = seen.columns();
    if set.columns().is_empty() {
        return Ok(found);
    }
    let chosen = set.columns().iter().map(|wanted| {
        let known = found.iter().find(|column| column.name == wanted.name);
        // An object that was asked for as a whole, or a field that no item has.
        let inner = format!("{}.", wanted.name);
        let kind =
            if found.iter().any(|column| column.name.starts_with(&inner)) { Kind::Json } else { Kind::Text };
        known.cloned().unwrap_or_else(|| Column { name: wanted.name.clone(), kind })
    });
    Ok(chosen.collect())
}

fn for_each(lines: &Path, mut visit: impl FnMut(Map<String, Value>) -> io::Result<()>) -> io::Result<()> {
    let mut lines = BufReader::with_capacity(256 * 1024, File::open(lines)?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        visit(serde_json::from_slice(&line).map_err(io::Error::from)?)?;
        line.clear();
    }
    Ok(())
}
