//! The content as CommonMark, with the tables of GFM.

mod inline;

use super::{
    blocks::{Block, Form, Place},
    plain::code,
};
use crate::dom::Entry;
use inline::Inline;
use std::{collections::HashMap, fmt::Write as _};

/// Spaces for each list around a block: enough for the markers of both kinds of lists.
const INDENT: usize = 4;

/// Writes blocks as Markdown; links are made absolute by `resolve`.
pub(super) fn write(
    nodes: &[Entry<'_>],
    blocks: &[Block],
    cut: &[bool],
    resolve: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut writer = Writer { nodes, cut, resolve, out: String::new(), counts: HashMap::new(), begun: None };
    let mut rest = blocks;
    let mut before: Option<&Block> = None;
    while let Some((block, after)) = rest.split_first() {
        let rows = table(rest);
        let (taken, after) =
            if rows > 0 { rest.split_at(rows) } else { (std::slice::from_ref(block), after) };
        let (body, marker) = (writer.body(taken), writer.marker(block));
        writer.part(before, block, marker.is_some());
        writer.lines(&body, block, marker.as_deref());
        before = taken.last();
        rest = after;
    }
    writer.out
}

/// How many blocks at the beginning are rows of one table.
fn table(blocks: &[Block]) -> usize {
    let of = |block: &Block| match block.form {
        Form::Row { table, .. } => Some(table),
        _ => None,
    };
    let Some(first) = blocks.first().and_then(of) else { return 0 };
    blocks.iter().take_while(|block| of(block) == Some(first)).count()
}

struct Writer<'w, 'd> {
    nodes: &'w [Entry<'d>],
    cut: &'w [bool],
    resolve: &'w dyn Fn(&str) -> Option<String>,
    out: String,
    /// Items written of each list that counts.
    counts: HashMap<usize, usize>,
    /// The item whose marker was written last.
    begun: Option<usize>,
}

impl Writer<'_, '_> {
    fn inline(&self, start: usize, end: usize) -> String {
        Inline::new(self.nodes, self.cut, self.resolve).write(start, end)
    }

    /// The lines of a block, or of the rows of a table, without what they stand in.
    fn body(&self, blocks: &[Block]) -> String {
        let Some(block) = blocks.first() else { return String::new() };
        match &block.form {
            Form::Heading(level) => {
                let text = self.inline(block.start, block.end);
                format!("{} {text}", "#".repeat(usize::from(*level)))
            }
            Form::Code => self.code(block),
            Form::Row { .. } => self.rows(blocks),
            Form::Paragraph | Form::Text => safe_start(self.inline(block.start, block.end)),
        }
    }

    fn code(&self, block: &Block) -> String {
        let code = code(self.nodes, block, self.cut);
        let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let inner = self.nodes[block.owner + 1..block.end].iter().find(|node| node.name == "code");
        let language = [Some(&self.nodes[block.owner]), inner]
            .into_iter()
            .flatten()
            .filter_map(|node| node.attribute("class"))
            .flat_map(str::split_ascii_whitespace)
            .find_map(|class| class.strip_prefix("language-").or_else(|| class.strip_prefix("lang-")))
            .unwrap_or_default();
        format!("{fence}{language}\n{}\n{fence}", code.trim_matches('\n'))
    }

    fn rows(&self, blocks: &[Block]) -> String {
        let cells = |block: &Block| match &block.form {
            Form::Row { cells, .. } => {
                cells.iter().map(|(start, end)| self.inline(*start, *end).replace('|', "\\|")).collect()
            }
            _ => Vec::new(),
        };
        let mut rows: Vec<Vec<String>> = blocks.iter().map(cells).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut lines = String::new();
        for (index, row) in rows.iter_mut().enumerate() {
            row.resize(columns, String::new());
            if index > 0 {
                lines.push('\n');
            }
            let _ = write!(lines, "| {} |", row.join(" | "));
            if index == 0 {
                let _ = write!(lines, "\n|{}", " --- |".repeat(columns));
            }
        }
        lines
    }

    /// The marker of the item that this block begins.
    fn marker(&mut self, block: &Block) -> Option<String> {
        let Place { item: Some(item), list, is_ordered, lists, .. } = block.place else { return None };
        if lists == 0 || self.begun == Some(item) || item < list {
            return None;
        }
        self.begun = Some(item);
        if !is_ordered {
            return Some("- ".to_owned());
        }
        let start =
            self.nodes[list].attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1_usize);
        let count = self.counts.entry(list).or_insert(start);
        let marker = format!("{count}. ");
        *count = count.saturating_add(1);
        Some(marker)
    }

    /// What parts a block from the one before it.
    fn part(&mut self, before: Option<&Block>, block: &Block, is_item: bool) {
        let Some(before) = before else { return };
        let both_in_lists = before.place.lists > 0 && block.place.lists > 0;
        let is_broken_line = before.owner == block.owner && before.form == block.form;
        if is_broken_line && !is_item && !block.is_heading() && block.form != Form::Code {
            self.out.push_str("  \n");
        } else if is_item && both_in_lists {
            self.out.push('\n');
        } else if before.place.quotes > 0 && block.place.quotes > 0 {
            self.out.push_str("\n>\n");
        } else {
            self.out.push_str("\n\n");
        }
    }

    fn lines(&mut self, body: &str, block: &Block, marker: Option<&str>) {
        let quotes = "> ".repeat(usize::from(block.place.quotes.min(8)));
        let lists = usize::from(block.place.lists.min(8));
        for (index, line) in body.split('\n').enumerate() {
            if index > 0 {
                self.out.push('\n');
            }
            self.out.push_str(&quotes);
            match marker.filter(|_| index == 0) {
                Some(marker) => {
                    let _ = write!(self.out, "{}{marker}", " ".repeat(INDENT * lists.saturating_sub(1)));
                }
                None => self.out.push_str(&" ".repeat(INDENT * lists)),
            }
            self.out.push_str(line);
        }
    }
}

/// A line that begins as text: what would be a heading, a quote, a list or a rule is escaped.
fn safe_start(line: String) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_marker = match line.as_bytes().get(digits..) {
        Some([b'.' | b')', b' ', ..]) if digits > 0 => {
            return format!("{}\\{}", &line[..digits], &line[digits..]);
        }
        Some([b'#' | b'>' | b'=' | b'~', ..]) => digits == 0,
        Some([b'-' | b'+', b' ' | b'-', ..]) => digits == 0,
        _ => false,
    };
    if is_marker { format!("\\{line}") } else { line }
}
