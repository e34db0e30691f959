//! From a text to a value of a type.

use super::{dates, locale::Locale, number};
use serde_json::Value;
use std::borrow::Cow;

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is.
    Text,
    /// A JSON number.
    Number(Option<Locale>),
    /// An RFC 3339 date.
    Date { format: Option<String>, locale: Option<Locale> },
    /// An absolute http(s) URL.
    Url,
    /// True where something stands that does not say no.
    Boolean,
}

impl Kind {
    /// For messages.
    pub(super) const NAMES: &'static str = "text, number, date, url, boolean";

    /// The value of all pieces together, where that is how the type works: nothing found is false.
    pub(super) fn whole(&self, pieces: &[Cow<'_, str>]) -> Option<Value> {
        match self {
            Self::Boolean if pieces.is_empty() => Some(Value::Bool(false)),
            _ => None,
        }
    }

    /// The value of a piece; `None` where it has none of this type.
    pub(super) fn value(&self, text: &str, resolve: &dyn Fn(&str) -> Option<String>) -> Option<Value> {
        match self {
            Self::Text => Some(Value::String(text.to_owned())),
            Self::Number(locale) => number::parse(text, *locale),
            Self::Date { format, locale } => {
                dates::parse(text, format.as_deref(), *locale).map(Value::String)
            }
            Self::Url => resolve(text).map(Value::String),
            Self::Boolean => Some(Value::Bool(!says_no(text))),
        }
    }
}

fn says_no(text: &str) -> bool {
    let text = text.trim();
    ["false", "no", "off", "0", "none", "n", "nein", "non"].iter().any(|no| text.eq_ignore_ascii_case(no))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types() {
        let resolve = |text: &str| text.strip_prefix('/').map(|path| format!("https://example.org/{path}"));
        for (kind, text, expected) in [
            (Kind::Text, "7", Some(json!("7"))),
            (Kind::Number(None), "7 left", Some(json!(7))),
            (Kind::Number(None), "none", None),
            (Kind::Url, "/a", Some(json!("https://example.org/a"))),
            (Kind::Url, "mailto:x", None),
            (Kind::Boolean, "In stock", Some(json!(true))),
            (Kind::Boolean, " No ", Some(json!(false))),
            (Kind::Date { format: None, locale: None }, "2024-01-02", Some(json!("2024-01-02"))),
        ] {
            assert_eq!(kind.value(text, &resolve), expected, "{kind:?} {text}");
        }
        assert_eq!(Kind::Boolean.whole(&[]), Some(json!(false)));
        assert_eq!(Kind::Text.whole(&[]), None);
    }
}
