//! The one language in which letters are chosen: on the command line, on the page and over REST.
//!
//! A filter is conditions that all hold: `code=timeout host=*.example age>1h attempts>=3`. [`field`] says what may be asked
//! about, `parse` reads, `sql` asks a database with bound values; text of people never becomes SQL.

pub mod field;
mod parse;
mod pattern;
mod sql;

pub use field::Field;
pub use parse::FilterError;
pub(crate) use parse::range;
pub(crate) use sql::{Bind, Dialect, Sql};

use crate::letter::Summary;
use jiff::Timestamp;
use pattern::Pattern;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Conditions that all hold; none lets every letter through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: Field,
    operator: &'static str,
    /// As it was written, quotes taken off.
    value: String,
    /// Whether the test must fail.
    negated: bool,
    test: Test,
}

/// What a value has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// Like one of these. The empty one is like nothing being there.
    Like(Vec<Pattern>),
    /// In one of these, ends included.
    Among(Vec<(Uuid, Uuid)>),
    /// Between these, ends included. Instants and ages are in milliseconds.
    Between(i64, i64),
}

impl Filter {
    /// Every letter.
    #[must_use]
    pub const fn all() -> Self {
        Self(Vec::new())
    }

    /// Both filters' conditions.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// With one more condition that comes from a program; `value` is taken as it is.
    #[must_use]
    pub fn with(self, field: &str, value: &str) -> Self {
        match parse::equals(field, value) {
            Some(condition) => self.and(Self(vec![condition])),
            None => self,
        }
    }

    /// Whether it says something about a field of that name.
    #[must_use]
    pub fn mentions(&self, field: &str) -> bool {
        self.0.iter().any(|condition| condition.field.name == field)
    }

    /// Whether it lets every letter through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it lets a letter through: what the databases are held to.
    #[must_use]
    pub fn admits(&self, letter: &Summary, now: Timestamp) -> bool {
        self.0.iter().all(|condition| condition.admits(letter, now) != condition.negated)
    }
}

impl Condition {
    fn admits(&self, letter: &Summary, now: Timestamp) -> bool {
        match &self.test {
            Test::Like(patterns) => {
                let value = text_of(letter, self.field.name);
                patterns.iter().any(|pattern| match value {
                    None => pattern.is_empty(),
                    Some(value) => pattern.admits(value),
                })
            }
            Test::Among(ranges) => id_of(letter, self.field.name)
                .is_some_and(|id| ranges.iter().any(|(first, last)| (*first..=*last).contains(&id))),
            Test::Between(least, most) => {
                let value = match self.field.name {
                    "attempts" => i64::from(letter.attempts),
                    "replays" => i64::from(letter.generation),
                    "age" => now.as_millisecond() - letter.died_at,
                    "died" => letter.died_at,
                    _ => letter.changed_at,
                };
                (*least..=*most).contains(&value)
            }
        }
    }
}

/// A letter's value of a field of text.
#[must_use]
pub(crate) fn text_of<'a>(letter: &'a Summary, field: &str) -> Option<&'a str> {
    Some(match field {
        "state" => letter.state.as_str(),
        "code" => &letter.code,
        "host" => letter.host.as_deref()?,
        "service" => &letter.service,
        "class" => &letter.class,
        "url" => letter.url.as_deref()?,
        "error" => &letter.error,
        "group" => &letter.group,
        "topic" => &letter.topic,
        "kind" => letter.kind.as_deref()?,
        "stage" => &letter.stage,
        "instance" => &letter.instance,
        "version" => &letter.version,
        "trace" => letter.trace.as_deref()?,
        "by" => &letter.changed_by,
        "remark" => letter.remark.as_deref()?,
        _ => return None,
    })
}

fn id_of(letter: &Summary, field: &str) -> Option<Uuid> {
    Some(match field {
        "id" => letter.id.0,
        "job" => letter.job?.0,
        "task" => letter.task?.0,
        "message" => letter.message.0,
        "causation" => letter.causation?.0,
        _ => return None,
    })
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parse::filter(text).map(Self)
    }
}

/// As it can be read again.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Condition { field, operator, value, .. }) in self.0.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            if value.chars().any(char::is_whitespace) {
                write!(f, "{space}{field}{operator}\"{value}\"")?;
            } else {
                write!(f, "{space}{field}{operator}{value}")?;
            }
        }
        Ok(())
    }
}
