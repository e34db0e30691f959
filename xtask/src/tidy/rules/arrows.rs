//! Which crate of the workspace may depend on which.

use crate::tidy::Finding;
use crate::tidy::repository::Repository;

/// The services: they know `shared` and speak to each other in messages only.
const SERVICES: [&str; 5] =
    ["trawl-url-manager", "trawl-scraper", "trawl-parser", "trawl-storage", "trawl-dlq-handler"];

/// Whether this arrow may be; `None` if the crate is new to this rule.
fn may(from: &str, to: &str) -> Option<bool> {
    Some(match from {
        "trawl-public-suffix" | "xtask" => false,
        "trawl-shared" => to == "trawl-public-suffix",
        "trawl" => to == "trawl-shared" || SERVICES.contains(&to),
        "bench" => to != "xtask",
        service if SERVICES.contains(&service) => to == "trawl-shared",
        _ => return None,
    })
}

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    let members: Vec<_> = repository.manifests().iter().map(|manifest| manifest.package.as_str()).collect();
    let mut findings = Vec::new();
    for manifest in repository.manifests() {
        if may(&manifest.package, "trawl-shared").is_none() {
            let what =
                format!("{} has no place in the order of crates (xtask/src/tidy/rules)", manifest.package);
            findings.push(Finding::new(&manifest.path, 1, what));
            continue;
        }
        for dependency in &manifest.dependencies {
            let to = dependency.name.as_str();
            // The end-to-end tests crawl the synthetic web, which knows the answer.
            let crawled_in_tests = dependency.dev && manifest.package == "trawl" && to == "bench";
            if members.contains(&to) && may(&manifest.package, to) == Some(false) && !crawled_in_tests {
                let what = format!("{} depends on {to}", manifest.package);
                findings.push(Finding::new(&manifest.path, dependency.line, what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(from: &str, to: &str) -> Vec<Finding> {
        let manifest = format!("[package]\nname = \"{from}\"\n[dev-dependencies]\n{to}.workspace = true\n");
        let other = format!("[package]\nname = \"{to}\"\n");
        let mut findings = check(&Repository::of(&[("a/Cargo.toml", &manifest), ("b/Cargo.toml", &other)]));
        findings.retain(|finding| finding.file == "a/Cargo.toml");
        findings
    }

    #[test]
    fn arrows_point_one_way() {
        for (from, to) in [
            ("trawl", "trawl-parser"),
            ("trawl", "trawl-shared"),
            ("trawl-parser", "trawl-shared"),
            ("bench", "trawl"),
            ("trawl", "bench"),
            ("bench", "trawl-scraper"),
            ("trawl-shared", "trawl-public-suffix"),
        ] {
            assert_eq!(check_one(from, to), [], "{from} -> {to}");
        }
        for (from, to) in [
            ("trawl-parser", "trawl-storage"),
            ("trawl-shared", "trawl-parser"),
            ("trawl-scraper", "trawl"),
            ("trawl-parser", "bench"),
            ("trawl-public-suffix", "trawl-shared"),
            ("trawl-scraper", "trawl-public-suffix"),
            ("xtask", "trawl-shared"),
        ] {
            let expected = Finding::new("a/Cargo.toml", 4, format!("{from} depends on {to}"));
            assert_eq!(check_one(from, to), [expected]);
        }
    }

    #[test]
    fn a_new_crate_must_be_placed() {
        let findings = check_one("trawl-new", "serde");
        assert!(findings[0].what.starts_with("trawl-new has no place"), "{findings:?}");
    }
}
