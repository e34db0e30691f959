//! Every crate takes the workspace's lints.

use crate::tidy::Finding;
use crate::tidy::repository::Repository;

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    repository
        .manifests()
        .iter()
        .filter(|manifest| {
            let lints = manifest.table().get("lints").and_then(|lints| lints.get("workspace"));
            lints.and_then(toml::Value::as_bool) != Some(true)
        })
        .map(|manifest| {
            Finding::new(&manifest.path, 1, format!("{} has its own lints, or none", manifest.package))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_lints_are_found() {
        let found = |tail: &str| {
            let manifest = format!("[package]\nname = \"p\"\n{tail}");
            check(&Repository::of(&[("p/Cargo.toml", &manifest)])).len()
        };
        assert_eq!(found("[lints]\nworkspace = true\n"), 0);
        assert_eq!(found("[lints.rust]\nunsafe_code = \"allow\"\n"), 1);
        assert_eq!(found(""), 1);
    }
}
