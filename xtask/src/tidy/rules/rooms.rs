//! Libraries that one room only may name, so that the rest of the house does not feel a change of them.

use crate::tidy::Finding;
use crate::tidy::code::words;
use crate::tidy::manifest::Manifest;
use crate::tidy::repository::{Repository, TextFile};

/// A library, and the folders in which it may be named.
struct Room {
    library: &'static str,
    folders: &'static [&'static str],
    /// Whether integration tests may name it as well.
    tests: bool,
}

const ROOMS: [Room; 6] = [
    Room { library: "rdkafka", folders: &["shared/src/broker/kafka/"], tests: false },
    Room { library: "object_store", folders: &["shared/src/blob/"], tests: false },
    // The fetcher and the floor of the bench speak HTTP through reqwest, and so does object_store, which leaves it to us to
    // give it TLS; the fetcher reads in hyper's errors, which
    // stand behind reqwest's, what those do not tell apart.
    Room { library: "reqwest", folders: &["scraper/src/http/", "shared/src/blob/", "bench/"], tests: false },
    Room { library: "hyper", folders: &["scraper/src/http/", "bench/"], tests: true },
    Room { library: "scraper", folders: &["parser/src/dom/", "bench/"], tests: false },
    Room {
        library: "sqlx",
        folders: &[
            "url-manager/src/store/",
            "storage/src/store/",
            "dlq-handler/src/store/",
            "shared/src/sql/",
            // The floor that the store is measured by is its database without it.
            "bench/src/storing.rs",
        ],
        tests: true,
    },
];

impl Room {
    fn holds(&self, path: &str) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
            || (self.tests && path.split('/').any(|part| part == "tests"))
    }

    /// Whether this crate has a folder of the room.
    fn is_in(&self, manifest: &Manifest) -> bool {
        self.folders.iter().any(|folder| folder.starts_with(manifest.folder()))
    }
}

pub(super) fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for room in &ROOMS {
        for manifest in repository.manifests() {
            for dependency in
                manifest.dependencies.iter().filter(|dependency| dependency.name == room.library)
            {
                let allowed = room.is_in(manifest) || (room.tests && dependency.dev);
                if !allowed {
                    let what = format!("{} depends on {}", manifest.package, room.library);
                    findings.push(Finding::new(&manifest.path, dependency.line, what));
                }
            }
            // Without the dependency the word means something else (`scraper` is also a module of ours).
            if manifest.depends_on(room.library) {
                let outside = repository
                    .rust()
                    .filter(|file| file.path.starts_with(manifest.folder()) && !room.holds(&file.path));
                findings.extend(outside.flat_map(|file| named(file, room)));
            }
        }
    }
    findings
}

fn named<'a>(file: &'a TextFile, room: &'a Room) -> impl Iterator<Item = Finding> + 'a {
    let code = file.code();
    words(code, room.library).filter(move |&at| is_crate_name(code, at, room.library)).map(move |at| {
        let what = format!("{} is named outside {}", room.library, room.folders.join(", "));
        Finding::new(&file.path, file.line_of(at), what)
    })
}

/// Whether the word is the first of a path: `x::…`, `use x`, `extern crate x`; not `crate::x::…` or a variable.
fn is_crate_name(code: &str, at: usize, word: &str) -> bool {
    let before = code[..at].trim_end();
    let after = code[at + word.len()..].trim_start();
    let (before, rooted) = match before.strip_suffix("::") {
        // `::x` starts at the root, `a::x` does not.
        Some(path) => (path, !path.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')),
        None => (before, true),
    };
    let keyword = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
    rooted && !before.ends_with('.') && (after.starts_with("::") || matches!(keyword, Some("use" | "crate")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(library: &str, path: &str, code: &str) -> Vec<(String, usize)> {
        let folder = path.split('/').next().unwrap();
        let manifest = format!("[package]\nname = \"p\"\n[dependencies]\n{library}.workspace = true\n");
        let repository = Repository::of(&[(&format!("{folder}/Cargo.toml"), &manifest), (path, code)]);
        check(&repository).into_iter().map(|finding| (finding.file, finding.line)).collect()
    }

    #[test]
    fn a_library_stays_in_its_room() {
        let quiet: [(String, usize); 0] = [];
        assert_eq!(check_file("rdkafka", "shared/src/broker/kafka/admin.rs", "use rdkafka::admin;"), quiet);
        assert_eq!(check_file("reqwest", "bench/src/main.rs", "reqwest::get(u)"), quiet);
        assert_eq!(check_file("sqlx", "storage/tests/store.rs", "use sqlx::Row;"), quiet);

        let loud = |path: &str, line| vec![(path.to_owned(), line)];
        let path = "shared/src/runtime/mod.rs";
        assert_eq!(check_file("rdkafka", path, "\nuse rdkafka::admin;"), loud(path, 2));
        let path = "parser/src/links.rs";
        assert_eq!(check_file("scraper", path, "fn f(x: &scraper::Html) {}"), loud(path, 1));
        let path = "url-manager/src/frontier.rs";
        assert_eq!(check_file("sqlx", path, "// sqlx::query\n\nlet s = ::sqlx::query;"), loud(path, 3));
        let path = "scraper/src/robots.rs";
        assert_eq!(check_file("reqwest", path, "use reqwest::Client;"), loud(path, 1));
        assert_eq!(check_file("hyper", path, "pub(crate) use hyper as http;"), loud(path, 1));
    }

    #[test]
    fn a_crate_without_the_room_may_not_even_depend_on_it() {
        assert_eq!(check_file("rdkafka", "trawl/src/main.rs", ""), [("trawl/Cargo.toml".to_owned(), 4)]);
        let tests_only = "[package]\nname = \"p\"\n[dev-dependencies]\nsqlx.workspace = true\n";
        assert_eq!(check(&Repository::of(&[("trawl/Cargo.toml", tests_only)])), []);
    }

    #[test]
    fn the_same_word_may_mean_something_else() {
        for code in
            ["crate::scraper::run()", "self.scraper", "let scraper = 1;", "\"scraper::x\"", "mod scraper;"]
        {
            assert_eq!(check_file("scraper", "parser/src/lib.rs", code), [], "{code}");
        }
    }
}
