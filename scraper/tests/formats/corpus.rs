//! Reading the corpora, which stay where they are and are no part of this repository.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read},
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

/// The rows of a JSON Lines file, gzipped or not.
pub(crate) fn rows(path: PathBuf) -> Vec<Value> {
    let file = File::open(&path).unwrap();
    let reader: Box<dyn Read> = if path.extension().is_some_and(|e| e == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    BufReader::new(reader).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

/// Counts by kind of case.
#[derive(Default)]
pub(crate) struct Score(BTreeMap<String, (u32, u32)>);

impl Score {
    pub(crate) fn count(&mut self, kind: &str, passed: bool) {
        let (right, all) = self.0.entry(kind.to_owned()).or_default();
        *right += u32::from(passed);
        *all += 1;
    }

    /// Prints all counts and fails where a kind is below its bar (in percent).
    #[track_caller]
    pub(crate) fn finish(&self, corpus: &str, bars: &[(&str, f64)]) {
        for (kind, (right, all)) in &self.0 {
            println!("{corpus}, {kind}: {right}/{all}");
        }
        for (kind, least) in bars {
            let (right, all) = self.0[*kind];
            assert!(100.0 * f64::from(right) >= least * f64::from(all), "{corpus}, {kind}: {right}/{all}");
        }
    }
}
