//! Collected cases of other people, for tests: read in place, no part of this repository.
//!
//! `TRAWL_CORPORA` names their folder, by default `../shared/corpora` beside the checkout. Where it is missing a test says
//! so and passes over it.

#![expect(clippy::missing_panics_doc, reason = "for tests, which stop where they are")]

use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// The folder of a corpus; a relative `TRAWL_CORPORA` is read from the top of the checkout. Says so and gives `None`
/// where it is missing.
#[must_use]
pub fn corpus(name: &str) -> Option<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpora = std::env::var_os("TRAWL_CORPORA").map_or_else(|| "../shared/corpora".into(), PathBuf::from);
    let folder = checkout.join(corpora).join(name);
    if !folder.is_dir() {
        eprintln!("skipped: corpus {name} is not here (set TRAWL_CORPORA to the folder of corpora)");
        return None;
    }
    Some(folder)
}

/// A file's bytes, decompressed where its name ends in `.gz`.
#[must_use]
pub fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        if path.extension().is_some_and(|extension| extension == "gz") {
            GzDecoder::new(file).read_to_end(&mut bytes)
        } else {
            file.read_to_end(&mut bytes)
        }
    });
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes
}

/// The rows of a JSON Lines file.
#[must_use]
pub fn rows<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = String::from_utf8(bytes(path)).expect("rows are UTF-8");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Prints a score and fails below its threshold (in percent).
#[track_caller]
pub fn score(name: &str, passed: usize, total: usize, least: f64) {
    let percent = percent(passed, total);
    println!("{name}: {passed}/{total} ({percent:.1} %, at least {least} %)");
    assert!(percent >= least, "{name}: {passed}/{total} is below {least} %");
}

#[expect(clippy::cast_precision_loss, reason = "a corpus is small")]
fn percent(passed: usize, total: usize) -> f64 {
    100.0 * passed as f64 / total as f64
}

/// Scores of a corpus by kind of case.
#[derive(Debug, Default)]
pub struct Scores(BTreeMap<String, (usize, usize)>);

impl Scores {
    /// Counts a case.
    pub fn count(&mut self, kind: &str, passed: bool) {
        let (right, all) = self.0.entry(kind.to_owned()).or_default();
        *right += usize::from(passed);
        *all += 1;
    }

    /// Prints all kinds, and fails where one is below its threshold (in percent).
    #[track_caller]
    pub fn finish(&self, corpus: &str, thresholds: &[(&str, f64)]) {
        for (kind, (right, all)) in &self.0 {
            println!("{corpus}, {kind}: {right}/{all}");
        }
        for (kind, least) in thresholds {
            let (right, all) = self.0[*kind];
            let percent = percent(right, all);
            assert!(percent >= *least, "{corpus}, {kind}: {right}/{all} is below {least} %");
        }
    }
}
