//! The one setting that says where a store is.

use super::SqlError;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// `sqlite://FOLDER` or `postgres://USER:PASSWORD@HOST:PORT/NAME`: one setting for all services. Each
/// keeps a file of its own in the folder, or a schema of its own in the database.
///
/// [`Display`](fmt::Display) and [`Debug`] hide the password; serialising does not, so that a
/// configuration survives its own round trip.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DatabaseUrl {
    /// A folder of SQLite files, one for each store.
    Sqlite(PathBuf),
    /// A PostgreSQL database, as the URL was written.
    Postgres(String),
}

impl DatabaseUrl {
    /// SQLite files in `folder`.
    #[must_use]
    pub fn sqlite(folder: impl AsRef<Path>) -> Self {
        Self::Sqlite(folder.as_ref().to_owned())
    }

    /// The URL with its password.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self, SqlError> {
        let bad = |reason: &str| SqlError::Url { url: redact(text), reason: reason.to_owned() };
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(bad("the folder is missing")),
                ":memory:" => Err(bad("a store must outlive its process: give a folder")),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        match ::url::Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "postgres" | "postgresql") => {
                Err(bad("the scheme is unknown"))
            }
            Ok(url) if url.path().trim_matches('/').is_empty() => Err(bad("the database's name is missing")),
            Ok(_) => Ok(Self::Postgres(text.to_owned())),
            Err(error) => Err(bad(&error.to_string())),
        }
    }
}

/// Replaces what may be a password, also in text that is no URL at all.
pub(super) fn redact(text: &str) -> String {
    let (start, rest) =
        text.split_once("://").map_or(("", text), |(scheme, rest)| (&text[..scheme.len() + 3], rest));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
    let mut out = start.to_owned();
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let (name, password) =
                user.split_once(':').map_or((user, ""), |(name, password)| (name, password));
            out.push_str(name);
            out.push_str(if password.is_empty() { "@" } else { ":***@" });
            out.push_str(place);
        }
        None => out.push_str(rest),
    }
    for (at, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if name.contains("password") => out.extend([name, "=***"]),
            _ => out.push_str(pair),
        }
    }
    out
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.expose()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = SqlError;
    fn try_from(text: String) -> Result<Self, SqlError> {
        text.parse()
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_database_url() {
        let read = |text: &str| text.parse::<DatabaseUrl>();
        assert_eq!(read("sqlite://data").unwrap(), DatabaseUrl::sqlite("data"));
        assert_eq!(read("sqlite:///var/trawl").unwrap(), DatabaseUrl::sqlite("/var/trawl"));
        let postgres = "postgres://u:p@db:5432/trawl";
        assert_eq!(read(postgres).unwrap(), DatabaseUrl::Postgres(postgres.to_owned()));
        assert_eq!(String::from(read(postgres).unwrap()), postgres, "serialising keeps the password");
        for bad in [
            "",
            "pages.db",
            "sqlite://",
            "sqlite::memory:",
            "mysql://u@h/d",
            "postgres://u@h",
            "postgres://u@h/",
        ] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("expected sqlite://FOLDER or postgres://"), "{bad}: {error}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("postgres://u:secret@h/d", "postgres://u:***@h/d"),
            ("postgres://u:se:c@ret@h/d?sslmode=require", "postgres://u:***@h/d?sslmode=require"),
            ("postgres://u@h/d?user=x&password=secret", "postgres://u@h/d?user=x&password=***"),
            ("u:secret@h", "u:***@h"),
            ("sqlite://a/b", "sqlite://a/b"),
        ] {
            assert_eq!(redact(text), shown);
        }
        let url: DatabaseUrl = "postgres://u:secret@h/d".parse().unwrap();
        assert!(!format!("{url} {url:?}").contains("secret"));
        assert!(!"mysql://u:secret@h/d".parse::<DatabaseUrl>().unwrap_err().to_string().contains("secret"));
    }
}
