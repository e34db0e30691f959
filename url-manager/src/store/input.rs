//! What a statement is given: a table, and values beside it.

use crate::key::UrlKey;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(Arc<str>),
    Key(UrlKey),
}

/// As PostgreSQL is given it.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Key(key) => key.serialize(serializer),
        }
    }
}

/// A table of `width` columns, and scalars.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    pub(super) width: usize,
    pub(super) cells: Vec<Cell>,
    pub(super) scalars: Vec<Cell>,
}

impl Input {
    /// No table, only values.
    pub(crate) fn scalars<const N: usize>(scalars: [Cell; N]) -> Self {
        Self { scalars: scalars.into(), ..Self::default() }
    }

    /// A table.
    pub(crate) fn table<const N: usize>(rows: impl IntoIterator<Item = [Cell; N]>) -> Self {
        let rows = rows.into_iter();
        let mut cells = Vec::with_capacity(N * rows.size_hint().0);
        rows.for_each(|row| cells.extend(row));
        Self { width: N, cells, scalars: Vec::new() }
    }

    /// A table, and a value for all of its rows.
    pub(crate) fn with(mut self, scalar: impl Into<Cell>) -> Self {
        self.scalars.push(scalar.into());
        self
    }

    /// Whether the table has no rows: then there is nothing to do or to answer.
    pub(super) fn is_vain(&self) -> bool {
        self.width > 0 && self.cells.is_empty()
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        // Depths and counts of one URL: far below what a signed column holds.
        Self::Int(i64::from(number.min(i32::MAX.cast_unsigned())))
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<UrlKey> for Cell {
    fn from(key: UrlKey) -> Self {
        Self::Key(key)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
