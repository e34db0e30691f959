//! Migrations and rows, spelled without sqlx's own macros: those compile SQLite and PostgreSQL a second time, for the
//! compiler, which was a good part of the way from clone to first page.

use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType},
};

/// The migrations of a store, in order: a folder as seen from the file that names it, and its files without `.sql`.
#[macro_export]
macro_rules! migrations {
    ($folder:literal: $($name:literal),+) => {
        ::sqlx::migrate::Migrator::with_migrations(vec![
            $($crate::sql::migration($name, include_str!(concat!($folder, "/", $name, ".sql"))),)+
        ])
    };
}

/// A struct that is read from rows of either database, each field from the column of its name.
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident { $($field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        $visibility struct $name { $($field: $type,)+ }

        impl<'r, R: ::sqlx::Row> ::sqlx::FromRow<'r, R> for $name
        where
            &'static str: ::sqlx::ColumnIndex<R>,
            $($type: ::sqlx::Decode<'r, R::Database> + ::sqlx::Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> ::sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)+ })
            }
        }
    };
}

/// One file of [`migrations!`](crate::migrations): `name` is its number, `_`, and what it does.
///
/// # Panics
/// When `name` is none.
#[must_use]
pub fn migration(name: &'static str, sql: &'static str) -> Migration {
    let (version, description) = name.split_once('_').expect("a number, `_` and what it does");
    let version = version.parse().expect("a number first");
    Migration::new(
        version,
        description.replace('_', " ").into(),
        MigrationType::Simple,
        SqlStr::from_static(sql),
        false,
    )
}

/// Asserts that a list holds every file of `folder`, as sqlx itself reads them.
///
/// # Panics
/// When it does not.
#[cfg(any(test, feature = "testing"))]
pub async fn assert_lists_all(folder: &std::path::Path, list: &sqlx::migrate::Migrator) {
    let files = sqlx::migrate::Migrator::new(folder).await.expect("the folder holds migrations");
    let facts = |migrator: &sqlx::migrate::Migrator| -> Vec<_> {
        migrator.iter().map(|one| (one.version, one.description.to_string(), one.checksum.to_vec())).collect()
    };
    assert_eq!(facts(list), facts(&files), "{}", folder.display());
}
