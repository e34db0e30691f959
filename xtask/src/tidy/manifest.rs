//! A crate's `Cargo.toml`, as far as the rules ask about it.

use anyhow::{Context, Result};
use toml::{Table, Value};

/// The manifest of one crate of the workspace.
pub(super) struct Manifest {
    /// The file, from the root.
    pub(super) path: String,
    pub(super) package: String,
    pub(super) dependencies: Vec<Dependency>,
    table: Table,
    text: String,
}

/// One line under `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) line: usize,
    /// Only tests, examples and benches see it.
    pub(super) dev: bool,
    pub(super) value: Value,
}

impl Manifest {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self> {
        let table: Table = text.parse().with_context(|| format!("{path} is not TOML"))?;
        let package = table
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str)
            .with_context(|| format!("{path} names no package"))?
            .to_owned();
        let mut manifest =
            Self { path: path.to_owned(), package, dependencies: Vec::new(), table, text: text.to_owned() };
        manifest.dependencies = manifest.collect();
        Ok(manifest)
    }

    /// The crate's folder, with a slash at its end.
    pub(super) fn folder(&self) -> &str {
        self.path.trim_end_matches("Cargo.toml")
    }

    pub(super) fn depends_on(&self, name: &str) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == name)
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    fn collect(&self) -> Vec<Dependency> {
        let of_targets = self.table.get("target").and_then(Value::as_table);
        let tables = of_targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let mut all = Vec::new();
        for table in std::iter::once(&self.table).chain(tables) {
            for (section, dev) in
                [("dependencies", false), ("dev-dependencies", true), ("build-dependencies", false)]
            {
                let entries = table.get(section).and_then(Value::as_table);
                all.extend(entries.into_iter().flatten().map(|(name, value)| Dependency {
                    name: name.clone(),
                    line: self.line_of(section, name),
                    dev,
                    value: value.clone(),
                }));
            }
        }
        all
    }

    /// The line of a dependency: `name = …` or `name.workspace = …` below its heading, or a heading of its own.
    fn line_of(&self, section: &str, name: &str) -> usize {
        let mut inside = false;
        for (index, line) in self.text.lines().map(str::trim).enumerate() {
            if let Some(heading) = line.strip_prefix('[') {
                let heading = heading.split(']').next().unwrap_or_default();
                inside = heading.ends_with(section) && (heading == section || heading.starts_with("target."));
                if heading.ends_with(&format!("{section}.{name}")) {
                    return index + 1;
                }
            }
            let key = line.split(['=', '.']).next().unwrap_or_default().trim().trim_matches('"');
            if inside && key == name {
                return index + 1;
            }
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_where_they_stand() {
        let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n\"b\" = { workspace = true }\n\
                    [dev-dependencies]\na = \"1\"\n[target.'cfg(unix)'.dependencies]\nc.workspace = true\n\
                    [dependencies.d]\nworkspace = true\n";
        let manifest = Manifest::parse("x/Cargo.toml", text).unwrap();
        let mut found: Vec<_> =
            manifest.dependencies.iter().map(|d| (d.name.as_str(), d.line, d.dev)).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [("a", 4, false), ("a", 7, true), ("b", 5, false), ("c", 9, false), ("d", 10, false)]
        );
        assert_eq!(manifest.folder(), "x/");
    }
}
