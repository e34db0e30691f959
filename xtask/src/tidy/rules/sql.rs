//! An `.sql` file holds a statement: an empty migration would be recorded as applied for ever.

use crate::tidy::Finding;
use crate::tidy::repository::Repository;

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    repository
        .files()
        .iter()
        .filter(|file| file.path.ends_with(".sql"))
        .filter(|file| {
            file.text.lines().all(|line| line.split("--").next().unwrap_or_default().trim().is_empty())
        })
        .map(|file| Finding::new(&file.path, 1, "the file holds no statement"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_comments_is_empty() {
        let found = |text| check(&Repository::of(&[("a/m/1.sql", text)])).len();
        assert_eq!(found("-- why\nselect 1;\n"), 0);
        assert_eq!(found("-- later\n\n"), 1);
        assert_eq!(found(""), 1);
    }
}
