//! Columns for a terminal: what strangers wrote is escaped and cut, so that it can neither act nor run wide.

use crate::{as_text::line, state::State};
use std::io::{self, Write};

/// Characters of a cell; `show` has the rest.
const WIDEST: usize = 120;

/// Text of strangers as a cell.
pub(super) fn cell(text: &str) -> String {
    // What is escaped grows, so there is no need to look at more than can be shown.
    let head: String = text.chars().take(WIDEST).collect();
    let shown = line(&head);
    if shown.chars().count() < WIDEST && head.len() == text.len() {
        return shown;
    }
    shown.chars().take(WIDEST - 1).chain(['…']).collect()
}

/// A state, in its colour where people look on.
pub(super) fn state(state: State, colours: bool) -> String {
    if !colours || std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) {
        return state.to_string();
    }
    let colour = match state {
        State::Open => "31",
        State::Replayed => "33",
        State::Resolved => "32",
        State::Discarded => "2",
    };
    format!("\x1b[{colour}m{state}\x1b[0m")
}

/// Writes rows below their heads; a head that begins with `>` stands over numbers. The last column takes what it needs.
pub(super) fn write(heads: &[&str], rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let titles: Vec<&str> = heads.iter().map(|head| head.trim_start_matches('>')).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|at| rows.iter().map(|row| width(&row[at])).chain([titles[at].len()]).max().unwrap_or(0))
        .collect();
    let mut put = |cells: &[&str]| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let room = " ".repeat(widths[at].saturating_sub(width(cell)));
            let gap = if at == 0 { "" } else { "  " };
            match (heads[at].starts_with('>'), at + 1 == cells.len()) {
                (true, _) => text.extend([gap, &room, cell]),
                (false, true) => text.extend([gap, cell]),
                (false, false) => text.extend([gap, cell, &room]),
            }
        }
        writeln!(out, "{text}")
    };
    put(&titles)?;
    rows.iter().try_for_each(|row| put(&row.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Places that a cell takes; colours take none.
fn width(cell: &str) -> usize {
    let bare =
        cell.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')).map_or(cell, |(_, rest)| rest);
    bare.strip_suffix("\x1b[0m").unwrap_or(bare).chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut out = Vec::new();
        let row = |a: &str, b: &str, c: &str| vec![a.to_owned(), b.to_owned(), c.to_owned()];
        let rows = [row("\x1b[31mopen\x1b[0m", "7", "é"), row("discarded", "1234", "x")];
        write(&["STATE", ">NUMBER", "REST"], &rows, &mut out).unwrap();
        let expected = "STATE      NUMBER  REST\n\x1b[31mopen\x1b[0m            7  é\ndiscarded    1234  x\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_cell_is_one_short_harmless_line() {
        assert_eq!(cell("a\x1b[2Jb\nc"), r"a\u{1b}[2Jb\u{a}c");
        let long = cell(&"x".repeat(1_000_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (WIDEST, true));
    }
}
