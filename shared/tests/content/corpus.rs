//! Reading the corpora, which stay where they are and are no part of this repository.

use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// The folder of a corpus. Says so and gives `None` where it is missing.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let folder = std::env::var_os("TRAWL_CORPORA").map_or_else(default, PathBuf::from).join(name);
    if !folder.is_dir() {
        eprintln!("skipped: corpus {name} is not here (set TRAWL_CORPORA to the folder of corpora)");
        return None;
    }
    Some(folder)
}

/// A file's bytes, decompressed where its name ends in `.gz`.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    if path.extension().is_none_or(|extension| extension != "gz") {
        return fs::read(path).unwrap();
    }
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The rows of a JSON Lines file.
pub(crate) fn rows<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = String::from_utf8(bytes(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Prints a score and fails below its threshold (in percent).
#[track_caller]
pub(crate) fn score(name: &str, passed: usize, total: usize, least: f64) {
    let percent = 100.0 * passed as f64 / total as f64;
    println!("{name}: {passed}/{total} ({percent:.1} %, at least {least} %)");
    assert!(percent >= least, "{name}: {passed}/{total} is below {least} %");
}
