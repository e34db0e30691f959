//! Every Rust file says at its top what it holds.

use crate::tidy::Finding;
use crate::tidy::repository::Repository;

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    repository
        .rust()
        .filter(|file| {
            // Inner attributes may stand before the docs.
            let first =
                file.text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("#!["));
            let docs = first.and_then(|line| line.strip_prefix("//!")).unwrap_or_default();
            docs.trim().is_empty()
        })
        .map(|file| Finding::new(&file.path, 1, "the file has no docs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_come_first() {
        let found = |text| check(&Repository::of(&[("a/src/lib.rs", text)])).len();
        assert_eq!(found("//! Holds it.\n"), 0);
        assert_eq!(found("#![cfg(unix)]\n\n//! Holds it.\n"), 0);
        assert_eq!(found("use a::b;\n//! Too late.\n"), 1);
        assert_eq!(found("//!\nfn f() {}\n"), 1);
        assert_eq!(found("// no docs\n"), 1);
        assert_eq!(found(""), 1);
    }
}
