//! Rows as files have them: of pages, of their links, of the items that rules made of them.
//!
//! A row is a list of [`Cell`]s under [`Column`]s; what it is written as is the business of
//! [`crate::sink`]. Pages and links have fixed columns. Items have those that their fields need:
//! `items` flattens an item, `infer` finds the columns of many.

mod infer;
mod items;
mod links;
mod pages;
mod set;

pub use infer::Inference;
pub(crate) use items::type_of;
pub use items::{Item, ItemRow};
pub use set::{ColumnError, RowError, RowSet, Rows};

use std::borrow::Cow;

/// What a column holds. Every cell may be empty besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// An instant, to the millisecond.
    Time,
    /// A list of texts.
    Texts,
    /// Any JSON value, as its text.
    Json,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it holds.
    pub kind: Kind,
}

impl Column {
    const fn fixed(name: &'static str, kind: Kind) -> Self {
        Self { name: Cow::Borrowed(name), kind }
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing is known.
    Null,
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::Int`].
    Int(i64),
    /// See [`Kind::Float`].
    Float(f64),
    /// See [`Kind::Text`].
    Text(Cow<'a, str>),
    /// Unix milliseconds.
    Time(i64),
    /// See [`Kind::Texts`].
    Texts(Vec<Cow<'a, str>>),
    /// JSON text.
    Json(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(Cow::Borrowed(text)))
    }

    fn json(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Json(Cow::Borrowed(text)))
    }

    fn int(number: Option<impl Into<i64>>) -> Self {
        number.map_or(Self::Null, |number| Self::Int(number.into()))
    }
}

/// An instant as text: RFC 3339 in UTC; none for what is no instant.
pub(crate) fn instant(millis: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(millis).ok()
}
