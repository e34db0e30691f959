//! `docs/exit-codes.md` lists the exit codes that there are, in order, under their names.

use trawl_shared::cli::Exit;

const PAGE: &str = include_str!("../../docs/exit-codes.md");

#[test]
fn the_page_lists_every_code_and_no_other() {
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let rows = PAGE.lines().filter(|line| line.starts_with('|')).skip(2).map(cells);
    let shown: Vec<_> = rows
        .map(|row| {
            assert!(!row[3].is_empty(), "code {} has no meaning", row[1]);
            (row[1].parse::<u8>().expect("a row begins with its code"), row[2].to_owned())
        })
        .collect();
    let known: Vec<_> = Exit::ALL.map(|exit| (exit.code(), format!("{exit:?}"))).to_vec();
    assert_eq!(shown, known);
}
