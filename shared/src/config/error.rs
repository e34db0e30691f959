//! Configuration errors: what, where, and what was probably meant.

use std::path::PathBuf;

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that can't be read.
    #[error("can't read the configuration file {path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that is not TOML.
    #[error("{place} is not TOML: {reason}")]
    Syntax {
        /// The file.
        place: String,
        /// Where and why.
        reason: String,
    },
    /// A key nobody knows.
    #[error("{place}: unknown key {key}{}", hint(nearest))]
    UnknownKey {
        /// The layer.
        place: String,
        /// The key.
        key: String,
        /// The nearest known key.
        nearest: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("{place}: {reason}")]
    Value {
        /// The key, or the layer that set it.
        place: String,
        /// What is expected.
        reason: String,
    },
}

impl ConfigError {
    pub(super) fn value(place: &str, error: &toml::de::Error) -> Self {
        Self::Value { place: format!("[{place}]"), reason: error.to_string().trim().replace('\n', " ") }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |key| format!("; did you mean {key}?"))
}
