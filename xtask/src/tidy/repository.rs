//! The repository as the rules see it: every text file with its path, read once.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::code;
use super::manifest::Manifest;

/// Folders that hold nothing that anyone wrote for this repository.
const NOT_OURS: [&str; 7] = [".git", "target", "trawl-data", "node_modules", ".idea", "corpus", "artifacts"];
/// Larger files are data.
const LARGEST: u64 = 1 << 20;

/// All text files of the repository.
pub(super) struct Repository {
    root: PathBuf,
    files: Vec<TextFile>,
    manifests: Vec<Manifest>,
}

/// One text file.
pub(super) struct TextFile {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    code: OnceCell<String>,
}

impl TextFile {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: OnceCell::new() }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The text with comments and literals blanked out; line and column numbers stay.
    pub(super) fn code(&self) -> &str {
        self.code.get_or_init(|| code::only(&self.text))
    }

    /// The line on which this byte stands, counted from one.
    pub(super) fn line_of(&self, byte: usize) -> usize {
        self.text.as_bytes()[..byte].iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

impl Repository {
    /// Reads what is below `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
            for entry in entries {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                if kind.is_dir() {
                    if !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                        folders.push(path);
                    }
                } else if kind.is_file() && entry.metadata()?.len() <= LARGEST {
                    // What is not UTF-8 is no text of ours.
                    if let Ok(text) = fs::read_to_string(&path) {
                        let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                        files.push(TextFile::new(&path, &text));
                    }
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self::new(root.to_path_buf(), files)
    }

    /// A repository made of these files, for the rules' own tests.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| TextFile::new(path, text)).collect();
        Self::new(PathBuf::from("/somebody/checkout"), files).unwrap()
    }

    fn new(root: PathBuf, files: Vec<TextFile>) -> Result<Self> {
        let manifests = files
            .iter()
            // One folder down: a crate of the workspace. The root's own manifest has no package. `fuzz` is a workspace
            // of its own, so that what it needs is no concern of the rest.
            .filter(|file| file.path.ends_with("/Cargo.toml") && file.path.matches('/').count() == 1)
            .filter(|file| file.path != "fuzz/Cargo.toml")
            .map(|file| Manifest::parse(&file.path, &file.text))
            .collect::<Result<_>>()?;
        Ok(Self { root, files, manifests })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn files(&self) -> &[TextFile] {
        &self.files
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// The manifests of the workspace's crates.
    pub(super) fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }
}
