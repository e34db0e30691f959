//! A filter as SQL: columns by name, values bound.

use super::{Condition, Field, Filter, Test, field::Kind};
use jiff::Timestamp;
use uuid::Uuid;

/// Whose SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// A value for a place in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bind {
    Text(String),
    Id(Uuid),
    Int(i64),
}

/// Text of ours, and the values of its places in order.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) binds: Vec<Bind>,
    dialect: Dialect,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, text: &str) -> Self {
        Self { text: text.to_owned(), binds: Vec::new(), dialect }
    }

    /// Adds text of ours.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a place for a value.
    pub(crate) fn bind(&mut self, value: Bind) -> &mut Self {
        self.binds.push(value);
        self.text.push_str(&format!("${}", self.binds.len()));
        self
    }

    /// Adds `WHERE` and the filter's conditions; always at least one.
    pub(crate) fn filtered(&mut self, filter: &Filter, now: Timestamp) -> &mut Self {
        self.push(" WHERE 1 = 1");
        for condition in &filter.0 {
            // A value that is not there is unknown to SQL, and "not like" it to people.
            self.push(if condition.negated { " AND NOT COALESCE(" } else { " AND (" });
            self.test(condition, now);
            self.push(if condition.negated { ", FALSE)" } else { ")" });
        }
        self
    }

    fn test(&mut self, condition: &Condition, now: Timestamp) {
        let column = condition.field.column;
        match &condition.test {
            Test::Like(patterns) => {
                for (at, pattern) in patterns.iter().enumerate() {
                    self.push(if at > 0 { " OR " } else { "" });
                    match pattern.literal() {
                        Some(text) if text.is_empty() => {
                            self.push(&format!("({column} IS NULL OR {column} = '')"));
                        }
                        Some(text) => {
                            self.push(&format!("{column} = ")).bind(Bind::Text(text));
                        }
                        None => match self.dialect {
                            Dialect::Sqlite => {
                                self.push(&format!("{column} GLOB ")).bind(Bind::Text(pattern.glob()));
                            }
                            #[cfg(feature = "postgres")]
                            Dialect::Postgres => {
                                self.push(&format!("{column} LIKE ")).bind(Bind::Text(pattern.like()));
                            }
                        },
                    }
                }
            }
            Test::Among(ranges) => {
                for (at, (first, last)) in ranges.iter().enumerate() {
                    self.push(if at > 0 { " OR " } else { "" });
                    self.push(&format!("{column} BETWEEN ")).bind(Bind::Id(*first));
                    self.push(" AND ").bind(Bind::Id(*last));
                }
            }
            Test::Between(least, most) => {
                let (least, most) = if condition.field.kind == Kind::Age {
                    let now = now.as_millisecond();
                    (now.saturating_sub(*most), now.saturating_sub(*least))
                } else {
                    (*least, *most)
                };
                self.push(&format!("{column} BETWEEN ")).bind(Bind::Int(least));
                self.push(" AND ").bind(Bind::Int(most));
            }
        }
    }

    /// The column as both databases sort it: text by its bytes.
    pub(crate) fn sortable(&self, field: Field) -> String {
        match self.dialect {
            Dialect::Sqlite => field.column.to_owned(),
            #[cfg(feature = "postgres")]
            Dialect::Postgres if field.kind == Kind::Text => format!("{} COLLATE \"C\"", field.column),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => field.column.to_owned(),
        }
    }
}
