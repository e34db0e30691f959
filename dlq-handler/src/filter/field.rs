//! What a filter may ask about: the fields of a letter, of what kind each is, and where it is kept.

use std::fmt;

/// A field of a letter, by the name that people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// As it is written in filters, groups and orders.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    pub(crate) column: &'static str,
}

/// What the values of a field are, which decides the operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text: equal or like a pattern.
    Text,
    /// An id, or its first digits.
    Id,
    /// A whole number.
    Number,
    /// An instant.
    Time,
    /// The time since an instant.
    Age,
}

impl Kind {
    /// The operators that its fields take.
    #[must_use]
    pub const fn operators(self) -> &'static [&'static str] {
        match self {
            Self::Text | Self::Id => &["=", "!="],
            Self::Number | Self::Time => &["=", "!=", "<", "<=", ">", ">="],
            Self::Age => &["<", "<=", ">", ">="],
        }
    }

    const fn values(self) -> &'static str {
        match self {
            Self::Text => "text with * and ?, alternatives with |",
            Self::Id => "an id or its first digits",
            Self::Number => "a number, or a range with =1..3",
            Self::Time => "2026-11-21, 2026-11-21T10:00 or RFC 3339, or a range with =FROM..TO",
            Self::Age => "a duration such as 90s, 1h30m, 2d",
        }
    }
}

const fn field(name: &'static str, kind: Kind, column: &'static str) -> Field {
    Field { name, kind, column }
}

impl Field {
    /// All of them, those that are asked for most first.
    pub const ALL: [Self; 26] = [
        field("state", Kind::Text, "state"),
        field("code", Kind::Text, "code"),
        field("host", Kind::Text, "host"),
        field("service", Kind::Text, "service"),
        field("class", Kind::Text, "class"),
        field("url", Kind::Text, "url"),
        field("error", Kind::Text, "error"),
        field("group", Kind::Text, "consumer"),
        field("topic", Kind::Text, "topic"),
        field("kind", Kind::Text, "kind"),
        field("stage", Kind::Text, "stage"),
        field("instance", Kind::Text, "instance"),
        field("version", Kind::Text, "version"),
        field("trace", Kind::Text, "trace"),
        field("by", Kind::Text, "changed_by"),
        field("remark", Kind::Text, "remark"),
        field("id", Kind::Id, "id"),
        field("job", Kind::Id, "job"),
        field("task", Kind::Id, "task"),
        field("message", Kind::Id, "message"),
        field("causation", Kind::Id, "causation"),
        field("attempts", Kind::Number, "attempts"),
        field("replays", Kind::Number, "generation"),
        field("age", Kind::Age, "died_at"),
        field("died", Kind::Time, "died_at"),
        field("changed", Kind::Time, "changed_at"),
    ];

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name == name)
    }

    /// What letters may be counted by: what many have in common.
    pub fn of_groups() -> impl Iterator<Item = Self> {
        let single = ["id", "task", "message", "causation", "trace"];
        Self::ALL
            .into_iter()
            .filter(move |field| matches!(field.kind, Kind::Text | Kind::Id) && !single.contains(&field.name))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a filter may say, for people who wrote something else.
#[must_use]
pub fn help() -> String {
    let mut help = String::new();
    for kind in [Kind::Text, Kind::Id, Kind::Number, Kind::Age, Kind::Time] {
        let fields: Vec<_> = Field::ALL.iter().filter(|field| field.kind == kind).map(|f| f.name).collect();
        help.push_str(&format!(
            "\n  {}: {} {}",
            fields.join(", "),
            kind.operators().join(" "),
            kind.values()
        ));
    }
    help
}
