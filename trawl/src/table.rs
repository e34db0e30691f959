//! Rows in columns: names to the left, numbers to the right.

/// The rows below their headings; columns whose heading begins with `>` are aligned to the right.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let names: Vec<String> = headings.iter().map(|name| name.trim_start_matches('>').to_owned()).collect();
    let all = || std::iter::once(&names).chain(rows);
    let widths: Vec<usize> = (0..names.len())
        .map(|column| {
            all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for ((cell, width), heading) in row.iter().zip(&widths).zip(headings) {
            let cell =
                if heading.starts_with('>') { format!("{cell:>width$}") } else { format!("{cell:width$}") };
            line.push_str(if line.is_empty() { "" } else { "  " });
            line.push_str(&cell);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows =
            [vec!["retry".to_owned(), "7".to_owned()], vec!["parsed-data".to_owned(), "1200".to_owned()]];
        let expected = "topic        records\nretry              7\nparsed-data     1200\n";
        assert_eq!(table(&["topic", ">records"], &rows), expected);
    }
}
