//! A file of extraction rules as it travels with the tasks of a job, so that the parser needs no file. What the
//! rules say is the parser's to know; here they are a text.

use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path, sync::Arc};

/// Longest file of rules, in bytes: it travels with every task.
pub const MAX_RULES_BYTES: u64 = 256 * 1024;

/// The text of a rules file (TOML).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct RulesText(Arc<str>);

/// A rules file that can't be taken along.
#[derive(Debug, thiserror::Error)]
pub enum RulesFileError {
    /// It can't be read.
    #[error("the rules file {path} can't be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is too long.
    #[error(
        "the rules file {path} has {bytes} bytes, and {MAX_RULES_BYTES} are the most that travel with a task"
    )]
    TooLong {
        /// The file.
        path: String,
        /// Its length.
        bytes: u64,
    },
    /// It is no TOML.
    #[error("the rules file {path} is no TOML: {source}")]
    NotToml {
        /// The file.
        path: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl RulesText {
    /// Reads a file, and looks at no more than whether it is TOML.
    ///
    /// # Errors
    /// When it can't be read, is longer than [`MAX_RULES_BYTES`], or is no TOML.
    pub fn read(path: &Path) -> Result<Self, RulesFileError> {
        let shown = || path.display().to_string();
        let unreadable = |source| RulesFileError::Unreadable { path: shown(), source };
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_RULES_BYTES {
            return Err(RulesFileError::TooLong { path: shown(), bytes });
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        match toml::from_str::<toml::Table>(&text) {
            Ok(_) => Ok(Self::from(text)),
            Err(source) => Err(RulesFileError::NotToml { path: shown(), source: Box::new(source) }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for RulesText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for RulesText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<RulesText> for String {
    fn from(rules: RulesText) -> Self {
        rules.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_travels_as_its_text() {
        let rules = RulesText::from("[[pages]]\n");
        let json = serde_json::to_string(&rules).unwrap();
        assert_eq!(json, r#""[[pages]]\n""#);
        assert_eq!(serde_json::from_str::<RulesText>(&json).unwrap(), rules);
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        fs::write(&path, "a = 1\nb = = 2\n").unwrap();
        let error = RulesText::read(&path).unwrap_err().to_string();
        assert!(error.contains("rules.toml is no TOML") && error.contains("line 2"), "{error}");
        let error = RulesText::read(&folder.path().join("none.toml")).unwrap_err().to_string();
        assert!(error.contains("none.toml can't be read"), "{error}");
    }
}
