//! A source file is short enough to be held in the head.

use crate::tidy::Finding;
use crate::tidy::repository::Repository;

const MOST_LINES: usize = 450;

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    repository
        .rust()
        .filter(|file| file.path.split('/').any(|part| part == "src"))
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| {
            Finding::new(&file.path, MOST_LINES + 1, format!("{lines} lines are more than {MOST_LINES}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let (short, long) = ("//!\n".repeat(MOST_LINES), "//!\n".repeat(MOST_LINES + 1));
        let findings =
            check(&Repository::of(&[("a/src/s.rs", &short), ("a/src/l.rs", &long), ("a/tests/l.rs", &long)]));
        assert_eq!(findings, [Finding::new("a/src/l.rs", 451, "451 lines are more than 450")]);
    }
}
