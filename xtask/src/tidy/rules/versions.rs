//! Versions of dependencies stand in one place: the root's `Cargo.toml`.

use toml::Value;

use crate::tidy::Finding;
use crate::tidy::repository::Repository;

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in repository.manifests() {
        for dependency in &manifest.dependencies {
            if dependency.value.get("workspace").and_then(Value::as_bool) != Some(true) {
                let what = format!("{} has a version of its own", dependency.name);
                findings.push(Finding::new(&manifest.path, dependency.line, what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_versions_are_found() {
        let manifest = "[package]\nname = \"p\"\n[dependencies]\na.workspace = true\n\
                        b = { workspace = true, optional = true }\nc = \"1\"\nd = { path = \"../d\" }\n";
        let lines: Vec<_> = check(&Repository::of(&[("p/Cargo.toml", manifest)]))
            .iter()
            .map(|finding| finding.line)
            .collect();
        assert_eq!(lines, [6, 7]);
    }
}
