//! Which rows a file has, under which columns.

use super::{
    Cell, Column, ItemRow, Kind, links,
    pages::{self, PageColumn},
};
use crate::page::Page;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a row stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// A page
    #[default]
    Pages,
    /// A link of a page
    Links,
    /// An item that extraction rules made of a page
    Items,
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pages => "pages",
            Self::Links => "links",
            Self::Items => "items",
        })
    }
}

/// A page that can't be written as rows: what was stored as its links or items is something else.
#[derive(Debug, thiserror::Error)]
#[error("what is stored of {url} can't be read: {source}")]
pub struct RowError {
    /// The page.
    pub url: String,
    /// Why.
    pub source: serde_json::Error,
}

pub(super) fn error(page: &Page) -> impl Fn(serde_json::Error) -> RowError + '_ {
    |source| RowError { url: page.url.clone(), source }
}

/// A column that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rows of {rows} have no column {name:?}; there are {}", known.join(", "))]
pub struct ColumnError {
    rows: Rows,
    name: String,
    known: Vec<&'static str>,
}

/// Rows of one kind with their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSet {
    rows: Rows,
    columns: Vec<Column>,
    /// Of each column its place among all.
    places: Vec<usize>,
}

impl RowSet {
    /// The columns of these names; without names the usual ones. `flat` leaves out lists, which CSV has
    /// no place for, unless they are named.
    ///
    /// # Errors
    /// When there is no such column. Items may have any.
    pub fn new(rows: Rows, names: &[String], flat: bool) -> Result<Self, ColumnError> {
        let known: Vec<&Column> = match rows {
            Rows::Pages => pages::COLUMNS.iter().map(|known| &known.column).collect(),
            Rows::Links => links::COLUMNS.iter().collect(),
            Rows::Items => {
                let named = |name: &String| Column { name: name.clone().into(), kind: Kind::Json };
                return Ok(Self { rows, columns: names.iter().map(named).collect(), places: Vec::new() });
            }
        };
        let usual = if rows == Rows::Pages { pages::USUAL } else { known.len() };
        let places = if names.is_empty() {
            (0..usual).filter(|place| !flat || known[*place].kind != Kind::Texts).collect()
        } else {
            let place = |name: &String| {
                known.iter().position(|column| column.name == name.as_str()).ok_or_else(|| ColumnError {
                    rows,
                    name: name.clone(),
                    known: pages_or_links(rows),
                })
            };
            names.iter().map(place).collect::<Result<Vec<_>, _>>()?
        };
        let columns = places.iter().map(|place| known[*place].clone()).collect();
        Ok(Self { rows, columns, places })
    }

    /// What a row stands for.
    #[must_use]
    pub fn rows(&self) -> Rows {
        self.rows
    }

    /// The columns. Of items those that were asked for; none means all that there turn out to be.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Shows the rows of a page to `visit`; items are shown by [`RowSet::visit_items`].
    ///
    /// # Errors
    /// When what is stored of the page can't be read.
    pub fn visit(&self, page: &Page, mut visit: impl FnMut(&[Cell<'_>])) -> Result<(), RowError> {
        match self.rows {
            Rows::Pages => {
                let cell = |place: &usize| {
                    let PageColumn { cell, .. } = &pages::COLUMNS[*place];
                    cell(page)
                };
                visit(&self.places.iter().map(cell).collect::<Result<Vec<_>, _>>()?);
                Ok(())
            }
            Rows::Links => links::visit(page, |all| {
                visit(&self.places.iter().map(|place| all[*place].clone()).collect::<Vec<_>>());
            }),
            Rows::Items => Ok(()),
        }
    }

    /// Shows the items that came with a page to `visit`.
    ///
    /// # Errors
    /// When one of them is no object.
    pub fn visit_items(&self, page: &Page, mut visit: impl FnMut(ItemRow)) -> Result<(), RowError> {
        for item in page.items()? {
            visit(ItemRow::new(&item).map_err(error(page))?);
        }
        Ok(())
    }
}

fn pages_or_links(rows: Rows) -> Vec<&'static str> {
    let name = |column: &'static Column| column.name.as_ref();
    match rows {
        Rows::Links => links::COLUMNS.iter().map(name).collect(),
        _ => pages::COLUMNS.iter().map(|known| name(&known.column)).collect(),
    }
}
