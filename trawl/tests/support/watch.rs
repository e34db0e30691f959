//! The dashboards and alert rules of the repository.

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The dashboards by file name.
pub fn dashboards() -> Vec<(String, Value)> {
    let files = files("deploy/grafana/dashboards");
    files.into_iter().map(|(name, text)| (name, serde_json::from_str(&text).unwrap())).collect()
}

/// All alerts.
pub fn alerts() -> Vec<Value> {
    let mut alerts = Vec::new();
    for (name, text) in files("deploy/prometheus/rules") {
        let rules: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for group in rules["groups"].as_array().unwrap() {
            alerts.extend(group["rules"].as_array().unwrap().iter().cloned());
        }
    }
    alerts
}
