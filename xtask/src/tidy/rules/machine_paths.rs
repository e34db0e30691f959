//! No file names a path of somebody's machine: it would be wrong on every other.

use std::path::Path;

use crate::tidy::Finding;
use crate::tidy::repository::{Repository, TextFile};

/// Homes of people.
const HOMES: [&str; 2] = ["/home/", "/Users/"];
/// They speak of folders in an image, where any name may be.
const IMAGES: [&str; 2] = ["Dockerfile", "docker-compose.yml"];
/// Folders that a checkout may well stand in, and a file may well name.
const CUSTOMARY: [&str; 9] = ["/", "/tmp", "/home", "/opt", "/srv", "/mnt", "/usr/src", "/app", "/root"];

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    let own = own_places(repository.root());
    let files = repository.files().iter().filter(|file| !IMAGES.iter().any(|name| file.path.ends_with(name)));
    files.flat_map(|file| paths(file, &own)).collect()
}

/// This checkout, and the folder that it stands in with its neighbours.
fn own_places(root: &Path) -> Vec<String> {
    [Some(root), root.parent()]
        .into_iter()
        .flatten()
        .map(|place| place.to_string_lossy().into_owned())
        .filter(|place| !CUSTOMARY.contains(&place.as_str()))
        .map(|place| place + "/")
        .collect()
}

fn paths(file: &TextFile, own: &[String]) -> Vec<Finding> {
    // This rule must name what it looks for.
    let homes: &[&str] = if file.path.ends_with("rules/machine_paths.rs") { &[] } else { &HOMES };
    let mut findings = Vec::new();
    for place in homes.iter().copied().chain(own.iter().map(String::as_str)) {
        for (at, _) in file.text.match_indices(place) {
            if starts_a_path(&file.text[..at]) && names_something(&file.text[at + place.len()..]) {
                findings.push(Finding::new(&file.path, file.line_of(at), format!("a path below {place}")));
            }
        }
    }
    findings
}

/// `"/home/` begins a path of a machine, `example.org/home/` is part of an address.
fn starts_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "./-_~)}$>*".contains(c))
}

fn names_something(after: &str) -> bool {
    after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Repository::of(&[(path, text)])).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn somebodys_folders_are_found() {
        assert_eq!(found("README.md", "cd /home/ann/trawl"), ["a path below /home/"]);
        assert_eq!(found("a.rs", "\"/Users/ann/x\""), ["a path below /Users/"]);
        // The checkout of the sample is /somebody/checkout.
        assert_eq!(found("a.sh", "cd /somebody/checkout/bin").len(), 2);
        assert_eq!(found("a.sh", "ls /somebody/else"), ["a path below /somebody/"]);
    }

    #[test]
    fn addresses_and_images_are_not() {
        for (path, text) in [
            ("a.rs", "http://example.org/home/page"),
            ("a.rs", "$HOME/x ../home/x /home/ /tmp/x"),
            ("Dockerfile", "WORKDIR /home/trawl"),
        ] {
            assert!(found(path, text).is_empty(), "{text}");
        }
        let ordinary = own_places(Path::new("/tmp/clone"));
        assert_eq!(ordinary, ["/tmp/clone/"]);
    }
}
